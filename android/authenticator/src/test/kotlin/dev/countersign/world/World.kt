package dev.countersign.world

import kotlinx.serialization.json.Json
import kotlinx.serialization.json.JsonElement
import kotlinx.serialization.json.JsonObject
import kotlinx.serialization.json.buildJsonObject
import kotlinx.serialization.json.jsonObject
import kotlinx.serialization.json.jsonPrimitive
import kotlinx.serialization.json.put
import java.net.URI
import java.net.http.HttpClient
import java.net.http.HttpRequest
import java.net.http.HttpRequest.BodyPublishers
import java.net.http.HttpResponse.BodyHandlers
import java.time.Duration

/** The world of this test run: the real service, relay and browser driver, which `cargo xtask test` has started. */
object World {
    private val control = System.getenv("COUNTERSIGN_WORLD") ?: error("COUNTERSIGN_WORLD is not set: run `cargo xtask test`")
    private val facts = send(control, "GET", null).jsonObject

    val issuer = text("issuer")
    val relay = text("relay")
    val ca = text("ca")
    val webdriver = text("webdriver")
    val capabilities: JsonObject = facts.getValue("capabilities").jsonObject

    fun person(): Person = order("/people").jsonObject.let {
        Person(it.getValue("user").jsonPrimitive.content, it.getValue("password").jsonPrimitive.content)
    }

    /** Signs a person in without a browser, until the page shows a number; returns the number. */
    fun signsIn(user: String): String =
        order("/sign-in", buildJsonObject { put("user", user) }).jsonObject.getValue("number").jsonPrimitive.content

    /**
     * Makes the next `count` requests to a path fail. If `at` is `before`, they do not reach the service; otherwise,
     * the responses are lost.
     */
    fun cut(path: String, at: String, count: Int) =
        order("/cut", buildJsonObject { put("path", path); put("at", at); put("count", count) })

    /** The redirect URI of the phone (RFC 8252 section 7.3). */
    val redirectUri = "$control/phone-sign-in"

    /** The full URL of the last redirect to [redirectUri]. */
    fun cameBack(): String = control + order("/came-back").jsonObject.getValue("uri").jsonPrimitive.content

    fun heal() = order("/heal")

    fun fillPrompts(database: String, count: Int) =
        order("/prompts", buildJsonObject { put("database", database); put("count", count) })

    private fun text(name: String) = facts.getValue(name).jsonPrimitive.content

    private fun order(path: String, body: JsonObject = JsonObject(emptyMap())) = send(control + path, "POST", body)
}

private val client: HttpClient = HttpClient.newBuilder().version(HttpClient.Version.HTTP_1_1).build()

/** Sends one JSON request on loopback. */
internal fun send(address: String, method: String, body: JsonElement?): JsonElement {
    val publisher = body?.let { BodyPublishers.ofString(it.toString()) } ?: BodyPublishers.noBody()
    val request = HttpRequest.newBuilder(URI(address)).method(method, publisher)
        .header("Content-Type", "application/json").timeout(Duration.ofSeconds(60)).build()
    val answer = client.send(request, BodyHandlers.ofString())
    check(answer.statusCode() == 200) { "$method $address: ${answer.statusCode()} ${answer.body()}" }
    return Json.parseToJsonElement(answer.body())
}
