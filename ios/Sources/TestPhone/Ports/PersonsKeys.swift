import CountersignCore
import Foundation
import Synchronization

/// What the person does when the phone asks them to unlock a key.
package enum Unlocks: Sendable {
    case byFinger, byPin, cancels
}

/// A key store whose sign-in keys require user verification for each use. The test chooses what the person
/// does.
package final class PersonsKeys: KeyStore {
    private struct State {
        var guarded: Set<String> = []
        var person = Unlocks.byFinger
        var asked = 0
    }

    private let keys: OpenSSLKeyStore
    private let lock: SetLock
    private let state = Mutex(State())

    package init(_ keys: OpenSSLKeyStore, lock: SetLock) {
        (self.keys, self.lock) = (keys, lock)
    }

    /// Sets what the person does when asked from now on. The phone asks once for each use of a key.
    package func person(_ next: Unlocks) {
        state.withLock { $0.person = next }
    }

    /// How often the person was asked.
    package var asked: Int { state.withLock { $0.asked } }

    /// The reply of an app to a step that needs the sign-in key.
    package func reply(to step: Step) throws -> Reply {
        switch step {
        case .makeKey(_, _, let alias, let keyGuard, _):
            guard lock.state() != .missing else { return .failed(cause: .Unusable) }
            state.withLock { _ = $0.guarded.insert(alias) }
            return .keyMade(point: try keys.make(alias: alias, guard: keyGuard))
        case .sign(_, _, let alias, _, let forms, _):
            return try sign(alias, forms)
        default: throw Trouble("nothing to unlock: \(step)")
        }
    }

    private func sign(_ alias: String, _ forms: [SignedForm]) throws -> Reply {
        let person = state.withLock { state in
            state.asked += 1
            return state.person
        }
        let verified: UserVerification
        switch person {
        case .byFinger: verified = .biometric
        case .byPin: verified = .credential
        case .cancels: return .failed(cause: .Cancelled)
        }
        // Only the `SignedForm` that states how the person was really verified may be signed.
        guard let form = forms.first(where: { $0.verified == verified }) else { throw Trouble("\(forms)") }
        return .signed(signature: try keys.sign(alias: alias, content: form.bytes), verified: verified)
    }

    /// Through the port, the core may make only keys without user verification.
    package func make(alias: String, guard: KeyGuard) throws -> Data {
        guard `guard` == .afterFirstUnlock else { throw PlatformError.Unusable }
        return try keys.make(alias: alias, guard: `guard`)
    }

    package func sign(alias: String, content: Data) throws -> Data {
        guard state.withLock({ !$0.guarded.contains(alias) }) else { throw PlatformError.Unusable }
        return try keys.sign(alias: alias, content: content)
    }

    package func publicKey(alias: String) throws -> Data { try keys.publicKey(alias: alias) }
    package func delete(alias: String) throws { try keys.delete(alias: alias) }
    package func wrap(plain: Data) throws -> Data { try keys.wrap(plain: plain) }
    package func unwrap(wrapped: Data) throws -> Data { try keys.unwrap(wrapped: wrapped) }
}
