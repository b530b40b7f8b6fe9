import CountersignCore
import Foundation
import Synchronization

/// Implements the push port with the relay's stream (protocol section 8) instead of APNs.
package final class RelayChannel: PushChannel {
    private let relay: String
    private let authority: String
    private let bearer: String
    private let listener = Mutex<Listener?>(nil)

    /// The relay identifies this phone by `bearer`. A phone that is opened again must use the same `bearer`.
    package init(relay: String, authority: String, bearer: Data = random(32)) {
        (self.relay, self.authority, self.bearer) = (relay, authority, base64url(bearer))
    }

    package func subscribe(vapidKey: Data, slot: Data) throws -> String {
        try platformErrorsOnly {
            let body = try JSONEncoder().encode(["vapid_key": base64url(vapidKey), "slot": base64url(slot)])
            let (connection, url) = try connect("/subscriptions")
            let (status, headers) = try connection.ask(url, "POST", body, bearer: bearer)
            guard status == 201 else { throw URLError(.badServerResponse) }
            return try JSONDecoder().decode(Subscription.self, from: connection.body(headers)).endpoint
        }
    }

    /// The notification setting that the test has chosen.
    package let notifications = Mutex(PushDelivery.allowed)

    package func delivery() -> PushDelivery {
        notifications.withLock { $0 }
    }

    private struct Subscription: Decodable {
        let endpoint: String
    }

    /// Passes each push to `received` until the channel is closed. An earlier listener gets no further pushes.
    package func listen(_ received: @escaping @Sendable (_ slot: Data, _ body: Data) async -> Void) {
        let (pushes, arrived) = AsyncStream.makeStream(of: Push.self)
        Task { for await push in pushes { await received(push.slot, push.body) } }
        let next = Listener(arrived)
        replace(with: next)
        Thread { [self] in
            while next.isOpen {
                try? stream(to: next)
                Thread.sleep(forTimeInterval: 0.1)
            }
        }.start()
    }

    package func close() {
        replace(with: nil)
    }

    private func replace(with next: Listener?) {
        let last = listener.withLock { listener in
            defer { listener = next }
            return listener
        }
        last?.close()
    }

    /// Reads one stream until the stream ends.
    private func stream(to listener: Listener) throws {
        let (connection, url) = try connect("/stream")
        listener.hold(connection)
        _ = try connection.ask(url, "GET", nil, version: "1.0", bearer: bearer)
        while listener.isOpen, let line = try connection.line() {
            // Empty lines only show that the relay is alive.
            if let push = try? JSONDecoder().decode(Push.self, from: Data(line.utf8)) { listener.arrived.yield(push) }
        }
    }

    private func connect(_ path: String) throws -> (Connection, URL) {
        guard let url = URL(string: relay + path) else { throw URLError(.badURL) }
        return (try Connection(to: url, authority: Certificate(pem: authority)), url)
    }
}

/// A listener and its open connection.
private final class Listener: Sendable {
    let arrived: AsyncStream<Push>.Continuation
    private let state = Mutex((isOpen: true, connection: Connection?.none))

    init(_ arrived: AsyncStream<Push>.Continuation) {
        self.arrived = arrived
    }

    var isOpen: Bool { state.withLock { $0.isOpen } }

    func hold(_ connection: Connection) {
        state.withLock { state in
            state.connection = connection
            if !state.isOpen { connection.cut() }
        }
    }

    func close() {
        arrived.finish()
        state.withLock { state in
            state.isOpen = false
            state.connection?.cut()
        }
    }
}

private struct Push: Decodable, Sendable {
    let slot: Data
    let body: Data

    private enum CodingKeys: String, CodingKey {
        case slot
        case body = "message"
    }

    init(from decoder: any Decoder) throws {
        let parts = try decoder.container(keyedBy: CodingKeys.self)
        slot = try bytes(base64url: parts.decode(String.self, forKey: .slot))
        body = try bytes(base64url: parts.decode(String.self, forKey: .body))
    }
}

/// Encodes bytes as base64url without padding.
package func base64url(_ bytes: Data) -> String {
    bytes.base64EncodedString().replacing("+", with: "-").replacing("/", with: "_").replacing("=", with: "")
}

package func bytes(base64url text: String) throws -> Data {
    let padding = String(repeating: "=", count: (4 - text.count % 4) % 4)
    let padded = text.replacing("-", with: "+").replacing("_", with: "/") + padding
    guard let bytes = Data(base64Encoded: padded) else { throw Trouble("not base64: \(text)") }
    return bytes
}
