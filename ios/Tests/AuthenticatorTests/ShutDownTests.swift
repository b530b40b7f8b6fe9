import CountersignCore
import TestPhone
import XCTest

/// Uses an authenticator after its shutdown, and opens a store again after its authenticator was released.
final class ShutDownTests: XCTestCase {
    func testAfterShutdownCallsFailWithClosedAndTheStoreOpensAgain() async throws {
        try await withPhone { phone, _ in
            let first = try await phone.open()
            let revision = try await first.snapshot().revision
            let waiting = Task { try await first.changedSince(revision: revision, atMost: 600) }
            try await Task.sleep(for: .milliseconds(100))
            try await first.shutDown()
            await assertThrows(CountersignError.Closed) { try await waiting.value }
            await assertThrows(CountersignError.Closed) { try await first.snapshot() }
            await assertThrows(CountersignError.Closed) {
                try await first.approve(prompt: PromptId(account: "x", jti: "y"), number: "10")
            }
            try await first.shutDown()
            for _ in 0..<2 {
                let accounts = try await phone.open().accounts()
                XCTAssertEqual(accounts, [])
                await assertThrows(CountersignError.Closed) { try await first.accounts() }
                try await phone.core.shutDown()
            }
        }
    }

    func testReleasedAuthenticatorReleasesItsStore() async throws {
        try await withPerson { world, folder, _ in
            for _ in 0..<3 {
                let phone = try Phone(in: folder, world: world)
                let core = try await Authenticator.open(folders: phone.folders, ports: phone.ports())
                let accounts = try await core.accounts()
                XCTAssertEqual(accounts, [])
            }
        }
    }
}
