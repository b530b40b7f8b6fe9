package dev.countersign.ports

import dev.countersign.core.KeyGuard
import dev.countersign.core.KeyStore
import dev.countersign.core.LockState
import dev.countersign.core.PlatformException
import dev.countersign.core.Reply
import dev.countersign.core.Step
import dev.countersign.core.UserVerification

/** What the person does when the phone asks them to unlock a key. */
enum class Unlocks { BY_FINGER, BY_PIN, CANCELS }

/** A key store whose sign-in keys require user verification for each use. The test chooses what the person does. */
class PersonsKeys(private val keys: JavaKeyStore, private val lock: SetLock) : KeyStore by keys {
    private val guarded = HashMap<String, KeyGuard>()

    /** What the person does when asked. The phone asks once for each use of a key. */
    @Volatile var person = Unlocks.BY_FINGER

    /** How often the person was asked. */
    var asked = 0
        private set

    /** Through the port, the core may make only keys without user verification. */
    override fun make(alias: String, guard: KeyGuard): ByteArray {
        check(guard == KeyGuard.AFTER_FIRST_UNLOCK) { "a sign-in key was requested through the port" }
        return keys.make(alias, guard)
    }

    override fun sign(alias: String, content: ByteArray): ByteArray {
        check(alias !in guarded) { "a sign-in key was used through the port" }
        return keys.sign(alias, content)
    }

    /** The reply of an app to a step that needs the sign-in key. */
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
            Unlocks.CANCELS -> return Reply.Failed(PlatformException.Cancelled())
        }
        // Only the `SignedForm` that states how the person was really verified may be signed.
        val form = step.forms.single { it.verified == verified }
        return Reply.Signed(keys.sign(step.alias, form.bytes), verified)
    }
}
