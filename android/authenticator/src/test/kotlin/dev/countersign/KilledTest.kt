package dev.countersign

import dev.countersign.core.AccountHealth
import dev.countersign.core.KeyGuard
import dev.countersign.core.KeyStore
import dev.countersign.core.Step
import dev.countersign.phone.Phone
import dev.countersign.phone.Process
import dev.countersign.world.World
import kotlinx.coroutines.delay
import kotlinx.coroutines.runBlocking
import org.junit.jupiter.api.Assertions.assertEquals
import org.junit.jupiter.api.Test
import org.junit.jupiter.api.io.TempDir
import java.nio.file.Files
import java.nio.file.Path

/** Each test kills a process (SIGKILL) in the middle of an act, and then opens the store of that process. */
class KilledTest {
    @Test
    fun `after a kill the same digits are shown and the enrollment completes`(@TempDir folder: Path) = runBlocking<Unit> {
        World.person().use { person ->
            Files.write(folder.resolve("screen.png"), person.showsCode())
            Process(EnrollingPhone::class.java.name, "$folder").use { child ->
                val digits = child.line().removePrefix("digits ")
                child.kill()
                Phone(folder).open().use { phone ->
                    val shown = phone.core.pendingSteps().single() as Step.ShowDigits
                    assertEquals(digits, shown.digits)
                    phone.activate(person, shown)
                    assertEquals(AccountHealth.Active, phone.core.accounts().single().health)
                }
            }
        }
    }

    @Test
    fun `after a kill in a key store call the enrollment uses the existing key`(@TempDir folder: Path) = runBlocking<Unit> {
        World.person().use { person ->
            Files.write(folder.resolve("screen.png"), person.showsCode())
            Process(EnrollingPhone::class.java.name, "$folder", "stop after the key").use { child ->
                assertEquals("key made", child.line())
                child.kill()
                Phone(folder).open().use { phone ->
                    val made = phone.keys.aliases()
                    val interrupted = phone.core.pendingSteps().single() as Step.EnrollmentInterrupted
                    phone.activate(person, phone.core.continueEnrollment(interrupted.ticket) as Step.ShowDigits)
                    assertEquals(made, phone.keys.aliases(), "a second key was made")
                }
            }
        }
    }

    @Test
    fun `after a kill a stored answer is sent at the next start`(@TempDir folder: Path) = runBlocking<Unit> {
        World.person().use { person ->
            Phone(folder).open().use { phone ->
                phone.add(person)
                phone.prompt()
            }
            World.cut("/phone/answers", "before", 100)
            try {
                Process(ApprovingPhone::class.java.name, "$folder", person.number()).use { child ->
                    assertEquals("queued", child.line())
                    child.kill()
                }
            } finally {
                World.heal()
            }
            Phone(folder).open().use { person.sees("done") }
        }
    }
}

/** Enrolls with the picture in its folder, prints the digits, and waits to be killed. */
object EnrollingPhone {
    @JvmStatic
    fun main(arguments: Array<String>) = runBlocking<Unit> {
        val folder = Path.of(arguments[0])
        val phone = Phone(folder)
        val stopping = object : KeyStore by phone.keys {
            override fun make(alias: String, guard: KeyGuard): ByteArray {
                phone.keys.make(alias, guard)
                println("key made")
                while (true) Thread.sleep(1_000)
            }
        }
        phone.open(if (arguments.size > 1) phone.ports(keyStore = stopping) else phone.ports())
        val picture = dev.countersign.core.CodeInput.Picture(Files.readAllBytes(folder.resolve("screen.png")))
        val scanned = phone.core.readCode(picture) as dev.countersign.core.Scanned.Invited
        val shown = phone.core.enroll(phone.core.lookUp(scanned.invite)) as Step.ShowDigits
        println("digits ${shown.digits}")
        delay(Long.MAX_VALUE)
    }
}

/** Approves the waiting prompt while the service can't be reached, and waits to be killed. */
object ApprovingPhone {
    @JvmStatic
    fun main(arguments: Array<String>) = runBlocking<Unit> {
        val phone = Phone(Path.of(arguments[0])).open()
        val step = phone.core.approve(phone.prompt().id, arguments[1])
        println(if (step is Step.Queued) "queued" else "not queued: $step")
        delay(Long.MAX_VALUE)
    }
}
