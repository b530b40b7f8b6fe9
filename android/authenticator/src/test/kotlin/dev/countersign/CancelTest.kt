package dev.countersign

import dev.countersign.core.AccountHealth
import dev.countersign.core.CodeInput
import dev.countersign.core.FetchReason
import dev.countersign.core.KeyGuard
import dev.countersign.core.KeyStore
import dev.countersign.core.Outcome
import dev.countersign.core.PromptState
import dev.countersign.core.Scanned
import dev.countersign.core.Step
import dev.countersign.phone.Phone
import dev.countersign.world.World
import kotlinx.coroutines.CoroutineScope
import kotlinx.coroutines.cancelAndJoin
import kotlinx.coroutines.delay
import kotlinx.coroutines.launch
import kotlinx.coroutines.runBlocking
import kotlinx.coroutines.withTimeout
import org.junit.jupiter.api.Assertions.assertEquals
import org.junit.jupiter.api.Assertions.assertTrue
import org.junit.jupiter.api.Test
import org.junit.jupiter.api.io.TempDir
import java.nio.file.Path
import java.time.Duration

/** When the caller cancels an act, the wait of the caller ends immediately, but the core still carries out the act. */
class CancelTest {
    /** A slow key store, so that the caller can cancel in the middle of an act. */
    private class Slow(private val keys: KeyStore) : KeyStore by keys {
        override fun make(alias: String, guard: KeyGuard) = keys.make(alias, guard).also { Thread.sleep(300) }
        override fun sign(alias: String, content: ByteArray) = keys.sign(alias, content).also { Thread.sleep(300) }
    }

    private suspend fun CoroutineScope.cancelled(act: suspend () -> Any?) {
        val job = launch { act() }
        delay(50)
        withTimeout(200) { job.cancelAndJoin() }
    }

    @Test
    fun `a cancelled act is still carried out`(@TempDir folder: Path) = runBlocking<Unit> {
        World.person().use { person ->
            Phone(folder).use { phone ->
                phone.open(phone.ports(keyStore = Slow(phone.keys)))
                val core = phone.core
                val picture = person.showsCode()
                cancelled { core.readCode(CodeInput.Picture(picture)) }
                val invite = (core.readCode(CodeInput.Picture(picture)) as Scanned.Invited).invite
                cancelled { core.lookUp(invite) }
                assertTrue(core.pendingSteps().isEmpty(), "the look-up stored something")
                val offer = core.lookUp(invite)

                cancelled { core.enroll(offer) }
                val shown = eventually { core.pendingSteps().filterIsInstance<Step.ShowDigits>().singleOrNull() }
                cancelled { core.waitForActivation(shown.ticket) }
                cancelled { core.changedSince(core.snapshot().revision, Duration.ofMinutes(1)) }
                person.typesDigits(shown.digits)
                eventually { core.accounts().singleOrNull { it.health == AccountHealth.Active } }

                val prompt = phone.prompt()
                cancelled { core.approve(prompt.id, person.number()) }
                eventually { core.snapshot().prompts.singleOrNull { it.state == PromptState.Done(Outcome.APPROVED) } }
                person.sees("done")

                cancelled { core.checkForPrompts(FetchReason.OPENED) }
                cancelled { core.report(prompt.id) }
                eventually { core.snapshot().prompts.singleOrNull { it.state == PromptState.Done(Outcome.REPORTED) } }
                cancelled { core.unblock(prompt.id.account) }
                cancelled { core.deviceLock() }
                cancelled { core.remove(prompt.id.account) }
                eventually { if (core.accounts().isEmpty()) Unit else null }
                eventually { if (phone.keys.aliases().isEmpty()) Unit else null }
            }
        }
    }

    @Test
    fun `a cancelled continuation or denial is still carried out`(@TempDir folder: Path) = runBlocking<Unit> {
        World.person().use { person ->
            Phone(folder).use { phone ->
                phone.open(phone.ports(keyStore = Slow(phone.keys)))
                val core = phone.core
                World.cut("/phone/enrollment", "before", 1)
                runCatching { core.enroll(phone.lookUp(person)) }
                val interrupted = core.pendingSteps().single() as Step.EnrollmentInterrupted
                cancelled { core.continueEnrollment(interrupted.ticket) }
                val shown = eventually { core.pendingSteps().filterIsInstance<Step.ShowDigits>().singleOrNull() }
                phone.activate(person, shown)
                val prompt = phone.prompt()
                cancelled { core.deny(prompt.id) }
                eventually { core.snapshot().prompts.singleOrNull { it.state == PromptState.Done(Outcome.DENIED) } }
                assertTrue(core.pendingSteps().isEmpty())
            }
        }
    }

    private suspend fun <T : Any> eventually(look: suspend () -> T?): T = withTimeout(15_000) {
        var found = look()
        while (found == null) {
            delay(50)
            found = look()
        }
        found
    }
}
