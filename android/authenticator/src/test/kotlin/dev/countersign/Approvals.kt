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

/**
 * Measures approvals from Kotlin, for `cargo xtask bench`, without the signatures of the test's key store: the JVM takes
 * much longer for them than OpenSSL or ring, and a phone signs in its own hardware.
 *
 * Surefire runs this class only when `-Dtest` names it.
 */
class Approvals {
    @Test
    fun measure(@TempDir folder: Path) = runBlocking<Unit> {
        val count = System.getProperty("approvals.count").toInt()
        var lines = emptyList<String>()
        var crossings = 0L
        var signing = 0L
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
                    signing = 0
                    lines = List(count) {
                        val number = World.signsIn(person.user)
                        val prompt = phone.prompt()
                        val before = Crossings.soFar()
                        val signedBefore = phone.keys.timeSigning.get()
                        val started = System.nanoTime()
                        assertEquals(Step.Done(Outcome.APPROVED), phone.core.approve(prompt.id, number))
                        val took = System.nanoTime() - started
                        val signed = phone.keys.timeSigning.get() - signedBefore
                        signing += signed
                        crossings += Crossings.soFar() - before
                        "%.3f".format((took - signed) / 1e6)
                    }
                }
            }
        }
        val found = Crossings.microseconds()?.let {
            listOf("crossings ${crossings / count.toDouble()}", "crossing $it", "signing ${signing / 1e3 / count}")
        }
        Files.write(Path.of(System.getProperty("approvals.output")), lines + found.orEmpty())
    }
}

private const val PEOPLE = 5

/** The counter of calls across the language border. Only the generated code of `cargo xtask bench` contains it. */
private object Crossings {
    private val counter = runCatching { Class.forName("dev.countersign.core.Crossings") }.getOrNull()

    fun soFar(): Long = counter?.getMethod("soFar")?.invoke(null) as Long? ?: 0

    /** The time of one call without data, in microseconds. */
    fun microseconds(): Double? = counter?.getMethod("microseconds")?.invoke(null) as Double?
}
