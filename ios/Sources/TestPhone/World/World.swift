import Foundation

/// The real service, relay and browser driver that `cargo xtask test` has started for this run.
package struct World: Sendable {
    package let issuer: String
    package let relay: String
    /// The certificate (PEM) that service and relay are trusted by.
    package let authority: String
    let webdriver: String
    /// What the browser is asked for, as JSON.
    let capabilities: String
    private let control: String

    /// Asks the running world where everything is.
    package static func find() async throws -> World {
        guard let control = ProcessInfo.processInfo.environment["COUNTERSIGN_WORLD"] else {
            throw Trouble("run by `cargo xtask test`")
        }
        let answer = try await send(to: control, "GET", nil)
        guard let facts = try JSONSerialization.jsonObject(with: answer) as? [String: Any] else {
            throw Trouble("the world says nothing")
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

    /// Somebody new.
    package func person() async throws -> Person {
        let made = try await order("/people", [String: String]())
        let account = try JSONDecoder().decode([String: String].self, from: made)
        guard let user = account["user"], let password = account["password"] else { throw Trouble("nobody came") }
        return Person(user: user, password: password, world: self)
    }

    /// Signs a person in by the pages' forms, without a window, and returns the number on the page.
    @discardableResult
    package func signsIn(_ user: String) async throws -> String {
        let shown = try await JSONDecoder().decode([String: String].self, from: order("/sign-in", ["user": user]))
        guard let number = shown["number"] else { throw Trouble("no number for \(user)") }
        return number
    }

    /// Cuts the network before the service, or in its answer.
    package func cut(_ path: String, at place: String, count: Int) async throws {
        _ = try await order("/cut", Cut(path: path, at: place, count: count))
    }

    /// Where browsers come back to a phone (RFC 8252 section 7.3).
    package var redirectUri: String { "\(control)/phone-sign-in" }

    /// The address that the last browser came back with, as the phone gets it.
    func cameBack() async throws -> String {
        let came = try await order("/came-back", [String: String]())
        guard let uri = try JSONDecoder().decode([String: String].self, from: came)["uri"] else {
            throw Trouble("no browser came back")
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

/// What went wrong around a test.
package struct Trouble: Error, CustomStringConvertible {
    package let description: String

    package init(_ description: String) {
        self.description = description
    }
}

/// One JSON request on loopback.
func send(to address: String, _ method: String, _ body: Data?) async throws -> Data {
    guard let url = URL(string: address) else { throw Trouble("no address: \(address)") }
    return try await withCheckedThrowingContinuation { continuation in
        // On a thread that may stand still.
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
