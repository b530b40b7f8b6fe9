import CountersignCore
import TestPhone
import XCTest

/// Reads `tests/vectors` from Swift. The core reads the pushes; OpenSSL checks the signatures and proofs.
final class VectorsTests: XCTestCase {
    private let folder = URL(fileURLWithPath: ProcessInfo.processInfo.environment["COUNTERSIGN_VECTORS"] ?? "")

    /// Reads a file as a JSON object and checks its SHA-256 checksum.
    private func file(_ name: String) throws -> Object {
        let bytes = try Data(contentsOf: folder.appendingPathComponent(name))
        let sum = sha256(bytes).map { String(format: "%02x", $0) }.joined()
        XCTAssertTrue(try sums().contains("\(sum)  \(name)"), "\(name) does not match its checksum")
        return Object(try JSONSerialization.jsonObject(with: bytes))
    }

    private func sums() throws -> [Substring] {
        try String(contentsOf: folder.appendingPathComponent("SHA256SUMS"), encoding: .utf8).split(separator: "\n")
    }

    func testEveryFileMatchesItsChecksum() throws {
        let names = try sums().compactMap { $0.split(separator: " ").last.map(String.init) }
        XCTAssertGreaterThanOrEqual(names.count, 11)
        for name in names { XCTAssertFalse(try file(name).members.isEmpty) }
    }

    func testInboxAcceptsValidPushesOnly() throws {
        let (snapshot, pushes, place) = (try file("inbox.json"), try file("push.json"), try TestFolder())
        let keys = OneWrappedKey(wrapped: try snapshot.bytes("wrapped"), key: try snapshot.bytes("snapshot_key"))
        let path = place.url.appendingPathComponent("snapshot")
        for wrong in try snapshot.list("wrong_files") {
            let name = try wrong.text("name")
            try Data(wrong.text("file").utf8).write(to: path)
            XCTAssertThrowsError(try Inbox.open(folder: place.url.path, keyStore: keys), name) {
                XCTAssertEqual($0 as? InboxError, .Unreadable)
            }
        }
        try Data(snapshot.text("file").utf8).write(to: path)
        let inbox = try Inbox.open(folder: place.url.path, keyStore: keys)
        let now = Date(timeIntervalSince1970: TimeInterval(try pushes.number("now")))
        for push in try pushes.list("cases") {
            let name = try push.text("name")
            let effect = try inbox.pushReceived(
                slot: pushes.bytes("slot"), body: push.bytes("message"), now: now)
            XCTAssertEqual(effect != .nothing, try push.text("verdict") == "good", name)
        }
    }

    func testSignaturesAndSigningInputsMatch() throws {
        let keys = try file("keys.json")
        var good = 0
        for kind in [
            "phone-prompt", "phone-prompt-administration", "prompt-withdrawn", "push-test", "phone-state",
            "phone-keys", "phone-enrollment", "phone-request", "phone-answer", "phone-sign-in-answer",
            "phone-sign-in-key", "dpop",
        ] {
            let file = try file("\(kind).json")
            let key = try PublicKey(point: keys.object(file.text("signed_by")).bytes("point"))
            for vector in try file.list("cases") {
                let (name, verdict, jws) = (
                    try vector.text("name"), try vector.text("verdict"), try vector.text("jws")
                )
                if verdict == "good" {
                    good += 1
                    let parts = [try vector.text("header"), try vector.text("payload")]
                    let input = parts.map { base64url(Data($0.utf8)) }.joined(separator: ".")
                    XCTAssertEqual(input, try vector.text("signing_input"))
                    XCTAssertTrue(jws.hasPrefix(input + "."))
                }
                if ["good", "signature", "unknown_key"].contains(verdict) {
                    XCTAssertEqual(try isSigned(jws, key), verdict == "good", "\(kind): \(name)")
                }
            }
        }
        XCTAssertGreaterThan(good, 50)
    }

    private func isSigned(_ jws: String, _ key: PublicKey) throws -> Bool {
        let parts = jws.split(separator: ".").map(String.init)
        guard parts.count == 3, let signature = try? bytes(base64url: parts[2]) else { return false }
        return try key.verifies(signature, of: Data("\(parts[0]).\(parts[1])".utf8))
    }

    func testProofsDigitsAndThumbprintsMatch() throws {
        let file = try file("proofs.json")
        for enrollment in try file.list("enrollments") {
            for name in ["look_up", "look_up_answer", "bind", "bind_answer", "digits"] {
                let proof = try enrollment.object(name)
                let mac = hmac(try enrollment.bytes("key"), try proof.bytes("input"))
                XCTAssertEqual(mac, try proof.bytes("mac"), name)
                if name == "digits" { XCTAssertEqual(digits(mac), try proof.text("digits")) }
            }
        }
        for thumbprint in try file.list("thumbprints") {
            XCTAssertEqual(
                sha256(Data(try thumbprint.text("canonical").utf8)), try thumbprint.bytes("thumbprint"))
        }
        let prompt = try file.object("prompt_sha256")
        XCTAssertEqual(sha256(Data(try prompt.text("jws").utf8)), try prompt.bytes("sha256"))
    }

    private func digits(_ mac: Data) -> String {
        let number = mac.prefix(8).reduce(UInt64(0)) { $0 << 8 | UInt64($1) }
        return String(format: "%06llu", number % 1_000_000)
    }
}

/// A JSON object; a missing member is an error.
private struct Object {
    let members: [String: Any]

    init(_ value: Any) {
        members = value as? [String: Any] ?? [:]
    }

    func text(_ name: String) throws -> String {
        try XCTUnwrap(members[name] as? String, name)
    }

    func number(_ name: String) throws -> Int {
        try XCTUnwrap(members[name] as? Int, name)
    }

    func bytes(_ name: String) throws -> Data {
        try TestPhone.bytes(base64url: text(name))
    }

    func object(_ name: String) throws -> Object {
        Object(try XCTUnwrap(members[name], name))
    }

    func list(_ name: String) throws -> [Object] {
        try XCTUnwrap(members[name] as? [Any], name).map(Object.init)
    }
}

/// A key store that can unwrap one key and do nothing else.
private final class OneWrappedKey: KeyStore {
    private let wrapped: Data
    private let key: Data

    init(wrapped: Data, key: Data) {
        self.wrapped = wrapped
        self.key = key
    }

    func make(alias: String, guard: KeyGuard) throws -> Data { throw PlatformError.Unusable }
    func publicKey(alias: String) throws -> Data { throw PlatformError.Gone }
    func sign(alias: String, content: Data) throws -> Data { throw PlatformError.Gone }
    func delete(alias: String) throws {}
    func wrap(plain: Data) throws -> Data { throw PlatformError.Unusable }

    func unwrap(wrapped: Data) throws -> Data {
        guard wrapped == self.wrapped else { throw PlatformError.Gone }
        return key
    }
}
