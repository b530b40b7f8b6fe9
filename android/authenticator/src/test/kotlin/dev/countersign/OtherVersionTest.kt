package dev.countersign

import dev.countersign.otherversion.Inbox
import dev.countersign.otherversion.KeyGuard
import dev.countersign.otherversion.KeyStore
import dev.countersign.otherversion.uniffiEnsureInitialized
import dev.countersign.phone.Process
import org.junit.jupiter.api.Assertions.assertTrue
import org.junit.jupiter.api.Test

/** Generated code that belongs to another version of the library: the checksum of one method differs. */
class OtherVersionTest {
    @Test
    fun `a library of another version is refused when it is loaded, before anything is called`() {
        // In a process of its own: both versions would share one library, and so its callbacks.
        val said = Process(OtherVersion::class.java.name).use { it.line() }
        assertTrue("checksum mismatch" in said, said)
    }
}

/** Says why the first call did not happen. */
object OtherVersion : KeyStore {
    @JvmStatic
    fun main(arguments: Array<String>) = try {
        // Generated Kotlin looks at the checksums only when it is told to: an app does this before anything else.
        uniffiEnsureInitialized()
        Inbox.open(arguments.joinToString(), this).close()
        println("called")
    } catch (refused: Throwable) {
        println(generateSequence(refused) { it.cause }.joinToString(" < "))
    }

    override fun make(alias: String, guard: KeyGuard) = ByteArray(0)
    override fun publicKey(alias: String) = ByteArray(0)
    override fun sign(alias: String, content: ByteArray) = ByteArray(0)
    override fun delete(alias: String) = Unit
    override fun wrap(plain: ByteArray) = ByteArray(0)
    override fun unwrap(wrapped: ByteArray) = ByteArray(0)
}
