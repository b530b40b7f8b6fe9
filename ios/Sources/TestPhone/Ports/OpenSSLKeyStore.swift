import COpenSSL
import CountersignCore
import Foundation
import Synchronization

/// Implements the key store port with OpenSSL and a file, for machines without hardware keys.
package final class OpenSSLKeyStore: KeyStore {
    private static let wrapping = "wrapping"
    private let file: URL
    /// Private keys in DER by alias, and the wrapping key.
    private let stored: Mutex<[String: Data]>

    package init(file: URL) throws {
        self.file = file
        let there = FileManager.default.fileExists(atPath: file.path)
        stored = Mutex(there ? try JSONDecoder().decode([String: Data].self, from: Data(contentsOf: file)) : [:])
    }

    package func make(alias: String, guard _: KeyGuard) throws -> Data {
        try port { keys in
            if let existing = keys[alias] { return try PrivateKey(der: existing).publicPoint() }
            let made = try PrivateKey()
            try put(made.der(), as: alias, in: &keys)
            return try made.publicPoint()
        }
    }

    package func publicKey(alias: String) throws -> Data {
        try port { keys in try PrivateKey(der: key(alias, in: keys)).publicPoint() }
    }

    package func sign(alias: String, content: Data) throws -> Data {
        try port { keys in try PrivateKey(der: key(alias, in: keys)).sign(content) }
    }

    package func delete(alias: String) throws {
        try port { keys in
            guard keys[alias] != nil else { return }
            try put(nil, as: alias, in: &keys)
        }
    }

    package func wrap(plain: Data) throws -> Data {
        try port { keys in
            if keys[Self.wrapping] == nil { try put(random(32), as: Self.wrapping, in: &keys) }
            return try AESGCM(key: key(Self.wrapping, in: keys)).seal(plain)
        }
    }

    package func unwrap(wrapped: Data) throws -> Data {
        try port { keys in
            guard let plain = try AESGCM(key: key(Self.wrapping, in: keys)).open(wrapped) else {
                throw PlatformError.Gone
            }
            return plain
        }
    }

    /// The aliases of the existing keys.
    package var aliases: Set<String> {
        stored.withLock { keys in Set(keys.keys).subtracting([Self.wrapping]) }
    }

    private func key(_ alias: String, in keys: [String: Data]) throws -> Data {
        guard let key = keys[alias] else { throw PlatformError.Gone }
        return key
    }

    private func put(_ key: Data?, as alias: String, in keys: inout [String: Data]) throws {
        var next = keys
        next[alias] = key
        try JSONEncoder().encode(next).write(to: file, options: .atomic)
        keys = next
    }

    /// Runs one call of the port at a time; see `platformErrorsOnly`.
    private func port<T: Sendable>(_ work: (inout [String: Data]) throws -> T) throws -> T {
        try platformErrorsOnly {
            try stored.withLock { (keys: inout sending[String: Data]) in
                var copy = keys
                defer { keys = copy }
                return try work(&copy)
            }
        }
    }
}

/// Returns bytes from the system's secure random generator.
package func random(_ count: Int) -> Data {
    Data((0..<count).map { _ in UInt8.random(in: .min ... .max) })
}

/// Turns any error other than `PlatformError` into `Transient`, because the error says nothing about the key.
func platformErrorsOnly<T>(_ work: () throws -> T) throws(PlatformError) -> T {
    do {
        return try work()
    } catch let known as PlatformError {
        throw known
    } catch {
        throw .Transient
    }
}
