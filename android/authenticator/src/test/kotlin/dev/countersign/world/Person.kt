package dev.countersign.world

/** Somebody at the service's pages, in a browser of their own. */
class Person(val user: String, private val password: String) : AutoCloseable {
    private val browser by lazy { Browser() }

    /** Signs in for the first time and opens the wizard; returns the picture of the screen with the code. */
    fun showsCode(): ByteArray {
        entersPassword()
        browser.waitForPage("security-info")
        browser.click("add-method")
        browser.waitForPage("install")
        browser.click("next")
        browser.waitFor("#qr")
        return browser.picture()
    }

    /** Types the digits that the phone shows; the page then shows a number. */
    fun typesDigits(digits: String) {
        browser.waitForPage("digits")
        browser.fill("digits", digits)
        browser.click("confirm")
    }

    /** Signs in with name and password, up to the page with the number. */
    fun signsIn() {
        browser.forget()
        entersPassword()
        browser.waitForPage("number")
    }

    private fun entersPassword() {
        browser.goto("${World.issuer}/sign-in")
        browser.waitForPage("user-name")
        browser.fill("user-name", user)
        browser.click("next")
        browser.waitForPage("password")
        browser.fill("password", password)
        browser.click("next")
    }

    fun number(): String = browser.attribute("#number", "data-number")

    fun sees(page: String) = browser.waitForPage(page)

    override fun close() = browser.close()
}
