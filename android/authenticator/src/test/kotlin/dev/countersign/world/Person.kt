package dev.countersign.world

/** A person at the service's pages, with their own browser. */
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

    /** Signs in with name and password, until the page shows the number. */
    fun signsIn() {
        browser.forget()
        entersPassword()
        browser.waitForPage("number")
    }

    private fun entersPassword() {
        browser.goto("${World.issuer}/sign-in")
        entersNameAndPassword()
    }

    private fun entersNameAndPassword() {
        browser.waitForPage("user-name")
        browser.fill("user-name", user)
        browser.click("next")
        browser.waitForPage("password")
        browser.fill("password", password)
        browser.click("next")
    }

    /** Signs in at the URL that a phone opened, until the page shows the number that the same phone must approve. */
    fun signsInAt(address: String) {
        browser.goto(address)
        entersNameAndPassword()
        browser.waitForPage("number")
    }

    /** Agrees to register the phone that the page names; returns the redirect URL. */
    fun registers(): String {
        browser.waitForPage("register-phone")
        browser.click("register")
        return World.cameBack()
    }

    /** Types the name and chooses to sign in with the phone, until the page shows the number. */
    fun usesPhone() {
        browser.goto("${World.issuer}/sign-in")
        browser.waitForPage("user-name")
        browser.fill("user-name", user)
        browser.click("next")
        if (browser.waitForOneOf("password", "number") == "password") browser.click("use-phone")
        browser.waitForPage("number")
    }

    /** Deletes the cookies, so that the service no longer knows the browser. */
    fun forgets() = browser.forget()

    fun presses(button: String) = browser.click(button)

    fun number(): String = browser.attribute("#number", "data-number")

    fun sees(page: String) = browser.waitForPage(page)

    override fun close() = browser.close()
}
