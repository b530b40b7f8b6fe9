package dev.countersign

import dev.countersign.core.Outcome
import dev.countersign.core.Step
import dev.countersign.phone.Phone
import dev.countersign.world.World
import kotlinx.coroutines.runBlocking
import org.junit.jupiter.api.Assertions.assertEquals
import org.junit.jupiter.api.Test
import org.junit.jupiter.api.io.TempDir
import java.nio.file.Files
import java.nio.file.Path

/** Measures approvals from Kotlin, for `cargo xtask bench`. Surefire runs this class only when `-Dtest` names it. */
class Approvals {
    @Test
    fun measure(@TempDir folder: Path) = runBlocking<Unit> {
        val count = System.getProperty("approvals.count").toInt()
        var lines = emptyList<String>()
        // The approvals of the first person, and the calls before each measurement, warm up the JVM. A phone needs no
        // warm-up, because it compiles the app ahead of time.
        for (round in listOf("first", "second")) {
            World.person().use { person ->
                Phone(Files.createDirectory(folder.resolve(round))).open().use { phone ->
                    phone.addAndConfirm(person)
                    repeat(2_000) {
                        phone.keys.sign(phone.keys.aliases().single(), ByteArray(500))
                        phone.core.snapshot()
                        phone.core.deviceLock()
                    }
                    lines = List(count) {
                        val number = World.signsIn(person.user)
                        val prompt = phone.prompt()
                        val started = System.nanoTime()
                        assertEquals(Step.Done(Outcome.APPROVED), phone.core.approve(prompt.id, number))
                        "%.3f".format((System.nanoTime() - started) / 1e6)
                    }
                }
            }
        }
        Files.write(Path.of(System.getProperty("approvals.output")), lines)
    }
}
