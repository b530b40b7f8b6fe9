import CountersignCore
import TestPhone
import XCTest

/// Ports that throw, lie, dawdle or hang. (What ends the whole process, as `fatalError` does, ends the app.)
final class MisbehavingPortsTests: XCTestCase {
    func testAKeyStoreThatFailsAtTheFirstStartLeavesNothingAndTheNextStartWorks() async throws {
        try await withPhone { phone, _ in
            let ports = Moody(over: phone.ports())
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

    func testAPortThatFailsWhileAnAccountIsAddedCostsNothingOnceItBehavesAgain() async throws {
        try await withPhone { phone, person in
            let ports = Moody(over: phone.ports())
            let core = try await phone.open(ports.all)
            let invite = try await core.readCode(input: .picture(bytes: person.showsCode())).invite()
            ports.misbehaves(at: "isTrusted", .throwing)
            await assertThrows(CountersignError.Untrusted) { try await core.lookUp(invite: invite) }
            ports.behaves()
            let offer = try await core.lookUp(invite: invite)

            ports.misbehaves(at: "make", .throwing)
            await assertThrows(CountersignError.TryAgain) { try await core.enroll(offer: offer) }
            try await core.abandon(ticket: only(core.pendingSteps()).interrupted())
            // Garbage is refused for good: nothing is left of the enrollment.
            ports.misbehaves(at: "make", .garbage)
            await assertThrows(CountersignError.NotSupported) { try await core.enroll(offer: offer) }
            let left = try await core.pendingSteps()
            XCTAssertEqual(left, [])

            // What fails in passing is kept, and goes on where it was.
            ports.misbehaves(at: "subscribe", .throwing)
            await assertThrows(CountersignError.TryAgain) { try await core.enroll(offer: offer) }
            let ticket = try only(await core.pendingSteps()).interrupted()
            ports.misbehaves(at: "sign", .throwing)
            await assertThrows(CountersignError.TryAgain) { try await core.continueEnrollment(ticket: ticket) }
            ports.behaves()
            try await phone.activate(person, core.continueEnrollment(ticket: ticket))
        }
    }

    func testAKeyStoreThatCanNotSignLeavesTheRequestOpen() async throws {
        try await withPhone { phone, person in
            let ports = Moody(over: phone.ports())
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
            // An account goes, whatever becomes of its key.
            ports.misbehaves(at: "delete", .throwing)
            _ = try await core.remove(account: prompt.id.account)
            let accounts = try await core.accounts()
            XCTAssertEqual(accounts, [])
            XCTAssertEqual(phone.keys.aliases.count, 1)
        }
    }

    func testAPlatformErrorArrivesAsWhatTheAppDoesNext() async throws {
        try await withPhone { phone, _ in
            let ports = Moody(over: phone.ports())
            let core = try await phone.open(ports.all)
            let told: [(Fault, CountersignError)] = [
                (.telling(.Locked), .NotYetUnlocked), (.telling(.Transient), .TryAgain),
                (.telling(.Cancelled), .Cancelled), (.telling(.Invalidated), .KeyLost), (.telling(.Gone), .KeyLost),
                (.telling(.WrongPassphrase), .WrongPassphrase), (.telling(.Unusable), .NotSupported),
                // A lock that can't be told is an error, never a lock.
                (.throwing, .TryAgain),
            ]
            for (fault, expected) in told {
                ports.misbehaves(at: "state", fault)
                await assertThrows(expected) { try await core.deviceLock() }
            }
        }
    }

    func testRestoredWhereTheKeysAreNotItNamesTheAccountsAndBeginsAnew() async throws {
        try await withPhone { phone, person in
            let ports = Moody(over: phone.ports())
            let core = try await phone.open(ports.all)
            try await phone.add(person)
            try await core.pushAddressChanged()
            let name = try await only(core.accounts()).userName
            let (folders, keyStore) = (phone.folders, ports.all.keyStore)
            await assertThrows(CountersignError.NotFromAnotherDevice) {
                try await startOver(folders: folders, keyStore: keyStore)
            }
            try await core.shutDown()
            ports.misbehaves(at: "unwrap", .telling(.Gone))
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

    func testPortsThatNeverReturnCostThirtySecondsNotTheApp() async throws {
        try await withPhone { phone, person in
            let ports = Moody(over: phone.ports())
            let core = try await phone.open(ports.all)
            let offer = try await phone.lookUp(person)
            ports.misbehaves(at: "make", .never)
            async let enrolling = ended { try await core.enroll(offer: offer) }
            let folder = try TestFolder()
            let hung = try Phone(in: folder.url, world: phone.world)
            let hanging = Moody(over: hung.ports())
            hanging.misbehaves(at: "wrap", .never)
            let (folders, hangingPorts) = (hung.folders, hanging.all)
            async let opening = ended { try await Authenticator.open(folders: folders, ports: hangingPorts) }
            // The rest goes on meanwhile.
            let accounts = try await core.accounts()
            XCTAssertEqual(accounts, [])
            let (enrolled, opened) = await (enrolling, opening)
            XCTAssertEqual([enrolled, opened], [.TryAgain, .TryAgain])
            ports.behaves()
            let ticket = try only(await core.pendingSteps()).interrupted()
            _ = try await core.continueEnrollment(ticket: ticket).shown()
        }
    }

    func testSlowPortsOnlyTakeTheirTime() async throws {
        try await withPhone { phone, person in
            try await phone.open(Moody(over: phone.ports(), pause: 0.7).all)
            try await phone.addAndConfirm(person)
        }
    }
}

/// The error that an act ends with.
private func ended(_ act: @Sendable () async throws -> some Any) async -> CountersignError? {
    do {
        _ = try await act()
        return nil
    } catch {
        return error as? CountersignError
    }
}
