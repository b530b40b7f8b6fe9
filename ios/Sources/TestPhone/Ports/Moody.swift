import CountersignCore
import Foundation
import Synchronization

/// How a port can misbehave.
package enum Fault: Sendable {
    /// Throws what is no `PlatformError`.
    case throwing
    case telling(PlatformError)
    case garbage
    case never
    /// Does what it should and then stands still.
    case stopping(@Sendable () -> Void)
}

/// A key store, lock, channel and trust that do what they are told, and what the real ones do otherwise.
package final class Moody: KeyStore, DeviceLock, PushChannel, TlsTrust {
    private let ports: Ports
    private let mood = Mutex((method: "", fault: Fault?.none))
    private let pause: TimeInterval

    package init(over ports: Ports, pause: TimeInterval = 0) {
        (self.ports, self.pause) = (ports, pause)
    }

    /// All four ports at once.
    package var all: Ports {
        Ports(keyStore: self, deviceLock: self, pushChannel: self, tlsTrust: self, device: ports.device)
    }

    package func misbehaves(at method: String, _ fault: Fault) {
        mood.withLock { $0 = (method, fault) }
    }

    package func behaves() {
        mood.withLock { $0 = ("", nil) }
    }

    package func make(alias: String, guard: KeyGuard) throws -> Data {
        try asked("make", garbage: Data([1, 2, 3])) { try ports.keyStore.make(alias: alias, guard: `guard`) }
    }

    package func publicKey(alias: String) throws -> Data {
        try asked("publicKey", garbage: Data([1, 2, 3])) { try ports.keyStore.publicKey(alias: alias) }
    }

    package func sign(alias: String, content: Data) throws -> Data {
        try asked("sign", garbage: Data([1, 2, 3])) { try ports.keyStore.sign(alias: alias, content: content) }
    }

    package func delete(alias: String) throws {
        try asked("delete", garbage: ()) { try ports.keyStore.delete(alias: alias) }
    }

    package func wrap(plain: Data) throws -> Data {
        try asked("wrap", garbage: Data([1, 2, 3])) { try ports.keyStore.wrap(plain: plain) }
    }

    package func unwrap(wrapped: Data) throws -> Data {
        try asked("unwrap", garbage: Data([1, 2, 3])) { try ports.keyStore.unwrap(wrapped: wrapped) }
    }

    package func state() throws -> LockState {
        try asked("state", garbage: .missing) { try ports.deviceLock.state() }
    }

    package func subscribe(vapidKey: Data, slot: Data) throws -> String {
        try asked("subscribe", garbage: "\u{1}") { try ports.pushChannel.subscribe(vapidKey: vapidKey, slot: slot) }
    }

    package func delivery() throws -> PushDelivery {
        try asked("delivery", garbage: .blocked) { try ports.pushChannel.delivery() }
    }

    package func isTrusted(host: String, chain: [Data], now: UInt64) throws -> Bool {
        try asked("isTrusted", garbage: true) { try ports.tlsTrust.isTrusted(host: host, chain: chain, now: now) }
    }

    private func asked<T>(_ method: String, garbage: T, _ work: () throws -> T) throws -> T {
        Thread.sleep(forTimeInterval: pause)
        switch mood.withLock({ $0.method == method ? $0.fault : nil }) {
        case nil: return try work()
        case .throwing: throw Trouble("not a platform error")
        case .telling(let error): throw error
        case .garbage: return garbage
        case .never: standStill()
        case .stopping(let tell):
            _ = try work()
            tell()
            standStill()
        }
    }

    private func standStill() -> Never {
        while true { Thread.sleep(forTimeInterval: 3600) }
    }
}
