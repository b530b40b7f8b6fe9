import Foundation

/// The world of this test run: the real service, relay and browser driver, which `cargo xtask test` has started.
package struct World: Sendable {
    package let issuer: String
    package let relay: String
    /// The certificate authority of service and relay, in PEM.
    package let authority: String
    let webdriver: String
    /// The capabilities for WebDriver, as JSON.
    let capabilities: String
    private let control: String

    /// Asks the world for the URLs of service, relay and browser driver.
    package static func find() async throws -> World {
        guard let control = ProcessInfo.processInfo.environment["COUNTERSIGN_WORLD"] else {
            throw Trouble("COUNTERSIGN_WORLD is not set: run `cargo xtask test`")
        }
        let answer = try await send(to: control, "GET", nil)
        guard let facts = try JSONSerialization.jsonObject(with: answer) as? [String: Any] else {
            throw Trouble("the world returned no facts")
        }
        return try World(control: control, facts: facts)
    }

    private init(control: String, facts: [String: Any]) throws {
        func text(_ name: String) throws -> String {
            guard let text = facts[name] as? String else { throw Trouble("the world has no \(name)") }
            return text
        }
        self.control = control
        (issuer, relay, authority, webdriver) = try (text("issuer"), text("relay"), text("ca"), text("webdriver"))
        let capabilities = try JSONSerialization.data(withJSONObject: facts["capabilities"] ?? [:])
        self.capabilities = String(decoding: capabilities, as: UTF8.self)
    }

    /// Makes a new person.
    package func person() async throws -> Person {
        let made = try await order("/people", [String: String]())
        let account = try JSONDecoder().decode([String: String].self, from: made)
        guard let user = account["user"], let password = account["password"] else {
            throw Trouble("the world returned no user name or no password")
        }
        return Person(user: user, password: password, world: self)
    }

    /// Signs a person in without a browser, until the page shows a number; returns the number.
    @discardableResult
    package func signsIn(_ user: String) async throws -> String {
        let shown = try await JSONDecoder().decode([String: String].self, from: order("/sign-in", ["user": user]))
        guard let number = shown["number"] else { throw Trouble("no number for \(user)") }
        return number
    }

    /// Makes the next `count` requests to a path fail. If `place` is `before`, they do not reach the service;
    /// otherwise, the responses are lost.
    package func cut(_ path: String, at place: String, count: Int) async throws {
        _ = try await order("/cut", Cut(path: path, at: place, count: count))
    }

    /// The redirect URI of the phone (RFC 8252 section 7.3).
    package var redirectUri: String { "\(control)/phone-sign-in" }

    /// The full URL of the last redirect to `redirectUri`.
    func cameBack() async throws -> String {
        let came = try await order("/came-back", [String: String]())
        guard let uri = try JSONDecoder().decode([String: String].self, from: came)["uri"] else {
            throw Trouble("no browser was redirected")
        }
        return control + uri
    }

    package func heal() async throws {
        _ = try await order("/heal", [String: String]())
    }

    /// Puts open prompts into the database of a phone that is shut down.
    package func fillPrompts(_ database: String, count: Int) async throws {
        _ = try await order("/prompts", Fill(database: database, count: count))
    }

    private struct Cut: Encodable {
        let path: String
        let at: String
        let count: Int
    }

    private struct Fill: Encodable {
        let database: String
        let count: Int
    }

    private func order(_ path: String, _ body: some Encodable & Sendable) async throws -> Data {
        try await send(to: control + path, "POST", JSONEncoder().encode(body))
    }
}

/// An error of the test environment, not of the core.
package struct Trouble: Error, CustomStringConvertible {
    package let description: String

    package init(_ description: String) {
        self.description = description
    }
}

/// Sends one JSON request on loopback.
func send(to address: String, _ method: String, _ body: Data?) async throws -> Data {
    guard let url = URL(string: address) else { throw Trouble("not a URL: \(address)") }
    return try await withCheckedThrowingContinuation { continuation in
        // `Connection` blocks its thread, so it runs on a thread of the global dispatch queue.
        DispatchQueue.global().async {
            continuation.resume(
                with: Result {
                    let connection = try Connection(to: url)
                    let (status, headers) = try connection.ask(url, method, body)
                    let answer = try connection.body(headers)
                    guard status == 200 else {
                        throw Trouble("\(method) \(address): \(String(decoding: answer, as: UTF8.self))")
                    }
                    return answer
                })
        }
    }
}
