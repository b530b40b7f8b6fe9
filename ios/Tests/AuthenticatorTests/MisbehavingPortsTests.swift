import CountersignCore
import TestPhone
import XCTest

/// Tests the core with ports that throw, return malformed data, are slow, or never return. A `fatalError` in a port is
/// not tested, because it ends the whole process.
final class MisbehavingPortsTests: XCTestCase {
    func testKeyStoreFailureAtTheFirstStartLeavesNoData() async throws {
        try await withPhone { phone, _ in
            let ports = FaultyPorts(over: phone.ports())
            let faults: [(String, Fault, CountersignError)] = [
                ("wrap", .throwing, .TryAgain), ("unwrap", .throwing, .TryAgain), ("unwrap", .garbage, .NotSupported),
            ]
            for (method, fault, expected) in faults {
                ports.misbehaves(at: method, fault)
                await assertThrows(expected) { try await Authenticator.open(folders: phone.folders, ports: ports.all) }
            }
            ports.behaves()
            let accounts = try await phone.open(ports.all).accounts()
            XCTAssertEqual(accounts, [])
        }
    }

    func testEnrollmentSucceedsAfterPortFailures() async throws {
        try await withPhone { phone, person in
            let ports = FaultyPorts(over: phone.ports())
            let core = try await phone.open(ports.all)
            let invite = try await core.readCode(input: .picture(bytes: person.showsCode())).invite()
            ports.misbehaves(at: "isTrusted", .throwing)
            await assertThrows(CountersignError.Untrusted) { try await core.lookUp(invite: invite) }
            ports.behaves()
            let offer = try await core.lookUp(invite: invite)

            ports.misbehaves(at: "make", .throwing)
            await assertThrows(CountersignError.TryAgain) { try await core.enroll(offer: offer) }
            try await core.abandon(ticket: only(core.pendingSteps()).interrupted())
            // Malformed data is a permanent error, so nothing of the enrollment is left.
            ports.misbehaves(at: "make", .garbage)
            await assertThrows(CountersignError.NotSupported) { try await core.enroll(offer: offer) }
            let left = try await core.pendingSteps()
            XCTAssertEqual(left, [])

            // After a transient error the enrollment continues at the same stage.
            ports.misbehaves(at: "subscribe", .throwing)
            await assertThrows(CountersignError.TryAgain) { try await core.enroll(offer: offer) }
            let ticket = try only(await core.pendingSteps()).interrupted()
            ports.misbehaves(at: "sign", .throwing)
            await assertThrows(CountersignError.TryAgain) { try await core.continueEnrollment(ticket: ticket) }
            ports.behaves()
            try await phone.activate(person, core.continueEnrollment(ticket: ticket))
        }
    }

    func testFailedSignatureLeavesThePromptOpen() async throws {
        try await withPhone { phone, person in
            let ports = FaultyPorts(over: phone.ports())
            let core = try await phone.open(ports.all)
            try await phone.add(person)
            let (prompt, number) = (try await phone.prompt(), try await person.number())
            for (fault, expected) in [(Fault.throwing, CountersignError.TryAgain), (.garbage, .NotSupported)] {
                ports.misbehaves(at: "sign", fault)
                await assertThrows(expected) { try await core.approve(prompt: prompt.id, number: number) }
            }
            ports.behaves()
            let step = try await core.approve(prompt: prompt.id, number: number)
            XCTAssertEqual(step, .done(outcome: .approved))
            // An account is removed even when its key can't be deleted.
            ports.misbehaves(at: "delete", .throwing)
            _ = try await core.remove(account: prompt.id.account)
            let accounts = try await core.accounts()
            XCTAssertEqual(accounts, [])
            XCTAssertEqual(phone.keys.aliases.count, 1)
        }
    }

    func testPlatformErrorsMapToTheErrorsOfThePublicAPI() async throws {
        try await withPhone { phone, _ in
            let ports = FaultyPorts(over: phone.ports())
            let core = try await phone.open(ports.all)
            let mapped: [(Fault, CountersignError)] = [
                (.platform(.Locked), .NotYetUnlocked), (.platform(.Transient), .TryAgain),
                (.platform(.Cancelled), .Cancelled), (.platform(.Invalidated), .KeyLost), (.platform(.Gone), .KeyLost),
                (.platform(.WrongPassphrase), .WrongPassphrase), (.platform(.Unusable), .NotSupported),
                // An error other than a platform error.
                (.throwing, .TryAgain),
            ]
            for (fault, expected) in mapped {
                ports.misbehaves(at: "state", fault)
                await assertThrows(expected) { try await core.deviceLock() }
            }
        }
    }

    func testRestoredFolderListsItsAccountsAndCanBeEmptied() async throws {
        try await withPhone { phone, person in
            let ports = FaultyPorts(over: phone.ports())
            let core = try await phone.open(ports.all)
            try await phone.add(person)
            try await core.pushAddressChanged()
            let name = try await only(core.accounts()).userName
            let (folders, keyStore) = (phone.folders, ports.all.keyStore)
            await assertThrows(CountersignError.NotFromAnotherDevice) {
                try await startOver(folders: folders, keyStore: keyStore)
            }
            try await core.shutDown()
            ports.misbehaves(at: "unwrap", .platform(.Gone))
            await assertThrows(CountersignError.FromAnotherDevice) { try await phone.open(ports.all) }
            let restored = try await only(restoredAccounts(folders: folders))
            XCTAssertEqual(restored.userName, name)
            XCTAssertEqual(restored.health, .restoredElsewhere)
            XCTAssertEqual(nextStep(health: restored.health), .addAgain)
            try await startOver(folders: folders, keyStore: keyStore)
            ports.behaves()
            let accounts = try await phone.open(ports.all).accounts()
            XCTAssertEqual(accounts, [])
        }
    }

    func testCallThatWaitsForAHangingPortFailsWithTryAgain() async throws {
        try await withPhone { phone, person in
            let ports = FaultyPorts(over: phone.ports())
            let core = try await phone.open(ports.all)
            let offer = try await phone.lookUp(person)
            ports.misbehaves(at: "make", .never)
            async let enrolling = ended { try await core.enroll(offer: offer) }
            let folder = try TestFolder()
            let hung = try Phone(in: folder.url, world: phone.world)
            let hanging = FaultyPorts(over: hung.ports())
            hanging.misbehaves(at: "wrap", .never)
            let (folders, hangingPorts) = (hung.folders, hanging.all)
            async let opening = ended { try await Authenticator.open(folders: folders, ports: hangingPorts) }
            // While the two calls wait, other calls still work.
            let accounts = try await core.accounts()
            XCTAssertEqual(accounts, [])
            let (enrolled, opened) = await (enrolling, opening)
            XCTAssertEqual([enrolled, opened], [.TryAgain, .TryAgain])
            ports.behaves()
            let ticket = try only(await core.pendingSteps()).interrupted()
            _ = try await core.continueEnrollment(ticket: ticket).shown()
        }
    }

    func testEnrollmentWithSlowPortsSucceeds() async throws {
        try await withPhone { phone, person in
            try await phone.open(FaultyPorts(over: phone.ports(), pause: 0.7).all)
            try await phone.addAndConfirm(person)
        }
    }
}

/// Returns the error that an act throws; nil when the act succeeds.
private func ended(_ act: @Sendable () async throws -> some Any) async -> CountersignError? {
    do {
        _ = try await act()
        return nil
    } catch {
        return error as? CountersignError
    }
}
