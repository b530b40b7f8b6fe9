import CountersignCore
import Foundation
import TestPhone
import XCTest

/// While the app is not running, a separate process receives a push. The separate process uses only the inbox.
final class InboxTests: XCTestCase {
    func testPromptFromExtensionIsListedInAppAndDuplicatePushesHaveNoEffect() async throws {
        try await withPhone { phone, person in
            let first = try await phone.open()
            try await phone.addAndConfirm(person)
            // The test passes the next push to the extension, not to the core.
            let (slot, body) = try await nextPush(phone, person)
            try await first.shutDown()

            let host = phone.world.issuer.replacing("https://", with: "")
            for words in ["\(person.user) at \(host)", "nothing"] {
                let folder = URL(fileURLWithPath: phone.folders.home).deletingLastPathComponent().path
                let said = await (try Program("NotificationProcess", [folder, base64url(slot), base64url(body)])).line()
                XCTAssertEqual(said, words)
            }

            let core = try await Authenticator.open(folders: phone.folders, ports: phone.ports())
            let waiting = try only(await core.snapshot().prompts.filter { $0.state == .open })
            let effect = try await core.pushReceived(slot: slot, body: body)
            XCTAssertEqual(effect, .nothing)
            let checked = try await core.checkForPrompts(reason: .opened).prompts
            XCTAssertEqual(checked, [waiting])
            let denied = try await core.deny(prompt: waiting.id)
            XCTAssertEqual(denied, .done(outcome: .denied))
            // The extension's file still exists, but the answered prompt is not listed again.
            let left = try await core.checkForPrompts(reason: .opened).prompts
            XCTAssertEqual(left, [])
            try await core.shutDown()
        }
    }

    /// Signs in every five seconds until a push arrives, because the relay takes a moment to switch to the new
    /// listener.
    private func nextPush(_ phone: Phone, _ person: Person) async throws -> (slot: Data, body: Data) {
        let (pushes, arrived) = AsyncStream.makeStream(of: (slot: Data, body: Data).self)
        phone.channel.listen { slot, body in arrived.yield((slot, body)) }
        let asking = Task { [world = phone.world, user = person.user] in
            while !Task.isCancelled {
                try await world.signsIn(user)
                try await Task.sleep(for: .seconds(5))
            }
        }
        defer { asking.cancel() }
        for await push in pushes { return push }
        throw Trouble("no push arrived")
    }

    func testInboxReportsWhyItCannotBeOpened() async throws {
        try await withPhone { phone, _ in
            let (folder, ports) = (phone.folders.inbox, FaultyPorts(over: phone.ports()))
            func opened(_ keys: any KeyStore) throws -> Inbox { try Inbox.open(folder: folder, keyStore: keys) }
            await assertThrows(InboxError.NoSnapshot) { try opened(ports) }
            try await phone.open().shutDown()
            let effect = try opened(ports).pushReceived(slot: Data(count: 16), body: Data(count: 9), now: .now)
            XCTAssertEqual(effect, .nothing)
            ports.misbehaves(at: "unwrap", .platform(.Locked))
            await assertThrows(InboxError.NotYetUnlocked) { try opened(ports) }
            ports.misbehaves(at: "unwrap", .throwing)
            await assertThrows(InboxError.PlatformRefused) { try opened(ports) }
            let others = try OpenSSLKeyStore(file: URL(fileURLWithPath: "\(folder)-other-keys"))
            _ = try others.wrap(plain: Data(count: 32))
            await assertThrows(InboxError.Unreadable) { try opened(others) }
            let keyFile = URL(fileURLWithPath: "\(folder)/accounts/key")
            var bytes = try Data(contentsOf: keyFile)
            bytes[bytes.count - 10] = UInt8(ascii: "!")
            try bytes.write(to: keyFile)
            await assertThrows(InboxError.Unreadable) { try opened(phone.keys) }
        }
    }
}
