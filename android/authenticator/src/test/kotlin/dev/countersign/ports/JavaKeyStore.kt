package dev.countersign.ports

import com.sun.jna.Native
import dev.countersign.core.KeyGuard
import dev.countersign.core.KeyStore
import dev.countersign.core.PlatformException
import java.nio.file.Files
import java.nio.file.Path
import java.nio.file.StandardCopyOption.ATOMIC_MOVE
import java.security.KeyFactory
import java.security.KeyPairGenerator
import java.security.PrivateKey
import java.security.SecureRandom
import java.security.Signature
import java.security.interfaces.ECPublicKey
import java.security.spec.ECGenParameterSpec
import java.security.spec.PKCS8EncodedKeySpec
import java.util.TreeMap
import java.util.concurrent.atomic.AtomicLong
import javax.crypto.AEADBadTagException
import javax.crypto.Cipher
import javax.crypto.SecretKey
import javax.crypto.spec.GCMParameterSpec
import javax.crypto.spec.SecretKeySpec
import java.security.KeyStore as Pkcs12

/** Implements the key store port with java.security and a PKCS #12 file. */
class JavaKeyStore(private val file: Path) : KeyStore {
    private val password = "for tests on a machine without hardware keys".toCharArray()
    private val protection = Pkcs12.PasswordProtection(password)
    private val store: Pkcs12 = Pkcs12.getInstance("PKCS12").apply {
        if (Files.exists(file)) Files.newInputStream(file).use { load(it, password) } else load(null, password)
    }

    /** All entries, read once, because each read of an entry computes ten thousand hashes. */
    private val entries = TreeMap<String, ByteArray>(String.CASE_INSENSITIVE_ORDER).apply { store.aliases().toList().associateWithTo(this, ::decrypted) }

    private val signing = HashMap<String, PrivateKey>()

    /** The time of all signatures, in nanoseconds. */
    val timeSigning = AtomicLong()

    override fun make(alias: String, guard: KeyGuard): ByteArray = port {
        if (alias !in entries) {
            val pair = KeyPairGenerator.getInstance("EC").apply { initialize(ECGenParameterSpec("secp256r1")) }.generateKeyPair()
            put(alias, point(pair.public as ECPublicKey) + pair.private.encoded)
        }
        publicKey(alias)
    }

    override fun publicKey(alias: String): ByteArray = port { key(alias).copyOfRange(0, POINT) }

    override fun sign(alias: String, content: ByteArray): ByteArray = port {
        val private = signing.getOrPut(alias) {
            val encoded = key(alias).let { it.copyOfRange(POINT, it.size) }
            KeyFactory.getInstance("EC").generatePrivate(PKCS8EncodedKeySpec(encoded))
        }
        val started = System.nanoTime()
        val signature = Signature.getInstance("SHA256withECDSA").run { initSign(private); update(content); sign() }
        timeSigning.addAndGet(System.nanoTime() - started)
        signature
    }

    override fun delete(alias: String) = port {
        signing.remove(alias)
        if (entries.remove(alias) != null) {
            store.deleteEntry(alias)
            save()
        }
    }

    override fun wrap(plain: ByteArray): ByteArray = port {
        if (WRAPPING !in entries) put(WRAPPING, ByteArray(32).also(SecureRandom()::nextBytes))
        Cipher.getInstance(GCM).run { init(Cipher.ENCRYPT_MODE, wrappingKey()); iv + doFinal(plain) }
    }

    override fun unwrap(wrapped: ByteArray): ByteArray = port {
        val nonce = GCMParameterSpec(128, wrapped, 0, NONCE)
        try {
            Cipher.getInstance(GCM).run { init(Cipher.DECRYPT_MODE, wrappingKey(), nonce); doFinal(wrapped, NONCE, wrapped.size - NONCE) }
        } catch (_: AEADBadTagException) {
            throw PlatformException.Gone()
        }
    }

    fun aliases(): List<String> = synchronized(store) { entries.keys.toList() - WRAPPING }

    private fun wrappingKey(): SecretKey = SecretKeySpec(key(WRAPPING), "AES")

    private fun key(alias: String): ByteArray = entries[alias] ?: throw PlatformException.Gone()

    private fun decrypted(alias: String): ByteArray =
        (store.getEntry(alias, protection) as Pkcs12.SecretKeyEntry).secretKey.encoded

    private fun put(alias: String, bytes: ByteArray) {
        entries[alias] = bytes
        store.setEntry(alias, Pkcs12.SecretKeyEntry(SecretKeySpec(bytes, "AES")), protection)
        save()
    }

    private fun save() {
        val next = file.resolveSibling("${file.fileName}.next")
        Files.newOutputStream(next).use { store.store(it, password) }
        Files.move(next, file, ATOMIC_MOVE)
    }

    /**
     * Runs a call of the port. Leaves the core's thread attached to the JVM, because the core will call again.
     *
     * An exception other than [PlatformException] becomes `Transient`, because it says nothing about the key.
     * An [Error] becomes `Transient` too, because the generated code does not catch an [Error].
     */
    private fun <T> port(work: () -> T): T = try {
        Native.detach(false)
        synchronized(store, work)
    } catch (known: PlatformException) {
        throw known
    } catch (_: Throwable) {
        throw PlatformException.Transient()
    }

    private companion object {
        const val WRAPPING = "wrapping"
        const val GCM = "AES/GCM/NoPadding"
        const val NONCE = 12
        const val POINT = 65

        fun point(key: ECPublicKey): ByteArray = byteArrayOf(4) + coordinate(key.w.affineX) + coordinate(key.w.affineY)

        fun coordinate(number: java.math.BigInteger): ByteArray =
            number.toByteArray().takeLast(32).toByteArray().let { ByteArray(32 - it.size) + it }
    }
}
