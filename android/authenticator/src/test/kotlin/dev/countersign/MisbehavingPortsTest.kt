package dev.countersign

import com.sun.jna.Native
import dev.countersign.core.AccountHealth
import dev.countersign.core.Authenticator
import dev.countersign.core.CountersignException
import dev.countersign.core.DeviceLock
import dev.countersign.core.KeyGuard
import dev.countersign.core.KeyStore
import dev.countersign.core.LockState
import dev.countersign.core.NextStep
import dev.countersign.core.PlatformException
import dev.countersign.core.PushChannel
import dev.countersign.core.PushDelivery
import dev.countersign.core.Step
import dev.countersign.core.TlsTrust
import dev.countersign.core.nextStep
import dev.countersign.core.restoredAccounts
import dev.countersign.core.startOver
import dev.countersign.phone.Phone
import dev.countersign.world.World
import kotlinx.coroutines.async
import kotlinx.coroutines.runBlocking
import org.junit.jupiter.api.Assertions.assertEquals
import org.junit.jupiter.api.Assertions.assertTrue
import org.junit.jupiter.api.Test
import org.junit.jupiter.api.assertThrows
import org.junit.jupiter.api.io.TempDir
import java.nio.file.Path
import java.time.Duration

/** How a port can misbehave; `null` behaves. */
private typealias Fault = (() -> ByteArray)?

private val throws: Fault = { throw IllegalStateException("not a platform error") }

/** Not an exception: UniFFI's generated code does not catch it, so nothing of it reaches the core. */
private val throwsAnError: Fault = { throw AssertionError("an Error") }
private val garbage: Fault = { byteArrayOf(1, 2, 3) }
private val never: Fault = { Thread.sleep(Long.MAX_VALUE); ByteArray(0) }

/** A key store, lock, channel and trust that do what they are told, and what a real one does otherwise. */
private class Moody(private val phone: Phone) : KeyStore, DeviceLock, PushChannel, TlsTrust {
    @Volatile var fault: Fault = null
    @Volatile var at = ""
    @Volatile var pause = Duration.ZERO

    fun misbehaves(method: String, with: Fault) {
        at = method
        fault = with
    }

    private fun asked(method: String): ByteArray? {
        Thread.sleep(pause.toMillis())
        return if (method == at) fault?.invoke() else null
    }

    override fun make(alias: String, guard: KeyGuard) = asked("make") ?: phone.keys.make(alias, guard)
    override fun publicKey(alias: String) = asked("publicKey") ?: phone.keys.publicKey(alias)
    override fun sign(alias: String, content: ByteArray) = asked("sign") ?: phone.keys.sign(alias, content)
    override fun delete(alias: String) = if (asked("delete") == null) phone.keys.delete(alias) else Unit
    override fun wrap(plain: ByteArray) = asked("wrap") ?: phone.keys.wrap(plain)
    override fun unwrap(wrapped: ByteArray) = asked("unwrap") ?: phone.keys.unwrap(wrapped)
    override fun state() = if (asked("state") == null) LockState.CREDENTIAL else LockState.MISSING
    override fun isTrusted(host: String, chain: List<ByteArray>, now: ULong) =
        if (asked("isTrusted") == null) phone.trust.isTrusted(host, chain, now) else true

    override fun subscribe(vapidKey: ByteArray, slot: ByteArray) =
        asked("subscribe")?.decodeToString() ?: phone.channel.subscribe(vapidKey, slot)

    override fun delivery() = if (asked("delivery") == null) phone.channel.delivery() else PushDelivery.BLOCKED
}

private fun Phone.moody() = Moody(this).let { it to ports(it, it, it, it) }

class MisbehavingPortsTest {
    init {
        // JNA would print each of the errors that are thrown here on purpose.
        Native.setCallbackExceptionHandler { _, thrown -> if (thrown !is AssertionError) thrown.printStackTrace() }
    }

    @Test
    fun `a key store that fails at the first start leaves nothing, and the next start works`(@TempDir folder: Path) = runBlocking<Unit> {
        Phone(folder).use { phone ->
            val (moody, ports) = phone.moody()
            for ((method, fault, expected) in listOf(
                Triple("wrap", throws, CountersignException.TryAgain::class),
                Triple("wrap", throwsAnError, CountersignException.TryAgain::class),
                Triple("unwrap", throws, CountersignException.TryAgain::class),
                Triple("unwrap", throwsAnError, CountersignException.TryAgain::class),
                Triple("unwrap", garbage, CountersignException.NotSupported::class),
            )) {
                moody.misbehaves(method, fault)
                val error = assertThrows<CountersignException> { runBlocking { Authenticator.open(phone.folders, ports) } }
                assertEquals(expected, error::class, method)
            }
            moody.misbehaves("", null)
            phone.open(ports)
            assertTrue(phone.core.accounts().isEmpty())
        }
    }

    @Test
    fun `a port that fails while an account is added costs nothing once it behaves again`(@TempDir folder: Path) = runBlocking<Unit> {
        World.person().use { person ->
            Phone(folder).use { phone ->
                val (moody, ports) = phone.moody()
                phone.open(ports)
                moody.misbehaves("isTrusted", throws)
                val picture = person.showsCode()
                val invite = (phone.core.readCode(dev.countersign.core.CodeInput.Picture(picture)) as dev.countersign.core.Scanned.Invited).invite
                for (fault in listOf(throws, throwsAnError)) {
                    moody.misbehaves("isTrusted", fault)
                    assertThrows<CountersignException.Untrusted> { runBlocking { phone.core.lookUp(invite) } }
                }
                moody.misbehaves("", null)
                val offer = phone.core.lookUp(invite)
                for (fault in listOf(throws, throwsAnError)) {
                    moody.misbehaves("make", fault)
                    assertThrows<CountersignException.TryAgain> { runBlocking { phone.core.enroll(offer) } }
                    phone.core.abandon((phone.core.pendingSteps().single() as Step.EnrollmentInterrupted).ticket)
                }
                // Garbage is refused for good: nothing is left of the enrollment.
                moody.misbehaves("make", garbage)
                assertThrows<CountersignException.NotSupported> { runBlocking { phone.core.enroll(offer) } }
                assertTrue(phone.core.pendingSteps().isEmpty())
                // What fails in passing is kept, and goes on where it was.
                moody.misbehaves("subscribe", throwsAnError)
                assertThrows<CountersignException.TryAgain> { runBlocking { phone.core.enroll(offer) } }
                val ticket = (phone.core.pendingSteps().single() as Step.EnrollmentInterrupted).ticket
                for (fault in listOf(throws, throwsAnError)) {
                    moody.misbehaves("sign", fault)
                    assertThrows<CountersignException.TryAgain> { runBlocking { phone.core.continueEnrollment(ticket) } }
                }
                moody.misbehaves("", null)
                phone.activate(person, phone.core.continueEnrollment(ticket) as Step.ShowDigits)
                // An answer: nothing is signed, the request stays open, and the next try approves.
                val prompt = phone.prompt()
                for ((fault, expected) in listOf(throwsAnError to CountersignException.TryAgain::class, garbage to CountersignException.NotSupported::class)) {
                    moody.misbehaves("sign", fault)
                    val error = assertThrows<CountersignException> { runBlocking { phone.core.approve(prompt.id, person.number()) } }
                    assertEquals(expected, error::class)
                }
                moody.misbehaves("", null)
                assertEquals(Step.Done(dev.countersign.core.Outcome.APPROVED), phone.core.approve(prompt.id, person.number()))
                // A deletion that failed without saying so is not believed.
                moody.misbehaves("delete", throwsAnError)
                val account = prompt.id.account
                phone.core.remove(account)
                assertEquals(1, phone.keys.aliases().size)
            }
        }
    }

    @Test
    fun `the lock that can't be told is an error, never a lock`(@TempDir folder: Path) = runBlocking<Unit> {
        Phone(folder).use { phone ->
            val (moody, ports) = phone.moody()
            phone.open(ports)
            assertEquals(LockState.CREDENTIAL, phone.core.deviceLock())
            for (fault in listOf(throws, throwsAnError)) {
                moody.misbehaves("state", fault)
                assertThrows<CountersignException.TryAgain> { runBlocking { phone.core.deviceLock() } }
            }
        }
    }

    @Test
    fun `a platform error arrives as what the app does next`(@TempDir folder: Path) = runBlocking<Unit> {
        Phone(folder).use { phone ->
            val (moody, ports) = phone.moody()
            phone.open(ports)
            for ((told, expected) in listOf(
                PlatformException.Locked() to CountersignException.NotYetUnlocked::class,
                PlatformException.Transient() to CountersignException.TryAgain::class,
                PlatformException.Cancelled() to CountersignException.Cancelled::class,
                PlatformException.Invalidated() to CountersignException.KeyLost::class,
                PlatformException.Gone() to CountersignException.KeyLost::class,
                PlatformException.WrongPassphrase() to CountersignException.WrongPassphrase::class,
                PlatformException.Unusable() to CountersignException.NotSupported::class,
            )) {
                moody.misbehaves("state") { throw told }
                val error = assertThrows<CountersignException> { runBlocking { phone.core.deviceLock() } }
                assertEquals(expected, error::class)
            }
        }
    }

    @Test
    fun `restored where the keys are not, it names the accounts and begins anew`(@TempDir folder: Path) = runBlocking<Unit> {
        World.person().use { person ->
            Phone(folder).use { phone ->
                val (moody, ports) = phone.moody()
                phone.open(ports)
                phone.add(person)
                phone.core.pushAddressChanged()
                val name = phone.core.accounts().single().userName
                assertThrows<CountersignException.NotFromAnotherDevice> { runBlocking { startOver(phone.folders, moody) } }
                phone.core.shutDown()
                moody.misbehaves("unwrap") { throw PlatformException.Gone() }
                assertThrows<CountersignException.FromAnotherDevice> { runBlocking { phone.open(ports) } }
                val restored = restoredAccounts(phone.folders).single()
                assertEquals(name to AccountHealth.RestoredElsewhere, restored.userName to restored.health)
                assertEquals(NextStep.ADD_AGAIN, nextStep(restored.health))
                startOver(phone.folders, moody)
                moody.misbehaves("", null)
                phone.open(ports)
                assertTrue(phone.core.accounts().isEmpty())
            }
        }
    }

    @Test
    fun `ports that never return cost thirty seconds, not the app`(@TempDir folder: Path) = runBlocking<Unit> {
        World.person().use { person ->
            Phone(folder.resolve("a").also { it.toFile().mkdir() }).use { phone ->
                val (moody, ports) = phone.moody()
                phone.open(ports)
                val offer = phone.lookUp(person)
                moody.misbehaves("make", never)
                val enrolling = async { runCatching { phone.core.enroll(offer) } }
                val hung = Phone(folder.resolve("b").also { it.toFile().mkdir() })
                val (hanging, hungPorts) = hung.moody()
                hanging.misbehaves("wrap", never)
                val opening = async { runCatching { Authenticator.open(hung.folders, hungPorts) } }
                // The rest goes on meanwhile.
                assertTrue(phone.core.accounts().isEmpty())
                assertTrue(enrolling.await().exceptionOrNull() is CountersignException.TryAgain)
                assertTrue(opening.await().exceptionOrNull() is CountersignException.TryAgain)
                moody.misbehaves("", null)
                val ticket = (phone.core.pendingSteps().single() as Step.EnrollmentInterrupted).ticket
                assertTrue(phone.core.continueEnrollment(ticket) is Step.ShowDigits)
            }
        }
    }

    @Test
    fun `slow ports only take their time`(@TempDir folder: Path) = runBlocking<Unit> {
        World.person().use { person ->
            Phone(folder).use { phone ->
                val (moody, ports) = phone.moody()
                moody.pause = Duration.ofMillis(700)
                phone.open(ports).addAndConfirm(person)
            }
        }
    }
}
