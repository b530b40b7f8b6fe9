package dev.countersign

import dev.countersign.core.Inbox
import dev.countersign.core.InboxException
import dev.countersign.core.KeyGuard
import dev.countersign.core.KeyStore
import dev.countersign.core.PlatformException
import dev.countersign.core.PushEffect
import dev.countersign.ports.decode
import dev.countersign.ports.encode
import kotlinx.serialization.json.Json
import kotlinx.serialization.json.JsonArray
import kotlinx.serialization.json.JsonObject
import kotlinx.serialization.json.jsonObject
import kotlinx.serialization.json.jsonPrimitive
import kotlinx.serialization.json.long
import org.junit.jupiter.api.Assertions.assertArrayEquals
import org.junit.jupiter.api.Assertions.assertEquals
import org.junit.jupiter.api.Assertions.assertFalse
import org.junit.jupiter.api.Assertions.assertTrue
import org.junit.jupiter.api.Test
import org.junit.jupiter.api.assertThrows
import org.junit.jupiter.api.io.TempDir
import java.math.BigInteger
import java.nio.file.Files
import java.nio.file.Path
import java.security.AlgorithmParameters
import java.security.KeyFactory
import java.security.MessageDigest
import java.security.Signature
import java.security.interfaces.ECPublicKey
import java.security.spec.ECGenParameterSpec
import java.security.spec.ECParameterSpec
import java.security.spec.ECPoint
import java.security.spec.ECPublicKeySpec
import java.time.Instant
import javax.crypto.Mac
import javax.crypto.spec.SecretKeySpec

/** Reads `tests/vectors` from Kotlin. The core reads the pushes; the JDK checks the signatures and proofs. */
class VectorsTest {
    private val folder = Path.of(System.getProperty("countersign.vectors"))

    /** Reads a file and checks its SHA-256 checksum. */
    private fun file(name: String): JsonObject {
        val bytes = Files.readAllBytes(folder.resolve(name))
        val sum = sha256(bytes).joinToString("") { "%02x".format(it) }
        assertTrue("$sum  $name" in Files.readAllLines(folder.resolve("SHA256SUMS")), "$name does not match its checksum")
        return Json.parseToJsonElement(bytes.decodeToString()).jsonObject
    }

    private fun JsonObject.text(name: String) = getValue(name).jsonPrimitive.content
    private fun JsonObject.bytes(name: String) = decode(text(name))
    private fun JsonObject.list(name: String): List<JsonObject> = (getValue(name) as JsonArray).map { it.jsonObject }
    private fun sha256(bytes: ByteArray): ByteArray = MessageDigest.getInstance("SHA-256").digest(bytes)

    @Test
    fun `every file matches its checksum`() {
        val names = Files.readAllLines(folder.resolve("SHA256SUMS")).map { it.substringAfter("  ") }
        assertTrue(names.size >= 11)
        names.forEach { assertFalse(file(it).isEmpty()) }
    }

    @Test
    fun `the inbox accepts valid pushes only`(@TempDir inboxFolder: Path) {
        val (inbox, pushes) = file("inbox.json") to file("push.json")
        val keys = OneWrappedKey(inbox.bytes("wrapped"), inbox.bytes("snapshot_key"))
        val snapshot = inboxFolder.resolve("snapshot")
        for (wrong in inbox.list("wrong_files")) {
            Files.writeString(snapshot, wrong.text("file"))
            assertThrows<InboxException.Unreadable>(wrong.text("name")) { Inbox.open("$inboxFolder", keys) }
        }
        Files.writeString(snapshot, inbox.text("file"))
        val now = Instant.ofEpochSecond(pushes.getValue("now").jsonPrimitive.long)
        Inbox.open("$inboxFolder", keys).use { opened ->
            for (case in pushes.list("cases")) {
                val effect = opened.pushReceived(pushes.bytes("slot"), case.bytes("message"), now)
                assertEquals(case.text("verdict") == "good", effect != PushEffect.Nothing, case.text("name"))
            }
        }
    }

    @Test
    fun `signatures and signing inputs match`() {
        var good = 0
        for (name in listOf("phone-prompt", "phone-prompt-administration", "prompt-withdrawn", "push-test", "phone-state", "phone-keys", "phone-enrollment", "phone-request", "phone-answer", "phone-sign-in-answer", "phone-sign-in-key", "dpop")) {
            val file = file("$name.json")
            val key = publicKey(file("keys.json").getValue(file.text("signed_by")).jsonObject.getValue("jwk").jsonObject)
            for (case in file.list("cases")) {
                val verdict = case.text("verdict")
                if (verdict == "good") {
                    good += 1
                    assertEquals("${encode(case.text("header").toByteArray())}.${encode(case.text("payload").toByteArray())}", case.text("signing_input"))
                    assertTrue(case.text("jws").startsWith(case.text("signing_input") + "."))
                }
                if (verdict in setOf("good", "signature", "unknown_key")) {
                    assertEquals(verdict == "good", isSigned(case.text("jws"), key), "$name: ${case.text("name")}")
                }
            }
        }
        assertTrue(good > 50, "$good")
    }

    private fun isSigned(jws: String, key: ECPublicKey): Boolean {
        val (input, signature) = jws.substringBeforeLast('.') to decode(jws.substringAfterLast('.'))
        return signature.size == 64 && Signature.getInstance("SHA256withECDSAinP1363Format").run {
            initVerify(key)
            update(input.toByteArray())
            runCatching { verify(signature) }.getOrDefault(false)
        }
    }

    private fun publicKey(jwk: JsonObject): ECPublicKey {
        val curve = AlgorithmParameters.getInstance("EC").apply { init(ECGenParameterSpec("secp256r1")) }
        val point = ECPoint(BigInteger(1, jwk.bytes("x")), BigInteger(1, jwk.bytes("y")))
        val spec = ECPublicKeySpec(point, curve.getParameterSpec(ECParameterSpec::class.java))
        return KeyFactory.getInstance("EC").generatePublic(spec) as ECPublicKey
    }

    @Test
    fun `proofs, digits and thumbprints match`() {
        val file = file("proofs.json")
        for (enrollment in file.list("enrollments")) {
            for (name in listOf("look_up", "look_up_answer", "bind", "bind_answer", "digits")) {
                val proof = enrollment.getValue(name).jsonObject
                val mac = hmac(enrollment.bytes("key"), proof.bytes("input"))
                assertArrayEquals(proof.bytes("mac"), mac, "${enrollment.text("name")} $name")
                proof["digits"]?.let { assertEquals(it.jsonPrimitive.content, digits(mac)) }
            }
        }
        for (thumbprint in file.list("thumbprints")) {
            assertArrayEquals(thumbprint.bytes("thumbprint"), sha256(thumbprint.text("canonical").toByteArray()))
        }
        val prompt = file.getValue("prompt_sha256").jsonObject
        assertArrayEquals(prompt.bytes("sha256"), sha256(prompt.text("jws").toByteArray()))
    }

    private fun hmac(key: ByteArray, input: ByteArray): ByteArray =
        Mac.getInstance("HmacSHA256").run { init(SecretKeySpec(key, "HmacSHA256")); doFinal(input) }

    private fun digits(mac: ByteArray): String =
        BigInteger(1, mac.copyOf(8)).mod(BigInteger.valueOf(1_000_000)).toString().padStart(6, '0')
}

/** A key store that can unwrap one key and do nothing else. */
private class OneWrappedKey(private val wrapped: ByteArray, private val key: ByteArray) : KeyStore {
    override fun make(alias: String, guard: KeyGuard) = throw PlatformException.Unusable()
    override fun publicKey(alias: String) = throw PlatformException.Gone()
    override fun sign(alias: String, content: ByteArray) = throw PlatformException.Gone()
    override fun delete(alias: String) = Unit
    override fun wrap(plain: ByteArray) = throw PlatformException.Unusable()
    override fun unwrap(wrapped: ByteArray) = if (wrapped.contentEquals(this.wrapped)) key else throw PlatformException.Gone()
}
