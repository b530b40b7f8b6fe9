import Foundation

/// A window of a real browser, controlled by WebDriver (W3C).
struct Browser {
    private let session: String

    init(_ world: World) async throws {
        let body = #"{"capabilities":{"alwaysMatch":\#(world.capabilities)}}"#
        let answer = try await send(to: "\(world.webdriver)/session", "POST", Data(body.utf8))
        let name = try JSONDecoder().decode(Value<Session>.self, from: answer).value.sessionId
        session = "\(world.webdriver)/session/\(name)"
    }

    func goto(_ address: String) async throws {
        _ = try await post("url", ["url": address])
    }

    func click(_ id: String) async throws {
        _ = try await post("element/\(waitFor("#\(id)"))/click", [:])
    }

    func fill(_ id: String, _ text: String) async throws {
        _ = try await post("element/\(waitFor("#\(id)"))/value", ["text": text])
    }

    func attribute(_ css: String, _ name: String) async throws -> String {
        try await get("element/\(waitFor(css))/attribute/\(name)")
    }

    func picture() async throws -> Data {
        guard let picture = Data(base64Encoded: try await get("screenshot")) else { throw Trouble("no picture") }
        return picture
    }

    func waitForPage(_ name: String) async throws {
        _ = try await waitFor("#page[data-page=\"\(name)\"]")
    }

    /// Waits until one of two pages is shown, and returns the name of this page.
    func waitForOne(of one: String, _ other: String) async throws -> String {
        try await attribute("#page[data-page=\"\(one)\"], #page[data-page=\"\(other)\"]", "data-page")
    }

    /// Waits until an element exists, and returns its WebDriver id.
    func waitFor(_ css: String) async throws -> String {
        for _ in 0..<400 {
            let found = try? await post("element", ["using": "css selector", "value": css])
            let element = try found.map { try JSONDecoder().decode(Value<[String: String]>.self, from: $0) }
            if let name = element?.value.values.first { return name }
            try await Task.sleep(for: .milliseconds(50))
        }
        throw Trouble("no \(css) on \(try await get("url")): \(try await get("title"))")
    }

    func forget() async throws {
        _ = try await send(to: "\(session)/cookie", "DELETE", nil)
    }

    func close() async throws {
        _ = try await send(to: session, "DELETE", nil)
    }

    private struct Value<Content: Decodable>: Decodable {
        let value: Content
    }

    private struct Session: Decodable {
        let sessionId: String
    }

    private func get(_ path: String) async throws -> String {
        let answer = try await send(to: "\(session)/\(path)", "GET", nil)
        return try JSONDecoder().decode(Value<String>.self, from: answer).value
    }

    private func post(_ path: String, _ body: [String: String]) async throws -> Data {
        try await send(to: "\(session)/\(path)", "POST", JSONEncoder().encode(body))
    }
}
