package dev.countersign.ports

import dev.countersign.core.KeyGuard
import dev.countersign.core.KeyStore
import dev.countersign.core.LockState
import dev.countersign.core.PlatformException
import dev.countersign.core.Reply
import dev.countersign.core.Step
import dev.countersign.core.UserVerification

/** What the person does when the phone asks them to unlock. */
enum class Unlocks { BY_FINGER, BY_PIN, TURNS_AWAY }

/**
 * Keys that ask the person for each use, beside those that ask nobody: as a phone's own key store has them, with a
 * person who does as the test says.
 */
class PersonsKeys(private val keys: JavaKeyStore, private val lock: SetLock) : KeyStore by keys {
    private val guarded = HashMap<String, KeyGuard>()

    /** What the person does next; each use asks once. */
    @Volatile var person = Unlocks.BY_FINGER

    /** How often the person was asked. */
    var asked = 0
        private set

    /** The port must never be asked for a key of the person's. */
    override fun make(alias: String, guard: KeyGuard): ByteArray {
        check(guard == KeyGuard.AFTER_FIRST_UNLOCK) { "made behind the person's back" }
        return keys.make(alias, guard)
    }

    override fun sign(alias: String, content: ByteArray): ByteArray {
        check(alias !in guarded) { "signed behind the person's back" }
        return keys.sign(alias, content)
    }

    /** What an app does for a step that needs the person's own key. */
    fun reply(step: Step): Reply = when (step) {
        is Step.MakeKey -> make(step)
        is Step.Sign -> sign(step)
        else -> error("nothing to unlock: $step")
    }

    private fun make(step: Step.MakeKey): Reply {
        if (lock.lock == LockState.MISSING) return Reply.Failed(PlatformException.Unusable())
        guarded[step.alias] = step.guard
        return Reply.KeyMade(keys.make(step.alias, step.guard))
    }

    private fun sign(step: Step.Sign): Reply {
        asked += 1
        val verified = when (person) {
            Unlocks.BY_FINGER -> UserVerification.BIOMETRIC
            Unlocks.BY_PIN -> UserVerification.CREDENTIAL
            Unlocks.TURNS_AWAY -> return Reply.Failed(PlatformException.Cancelled())
        }
        // The form that says how the person was really verified, and no other.
        val form = step.forms.single { it.verified == verified }
        return Reply.Signed(keys.sign(step.alias, form.bytes), verified)
    }
}
