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
        var crossings = 0L
        var signature = 0.0
        // The approvals of the other people, and the calls before each measurement, warm up the JVM. A phone needs no
        // warm-up, because it compiles the app ahead of time.
        repeat(PEOPLE) { round ->
            World.person().use { person ->
                Phone(Files.createDirectory(folder.resolve("$round"))).open().use { phone ->
                    phone.addAndConfirm(person)
                    repeat(2_000) {
                        phone.keys.sign(phone.keys.aliases().single(), ByteArray(500))
                        phone.core.snapshot()
                        phone.core.deviceLock()
                    }
                    crossings = 0
                    lines = List(count) {
                        val number = World.signsIn(person.user)
                        val prompt = phone.prompt()
                        val before = Crossings.soFar()
                        val started = System.nanoTime()
                        assertEquals(Step.Done(Outcome.APPROVED), phone.core.approve(prompt.id, number))
                        val milliseconds = (System.nanoTime() - started) / 1e6
                        crossings += Crossings.soFar() - before
                        "%.3f".format(milliseconds)
                    }
                    signature = List(101) { phone.signatureMicroseconds() }.sorted()[50]
                }
            }
        }
        val found = Crossings.microseconds()?.let {
            listOf("crossings ${crossings / count.toDouble()}", "crossing $it", "signature $signature")
        }
        Files.write(Path.of(System.getProperty("approvals.output")), lines + found.orEmpty())
    }
}

private const val PEOPLE = 5

/** The time that the key store of these tests takes for a signature. It uses the JVM's own cryptography. */
private fun Phone.signatureMicroseconds(): Double {
    val started = System.nanoTime()
    keys.sign(keys.aliases().single(), ByteArray(500))
    return (System.nanoTime() - started) / 1e3
}

/** The counter of calls across the language border. Only the generated code of `cargo xtask bench` contains it. */
private object Crossings {
    private val counter = runCatching { Class.forName("dev.countersign.core.Crossings") }.getOrNull()

    fun soFar(): Long = counter?.getMethod("soFar")?.invoke(null) as Long? ?: 0

    /** The time of one call without data, in microseconds. */
    fun microseconds(): Double? = counter?.getMethod("microseconds")?.invoke(null) as Double?
}
