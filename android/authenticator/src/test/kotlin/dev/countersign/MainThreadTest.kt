package dev.countersign

import dev.countersign.core.DeviceLock
import dev.countersign.core.KeyGuard
import dev.countersign.core.KeyStore
import dev.countersign.core.LockState
import dev.countersign.core.PushChannel
import dev.countersign.core.TlsTrust
import dev.countersign.phone.Phone
import dev.countersign.world.Person
import dev.countersign.world.World
import kotlinx.coroutines.Dispatchers
import kotlinx.coroutines.asCoroutineDispatcher
import kotlinx.coroutines.cancelAndJoin
import kotlinx.coroutines.delay
import kotlinx.coroutines.isActive
import kotlinx.coroutines.launch
import kotlinx.coroutines.runBlocking
import kotlinx.coroutines.withContext
import org.junit.jupiter.api.Assertions.assertTrue
import org.junit.jupiter.api.Test
import org.junit.jupiter.api.io.TempDir
import java.nio.file.Path
import java.util.concurrent.Executors

/** An app calls the core from its main thread; a blocked main thread freezes the app. */
class MainThreadTest {
    /** Ports that take [PAUSE] milliseconds for each call. */
    private class Slow(private val phone: Phone) : KeyStore by phone.keys, DeviceLock, PushChannel, TlsTrust {
        override fun make(alias: String, guard: KeyGuard) = slow { phone.keys.make(alias, guard) }
        override fun publicKey(alias: String) = slow { phone.keys.publicKey(alias) }
        override fun sign(alias: String, content: ByteArray) = slow { phone.keys.sign(alias, content) }
        override fun wrap(plain: ByteArray) = slow { phone.keys.wrap(plain) }
        override fun unwrap(wrapped: ByteArray) = slow { phone.keys.unwrap(wrapped) }
        override fun state() = slow { LockState.CREDENTIAL }
        override fun subscribe(vapidKey: ByteArray, slot: ByteArray) = slow { phone.channel.subscribe(vapidKey, slot) }
        override fun delivery() = slow { phone.channel.delivery() }
        override fun isTrusted(host: String, chain: List<ByteArray>, now: ULong) = slow { phone.trust.isTrusted(host, chain, now) }

        private fun <T> slow(work: () -> T): T {
            Thread.sleep(PAUSE)
            return work()
        }
    }

    @Test
    fun `slow ports do not block the main thread`(@TempDir folder: Path) = runBlocking<Unit> {
        val main = Executors.newSingleThreadExecutor().asCoroutineDispatcher()
        World.person().use { person ->
            Phone(folder).use { phone ->
                var longest = 0L
                val heart = launch(main) {
                    var last = System.nanoTime()
                    while (isActive) {
                        delay(5)
                        val now = System.nanoTime()
                        longest = maxOf(longest, (now - last) / 1_000_000)
                        last = now
                    }
                }
                withContext(main) { everything(phone, person) }
                heart.cancelAndJoin()
                assertTrue(longest < PAUSE, "the main thread was blocked for $longest ms")
            }
        }
        main.close()
    }

    private suspend fun everything(phone: Phone, person: Person) {
        val slow = Slow(phone)
        phone.core = dev.countersign.core.Authenticator.open(phone.folders, phone.ports(slow, slow, slow, slow))
        phone.core.deviceLock()
        val picture = withContext(Dispatchers.IO) { person.showsCode() }
        val invite = phone.core.readCode(dev.countersign.core.CodeInput.Picture(picture)) as dev.countersign.core.Scanned.Invited
        val shown = phone.core.enroll(phone.core.lookUp(invite.invite)) as dev.countersign.core.Step.ShowDigits
        withContext(Dispatchers.IO) { person.typesDigits(shown.digits) }
        phone.core.waitForActivation(shown.ticket)
        withContext(Dispatchers.IO) { person.number() }
        val prompt = phone.core.checkForPrompts(dev.countersign.core.FetchReason.OPENED).prompts.single()
        phone.core.approve(prompt.id, withContext(Dispatchers.IO) { person.number() })
        phone.core.remove(prompt.id.account)
        phone.core.shutDown()
    }

    private companion object {
        const val PAUSE = 500L
    }
}
