package dev.countersign

import dev.countersign.core.CountersignException
import dev.countersign.core.PromptId
import dev.countersign.phone.Phone
import kotlinx.coroutines.async
import kotlinx.coroutines.delay
import kotlinx.coroutines.runBlocking
import org.junit.jupiter.api.Assertions.assertTrue
import org.junit.jupiter.api.Test
import org.junit.jupiter.api.assertThrows
import org.junit.jupiter.api.io.TempDir
import java.nio.file.Path
import java.time.Duration

/** Uses an authenticator after its shutdown. */
class ShutDownTest {
    @Test
    fun `after shutdown calls fail with Closed, and the store can be opened again`(@TempDir folder: Path) = runBlocking<Unit> {
        Phone(folder).open().use { phone ->
            val first = phone.core
            val revision = first.snapshot().revision
            val waiting = async { runCatching { first.changedSince(revision, Duration.ofMinutes(10)) } }
            delay(100)
            first.shutDown()
            assertTrue(waiting.await().exceptionOrNull() is CountersignException.Closed)
            assertThrows<CountersignException.Closed> { runBlocking { first.snapshot() } }
            assertThrows<CountersignException.Closed> { runBlocking { first.approve(PromptId("x", "y"), "10") } }
            first.shutDown()
            phone.open()
            assertTrue(phone.core.accounts().isEmpty())
            // `close` releases the native object behind the Kotlin object.
            first.close()
            assertThrows<IllegalStateException> { runBlocking { first.accounts() } }
            assertTrue(phone.core.accounts().isEmpty())
        }
    }
}
