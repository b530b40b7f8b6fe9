package dev.countersign

import dev.countersign.otherversion.Inbox
import dev.countersign.otherversion.KeyGuard
import dev.countersign.otherversion.KeyStore
import dev.countersign.otherversion.uniffiEnsureInitialized
import dev.countersign.phone.Process
import org.junit.jupiter.api.Assertions.assertTrue
import org.junit.jupiter.api.Test

/** Uses generated code that seems to belong to another version of the library: the checksum of one method differs. */
class OtherVersionTest {
    @Test
    fun `a library of another version is refused before any call`() {
        // The call runs in a separate process, because in one process both versions would share the library and its
        // callbacks.
        val said = Process(OtherVersion::class.java.name).use { it.line() }
        assertTrue("checksum mismatch" in said, said)
    }
}

/** Prints the error of the version check, or "called". */
object OtherVersion : KeyStore {
    @JvmStatic
    fun main(arguments: Array<String>) = try {
        // Generated Kotlin compares the checksums only in this call; an app must make this call first.
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
