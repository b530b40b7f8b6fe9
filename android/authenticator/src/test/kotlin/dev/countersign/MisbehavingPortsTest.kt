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

/** A fault of a port; `null` means that the port works. */
private typealias Fault = (() -> ByteArray)?

private val throws: Fault = { throw IllegalStateException("not a platform error") }

/** An [Error] is not an [Exception]. UniFFI's generated code does not catch an [Error], so the core gets no result. */
private val throwsError: Fault = { throw AssertionError("an Error") }
private val garbage: Fault = { byteArrayOf(1, 2, 3) }
private val never: Fault = { Thread.sleep(Long.MAX_VALUE); ByteArray(0) }

/** Implements all ports. The method that the test chooses has a fault; all other methods call the real ports. */
private class FaultyPorts(private val phone: Phone) : KeyStore, DeviceLock, PushChannel, TlsTrust {
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

private fun Phone.faultyPorts() = FaultyPorts(this).let { it to ports(it, it, it, it) }

/** Tests the core with ports that throw, return malformed data, are slow, or never return. */
class MisbehavingPortsTest {
    init {
        // JNA's default handler would also print the errors that the tests throw on purpose.
        Native.setCallbackExceptionHandler { _, thrown -> if (thrown !is AssertionError) thrown.printStackTrace() }
    }

    @Test
    fun `a key store failure at the first start leaves no data, and the next start works`(@TempDir folder: Path) = runBlocking<Unit> {
        Phone(folder).use { phone ->
            val (faulty, ports) = phone.faultyPorts()
            for ((method, fault, expected) in listOf(
                Triple("wrap", throws, CountersignException.TryAgain::class),
                Triple("wrap", throwsError, CountersignException.TryAgain::class),
                Triple("unwrap", throws, CountersignException.TryAgain::class),
                Triple("unwrap", throwsError, CountersignException.TryAgain::class),
                Triple("unwrap", garbage, CountersignException.NotSupported::class),
            )) {
                faulty.misbehaves(method, fault)
                val error = assertThrows<CountersignException> { runBlocking { Authenticator.open(phone.folders, ports) } }
                assertEquals(expected, error::class, method)
            }
            faulty.misbehaves("", null)
            phone.open(ports)
            assertTrue(phone.core.accounts().isEmpty())
        }
    }

    @Test
    fun `port failures do not prevent enrollment, approval or removal`(@TempDir folder: Path) = runBlocking<Unit> {
        World.person().use { person ->
            Phone(folder).use { phone ->
                val (faulty, ports) = phone.faultyPorts()
                phone.open(ports)
                faulty.misbehaves("isTrusted", throws)
                val picture = person.showsCode()
                val invite = (phone.core.readCode(dev.countersign.core.CodeInput.Picture(picture)) as dev.countersign.core.Scanned.Invited).invite
                for (fault in listOf(throws, throwsError)) {
                    faulty.misbehaves("isTrusted", fault)
                    assertThrows<CountersignException.Untrusted> { runBlocking { phone.core.lookUp(invite) } }
                }
                faulty.misbehaves("", null)
                val offer = phone.core.lookUp(invite)
                for (fault in listOf(throws, throwsError)) {
                    faulty.misbehaves("make", fault)
                    assertThrows<CountersignException.TryAgain> { runBlocking { phone.core.enroll(offer) } }
                    phone.core.abandon((phone.core.pendingSteps().single() as Step.EnrollmentInterrupted).ticket)
                }
                // Malformed data is a permanent error, so nothing of the enrollment is left.
                faulty.misbehaves("make", garbage)
                assertThrows<CountersignException.NotSupported> { runBlocking { phone.core.enroll(offer) } }
                assertTrue(phone.core.pendingSteps().isEmpty())
                // After a transient error the enrollment continues at the same stage.
                faulty.misbehaves("subscribe", throwsError)
                assertThrows<CountersignException.TryAgain> { runBlocking { phone.core.enroll(offer) } }
                val ticket = (phone.core.pendingSteps().single() as Step.EnrollmentInterrupted).ticket
                for (fault in listOf(throws, throwsError)) {
                    faulty.misbehaves("sign", fault)
                    assertThrows<CountersignException.TryAgain> { runBlocking { phone.core.continueEnrollment(ticket) } }
                }
                faulty.misbehaves("", null)
                phone.activate(person, phone.core.continueEnrollment(ticket) as Step.ShowDigits)
                // When signing an answer fails, the prompt stays open, and the next call approves the prompt.
                val prompt = phone.prompt()
                for ((fault, expected) in listOf(throwsError to CountersignException.TryAgain::class, garbage to CountersignException.NotSupported::class)) {
                    faulty.misbehaves("sign", fault)
                    val error = assertThrows<CountersignException> { runBlocking { phone.core.approve(prompt.id, person.number()) } }
                    assertEquals(expected, error::class)
                }
                faulty.misbehaves("", null)
                assertEquals(Step.Done(dev.countersign.core.Outcome.APPROVED), phone.core.approve(prompt.id, person.number()))
                // `remove` succeeds although the device key can't be deleted; the key still exists.
                faulty.misbehaves("delete", throwsError)
                val account = prompt.id.account
                phone.core.remove(account)
                assertEquals(1, phone.keys.aliases().size)
            }
        }
    }

    @Test
    fun `a failing device lock is reported as TryAgain`(@TempDir folder: Path) = runBlocking<Unit> {
        Phone(folder).use { phone ->
            val (faulty, ports) = phone.faultyPorts()
            phone.open(ports)
            assertEquals(LockState.CREDENTIAL, phone.core.deviceLock())
            for (fault in listOf(throws, throwsError)) {
                faulty.misbehaves("state", fault)
                assertThrows<CountersignException.TryAgain> { runBlocking { phone.core.deviceLock() } }
            }
        }
    }

    @Test
    fun `platform errors map to the errors of the public API`(@TempDir folder: Path) = runBlocking<Unit> {
        Phone(folder).use { phone ->
            val (faulty, ports) = phone.faultyPorts()
            phone.open(ports)
            for ((thrown, expected) in listOf(
                PlatformException.Locked() to CountersignException.NotYetUnlocked::class,
                PlatformException.Transient() to CountersignException.TryAgain::class,
                PlatformException.Cancelled() to CountersignException.Cancelled::class,
                PlatformException.Invalidated() to CountersignException.KeyLost::class,
                PlatformException.Gone() to CountersignException.KeyLost::class,
                PlatformException.WrongPassphrase() to CountersignException.WrongPassphrase::class,
                PlatformException.Unusable() to CountersignException.NotSupported::class,
            )) {
                faulty.misbehaves("state") { throw thrown }
                val error = assertThrows<CountersignException> { runBlocking { phone.core.deviceLock() } }
                assertEquals(expected, error::class)
            }
        }
    }

    @Test
    fun `a restored folder lists its accounts and can be emptied`(@TempDir folder: Path) = runBlocking<Unit> {
        World.person().use { person ->
            Phone(folder).use { phone ->
                val (faulty, ports) = phone.faultyPorts()
                phone.open(ports)
                phone.add(person)
                phone.core.pushAddressChanged()
                val name = phone.core.accounts().single().userName
                assertThrows<CountersignException.NotFromAnotherDevice> { runBlocking { startOver(phone.folders, faulty) } }
                phone.core.shutDown()
                faulty.misbehaves("unwrap") { throw PlatformException.Gone() }
                assertThrows<CountersignException.FromAnotherDevice> { runBlocking { phone.open(ports) } }
                val restored = restoredAccounts(phone.folders).single()
                assertEquals(name to AccountHealth.RestoredElsewhere, restored.userName to restored.health)
                assertEquals(NextStep.ADD_AGAIN, nextStep(restored.health))
                startOver(phone.folders, faulty)
                faulty.misbehaves("", null)
                phone.open(ports)
                assertTrue(phone.core.accounts().isEmpty())
            }
        }
    }

    @Test
    fun `a call that waits for a hanging port fails with TryAgain`(@TempDir folder: Path) = runBlocking<Unit> {
        World.person().use { person ->
            Phone(folder.resolve("a").also { it.toFile().mkdir() }).use { phone ->
                val (faulty, ports) = phone.faultyPorts()
                phone.open(ports)
                val offer = phone.lookUp(person)
                faulty.misbehaves("make", never)
                val enrolling = async { runCatching { phone.core.enroll(offer) } }
                val hung = Phone(folder.resolve("b").also { it.toFile().mkdir() })
                val (hanging, hungPorts) = hung.faultyPorts()
                hanging.misbehaves("wrap", never)
                val opening = async { runCatching { Authenticator.open(hung.folders, hungPorts) } }
                // While the two calls wait, other calls still work.
                assertTrue(phone.core.accounts().isEmpty())
                assertTrue(enrolling.await().exceptionOrNull() is CountersignException.TryAgain)
                assertTrue(opening.await().exceptionOrNull() is CountersignException.TryAgain)
                faulty.misbehaves("", null)
                val ticket = (phone.core.pendingSteps().single() as Step.EnrollmentInterrupted).ticket
                assertTrue(phone.core.continueEnrollment(ticket) is Step.ShowDigits)
            }
        }
    }

    @Test
    fun `an enrollment with slow ports succeeds`(@TempDir folder: Path) = runBlocking<Unit> {
        World.person().use { person ->
            Phone(folder).use { phone ->
                val (faulty, ports) = phone.faultyPorts()
                faulty.pause = Duration.ofMillis(700)
                phone.open(ports).addAndConfirm(person)
            }
        }
    }
}
