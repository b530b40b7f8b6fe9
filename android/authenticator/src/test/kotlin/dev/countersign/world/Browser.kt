package dev.countersign.world

import kotlinx.serialization.json.JsonElement
import kotlinx.serialization.json.JsonObject
import kotlinx.serialization.json.buildJsonObject
import kotlinx.serialization.json.jsonObject
import kotlinx.serialization.json.jsonPrimitive
import kotlinx.serialization.json.put
import kotlinx.serialization.json.putJsonObject
import java.util.Base64

/** A window of a real browser, controlled by WebDriver (W3C). */
class Browser : AutoCloseable {
    private val session: String

    init {
        val body = buildJsonObject { putJsonObject("capabilities") { put("alwaysMatch", World.capabilities) } }
        val started = value(send("${World.webdriver}/session", "POST", body)).jsonObject
        session = "${World.webdriver}/session/${started.getValue("sessionId").jsonPrimitive.content}"
    }

    fun goto(address: String) = post("url", "url" to address)

    fun click(id: String) = post("element/${waitFor("#$id")}/click")

    fun fill(id: String, text: String) = post("element/${waitFor("#$id")}/value", "text" to text)

    fun attribute(css: String, name: String): String =
        value(send("$session/element/${waitFor(css)}/attribute/$name", "GET", null)).jsonPrimitive.content

    fun picture(): ByteArray =
        Base64.getDecoder().decode(value(send("$session/screenshot", "GET", null)).jsonPrimitive.content)

    fun waitForPage(name: String): String = waitFor("#page[data-page=\"$name\"]")

    /** Waits until one of two pages is shown, and returns the name of this page. */
    fun waitForOneOf(one: String, other: String): String =
        attribute("#page[data-page=\"$one\"], #page[data-page=\"$other\"]", "data-page")

    /** Waits until an element exists, and returns its WebDriver id. */
    fun waitFor(css: String): String {
        repeat(400) {
            val found = runCatching { value(post("element", "using" to "css selector", "value" to css)).jsonObject }
            found.onSuccess { return it.values.first().jsonPrimitive.content }
            Thread.sleep(50)
        }
        error("no $css on ${value(send("$session/url", "GET", null))}: ${value(send("$session/title", "GET", null))}")
    }

    fun forget() {
        send("$session/cookie", "DELETE", null)
    }

    private fun post(path: String, vararg members: Pair<String, String>): JsonElement =
        send("$session/$path", "POST", buildJsonObject { members.forEach { (name, value) -> put(name, value) } })

    private fun value(answer: JsonElement): JsonElement = (answer as JsonObject).getValue("value")

    override fun close() {
        send(session, "DELETE", null)
    }
}
