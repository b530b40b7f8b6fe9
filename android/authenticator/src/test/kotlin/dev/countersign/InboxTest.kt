package dev.countersign

import dev.countersign.core.FetchReason
import dev.countersign.core.Inbox
import dev.countersign.core.InboxException
import dev.countersign.core.KeyStore
import dev.countersign.core.Outcome
import dev.countersign.core.PlatformException
import dev.countersign.core.PushEffect
import dev.countersign.core.Step
import dev.countersign.phone.Phone
import dev.countersign.phone.Process
import dev.countersign.ports.JavaKeyStore
import dev.countersign.ports.decode
import dev.countersign.ports.encode
import dev.countersign.world.World
import kotlinx.coroutines.runBlocking
import org.junit.jupiter.api.Assertions.assertEquals
import org.junit.jupiter.api.Assertions.assertTrue
import org.junit.jupiter.api.Test
import org.junit.jupiter.api.assertThrows
import org.junit.jupiter.api.io.TempDir
import java.nio.file.Files
import java.nio.file.Path
import java.time.Instant
import java.util.concurrent.LinkedBlockingQueue
import java.util.concurrent.TimeUnit

/** While the app is not running, a separate process receives a push. The separate process uses only the inbox. */
class InboxTest {
    @Test
    fun `a prompt from the extension is listed in the app, and duplicate pushes have no effect`(@TempDir folder: Path) = runBlocking<Unit> {
        World.person().use { person ->
            Phone(folder).open().use { phone ->
                phone.addAndConfirm(person)
                // From here on the test passes the pushes to the extension, not to the core.
                val pushes = LinkedBlockingQueue<Pair<ByteArray, ByteArray>>()
                phone.channel.listen { slot, body -> pushes.add(slot to body) }
                person.signsIn()
                val (slot, body) = checkNotNull(pushes.poll(10, TimeUnit.SECONDS)).let { (slot, body) -> encode(slot) to encode(body) }
                phone.core.shutDown()

                repeat(2) { time ->
                    Process(Extension::class.java.name, "$folder", slot, body).use { extension ->
                        val words = if (time == 0) "${person.user} at ${World.issuer.removePrefix("https://")}" else "nothing"
                        assertEquals(words, extension.line())
                    }
                }

                phone.core = dev.countersign.core.Authenticator.open(phone.folders, phone.ports())
                val waiting = phone.core.snapshot().prompts.single { it.state == dev.countersign.core.PromptState.Open }
                assertEquals(PushEffect.Nothing, phone.core.pushReceived(decode(slot), decode(body)))
                assertEquals(listOf(waiting), phone.core.checkForPrompts(FetchReason.OPENED).prompts)
                assertEquals(Step.Done(Outcome.DENIED), phone.core.deny(waiting.id))
                // The extension's file still exists, but the answered prompt is not listed again.
                assertTrue(phone.core.checkForPrompts(FetchReason.OPENED).prompts.isEmpty())
            }
        }
    }

    @Test
    fun `an inbox reports why it cannot be opened`(@TempDir folder: Path) = runBlocking<Unit> {
        val phone = Phone(folder)
        assertThrows<InboxException.NoSnapshot> { Inbox.open(phone.folders.inbox, phone.keys) }
        phone.open().use { }
        Inbox.open(phone.folders.inbox, phone.keys).use { inbox ->
            assertEquals(PushEffect.Nothing, inbox.pushReceived(ByteArray(16), ByteArray(9), Instant.now()))
        }
        val locked = object : KeyStore by phone.keys {
            override fun unwrap(wrapped: ByteArray): ByteArray = throw PlatformException.Locked()
        }
        assertThrows<InboxException.NotYetUnlocked> { Inbox.open(phone.folders.inbox, locked) }
        val failing = object : KeyStore by phone.keys {
            override fun unwrap(wrapped: ByteArray): ByteArray = throw AssertionError("an Error")
        }
        assertThrows<InboxException.PlatformRefused> { Inbox.open(phone.folders.inbox, failing) }
        val another = JavaKeyStore(folder.resolve("other keys")).also { it.wrap(ByteArray(32)) }
        assertThrows<InboxException.Unreadable> { Inbox.open(phone.folders.inbox, another) }
        val keyFile = Path.of(phone.folders.inbox, "accounts", "key")
        Files.write(keyFile, Files.readAllBytes(keyFile).also { it[it.size - 10] = '!'.code.toByte() })
        assertThrows<InboxException.Unreadable> { Inbox.open(phone.folders.inbox, phone.keys) }
    }
}

/** Handles a push like a notification extension, and prints the text of the notification. */
object Extension {
    @JvmStatic
    fun main(arguments: Array<String>) {
        val (folder, slot, body) = arguments
        Inbox.open("$folder/inbox", JavaKeyStore(Path.of(folder, "keys"))).use { inbox ->
            when (val effect = inbox.pushReceived(decode(slot), decode(body), Instant.now())) {
                is PushEffect.Alert -> println("${effect.prompt.userName} at ${effect.prompt.host}")
                is PushEffect.Quiet -> println("quietly: ${effect.prompt.userName}")
                is PushEffect.Withdrawn -> println("withdrawn")
                is PushEffect.Test -> println("test")
                is PushEffect.Nothing -> println("nothing")
            }
        }
    }
}
