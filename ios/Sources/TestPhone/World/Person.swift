import Foundation

/// A person at the service's pages, with their own browser.
package actor Person {
    package nonisolated let user: String
    private let password: String
    private let world: World
    private var window: Browser?

    init(user: String, password: String, world: World) {
        (self.user, self.password, self.world) = (user, password, world)
    }

    /// Signs in for the first time and opens the wizard; returns the picture of the screen with the code.
    package func showsCode() async throws -> Data {
        let browser = try await entersPassword()
        try await browser.waitForPage("security-info")
        try await browser.click("add-method")
        try await browser.waitForPage("install")
        try await browser.click("next")
        _ = try await browser.waitFor("#qr")
        return try await browser.picture()
    }

    /// Types the digits that the phone shows; the page then shows a number.
    package func typesDigits(_ digits: String) async throws {
        let browser = try await browser()
        try await browser.waitForPage("digits")
        try await browser.fill("digits", digits)
        try await browser.click("confirm")
    }

    /// Signs in with name and password, until the page shows the number.
    package func signsIn() async throws {
        try await browser().forget()
        try await entersPassword().waitForPage("number")
    }

    /// Signs in at the URL that a phone opened, until the page shows the number that the same phone must approve.
    package func signsIn(at address: String) async throws {
        let browser = try await browser()
        try await browser.goto(address)
        try await entersNameAndPassword(browser)
        try await browser.waitForPage("number")
    }

    /// Agrees to register the phone that the page names; returns the redirect URL.
    package func registers() async throws -> String {
        let browser = try await browser()
        try await browser.waitForPage("register-phone")
        try await browser.click("register")
        return try await world.cameBack()
    }

    /// Types the name and chooses to sign in with the phone, until the page shows the number.
    package func usesPhone() async throws {
        let browser = try await browser()
        try await browser.goto("\(world.issuer)/sign-in")
        try await browser.waitForPage("user-name")
        try await browser.fill("user-name", user)
        try await browser.click("next")
        let page = try await browser.waitForOne(of: "password", "number")
        if page == "password" { try await browser.click("use-phone") }
        try await browser.waitForPage("number")
    }

    /// Deletes the cookies, so that the service no longer knows the browser.
    package func forgets() async throws {
        try await browser().forget()
    }

    package func presses(_ button: String) async throws {
        try await browser().click(button)
    }

    package func number() async throws -> String {
        try await browser().attribute("#number", "data-number")
    }

    package func sees(_ page: String) async throws {
        try await browser().waitForPage(page)
    }

    /// Closes the browser.
    package func leaves() async throws {
        try await window?.close()
        window = nil
    }

    private func entersPassword() async throws -> Browser {
        let browser = try await browser()
        try await browser.goto("\(world.issuer)/sign-in")
        try await entersNameAndPassword(browser)
        return browser
    }

    private func entersNameAndPassword(_ browser: Browser) async throws {
        try await browser.waitForPage("user-name")
        try await browser.fill("user-name", user)
        try await browser.click("next")
        try await browser.waitForPage("password")
        try await browser.fill("password", password)
        try await browser.click("next")
    }

    private func browser() async throws -> Browser {
        if let window { return window }
        let opened = try await Browser(world)
        window = opened
        return opened
    }
}
