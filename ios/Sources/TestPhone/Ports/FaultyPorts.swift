import CountersignCore
import Foundation
import Synchronization

/// A fault of a port.
package enum Fault: Sendable {
    /// Throws an error other than `PlatformError`.
    case throwing
    /// Throws this platform error.
    case platform(PlatformError)
    /// Returns malformed data.
    case garbage
    /// Never returns.
    case never
    /// Does its work, calls the closure, and then never returns.
    case stopping(@Sendable () -> Void)
}

/// Implements all ports. The method that the test chooses has a fault; all other methods call the real ports.
package final class FaultyPorts: KeyStore, DeviceLock, PushChannel, TlsTrust {
    private let ports: Ports
    private let current = Mutex((method: "", fault: Fault?.none))
    private let pause: TimeInterval

    package init(over ports: Ports, pause: TimeInterval = 0) {
        (self.ports, self.pause) = (ports, pause)
    }

    /// Returns ports in which this object implements every port.
    package var all: Ports {
        Ports(keyStore: self, deviceLock: self, pushChannel: self, tlsTrust: self, device: ports.device)
    }

    package func misbehaves(at method: String, _ fault: Fault) {
        current.withLock { $0 = (method, fault) }
    }

    package func behaves() {
        current.withLock { $0 = ("", nil) }
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
        switch current.withLock({ $0.method == method ? $0.fault : nil }) {
        case nil: return try work()
        case .throwing: throw Trouble("not a platform error")
        case .platform(let error): throw error
        case .garbage: return garbage
        case .never: hang()
        case .stopping(let done):
            _ = try work()
            done()
            hang()
        }
    }

    private func hang() -> Never {
        while true { Thread.sleep(forTimeInterval: 3600) }
    }
}
