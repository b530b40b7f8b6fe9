package dev.countersign.ports

import dev.countersign.core.PlatformException
import dev.countersign.core.PushChannel
import dev.countersign.core.PushDelivery
import kotlinx.serialization.json.Json
import kotlinx.serialization.json.buildJsonObject
import kotlinx.serialization.json.jsonObject
import kotlinx.serialization.json.jsonPrimitive
import kotlinx.serialization.json.put
import java.net.URI
import java.net.http.HttpClient
import java.net.http.HttpRequest
import java.net.http.HttpRequest.BodyPublishers
import java.net.http.HttpResponse.BodyHandlers
import java.security.SecureRandom
import java.util.Base64
import kotlin.concurrent.thread

/** Implements the push port with the relay's stream (protocol section 8) instead of FCM. */
class RelayChannel(private val relay: String, trust: AuthorityTrust) : PushChannel, AutoCloseable {
    private val client = HttpClient.newBuilder().sslContext(trust.context()).version(HttpClient.Version.HTTP_1_1).build()
    private val bearer = encode(ByteArray(32).also(SecureRandom()::nextBytes))
    @Volatile private var closed = false
    @Volatile private var received: ((slot: ByteArray, body: ByteArray) -> Unit)? = null

    override fun subscribe(vapidKey: ByteArray, slot: ByteArray): String = try {
        val body = buildJsonObject { put("vapid_key", encode(vapidKey)); put("slot", encode(slot)) }
        val request = request("/subscriptions").POST(BodyPublishers.ofString(body.toString())).build()
        val answer = client.send(request, BodyHandlers.ofString())
        check(answer.statusCode() == 201)
        Json.parseToJsonElement(answer.body()).jsonObject.getValue("endpoint").jsonPrimitive.content
    } catch (_: Throwable) {
        throw PlatformException.Transient()
    }

    /** The notification setting that the test has chosen. */
    @Volatile var notifications = PushDelivery.ALLOWED

    override fun delivery() = notifications

    /** Passes each push to [received] until the channel is closed. An earlier listener gets no further pushes. */
    fun listen(received: (slot: ByteArray, body: ByteArray) -> Unit) {
        val first = this.received == null
        this.received = received
        if (first) thread(isDaemon = true, name = "pushes") { stream() }
    }

    private fun stream() {
        while (!closed) {
            runCatching { client.send(request("/stream").build(), BodyHandlers.ofLines()).body().forEach(::line) }
            Thread.sleep(100)
        }
    }

    private fun line(line: String) {
        check(!closed)
        if (line.isBlank()) return
        val message = Json.parseToJsonElement(line).jsonObject
        received?.invoke(decode(message.getValue("slot").jsonPrimitive.content), decode(message.getValue("message").jsonPrimitive.content))
    }

    private fun request(path: String) = HttpRequest.newBuilder(URI(relay + path))
        .header("Authorization", "Bearer $bearer").header("Content-Type", "application/json")

    override fun close() {
        closed = true
    }
}

fun encode(bytes: ByteArray): String = Base64.getUrlEncoder().withoutPadding().encodeToString(bytes)

fun decode(text: String): ByteArray = Base64.getUrlDecoder().decode(text)
