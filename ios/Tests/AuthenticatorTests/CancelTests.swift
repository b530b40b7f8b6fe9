import CountersignCore
import TestPhone
import XCTest

/// The caller's task is cancelled in the middle of an act. In Swift the call still waits until the act ends, and
/// returns the result.
final class CancelTests: XCTestCase {
    /// Starts an act and cancels its task after 50 ms.
    private func cancelled<T: Sendable>(
        _ act: @escaping @Sendable () async throws -> T
    ) async throws -> Task<T, any Error> {
        let task = Task { try await act() }
        try await Task.sleep(for: .milliseconds(50))
        task.cancel()
        return task
    }

    func testCancelledActsReturnTheirResults() async throws {
        try await withPhone { phone, person in
            let core = try await phone.open(FaultyPorts(over: phone.ports(), pause: 0.2).all)
            let picture = try await person.showsCode()
            let invite = try await cancelled { try await core.readCode(input: .picture(bytes: picture)) }.value.invite()
            let offer = try await cancelled { try await core.lookUp(invite: invite) }.value
            let nothing = try await core.pendingSteps()
            XCTAssertEqual(nothing, [], "the look-up stored something")

            let step = try await cancelled { try await core.enroll(offer: offer) }.value
            let pending = try await core.pendingSteps()
            XCTAssertEqual(pending, [step])
            let (ticket, digits) = try step.shown()
            let waiting = try await cancelled { try await core.waitForActivation(ticket: ticket) }
            try await person.typesDigits(digits)
            guard case .active(let account) = try await waiting.value else { return XCTFail("not active") }

            let prompt = try await phone.prompt()
            let number = try await person.number()
            let approved = try await cancelled { try await core.approve(prompt: prompt.id, number: number) }.value
            XCTAssertEqual(approved, .done(outcome: .approved))
            try await person.sees("done")
            let found = try await cancelled { try await core.checkForPrompts(reason: .opened) }.value
            XCTAssertEqual(found.prompts, [])
            let reported = try await cancelled { try await core.report(prompt: prompt.id) }.value
            XCTAssertEqual(reported, .done(outcome: .reported))
            try await cancelled { try await core.unblock(account: account.id) }.value
            let removal = try await cancelled { try await core.remove(account: account.id) }.value
            XCTAssertEqual(removal, .done)
            XCTAssertEqual(phone.keys.aliases, [])
        }
    }

    func testContinueDenyAndAbandonCompleteAlthoughTheTaskIsCancelled() async throws {
        try await withPhone { phone, person in
            let core = try await phone.open(FaultyPorts(over: phone.ports(), pause: 0.2).all)
            let offer = try await phone.lookUp(person)
            try await phone.world.cut("/phone/enrollment", at: "before", count: 1)
            await assertThrows(CountersignError.Offline) { try await core.enroll(offer: offer) }
            let ticket = try only(await core.pendingSteps()).interrupted()
            let shown = try await cancelled { try await core.continueEnrollment(ticket: ticket) }.value
            try await phone.activate(person, shown)
            let prompt = try await phone.prompt()
            let denied = try await cancelled { try await core.deny(prompt: prompt.id) }.value
            XCTAssertEqual(denied, .done(outcome: .denied))
        }
        try await withPhone { phone, person in
            let core = try await phone.open()
            let ticket = try await core.enroll(offer: phone.lookUp(person)).shown().ticket
            try await cancelled { try await core.abandon(ticket: ticket) }.value
            let left = try await core.pendingSteps()
            XCTAssertEqual(left, [])
        }
    }

    func testCancelledWaitForChangesReturnsAfterItsLimit() async throws {
        try await withPhone { phone, _ in
            let core = try await phone.open()
            let revision = try await core.snapshot().revision
            let begun = ContinuousClock.now
            let snapshot = try await cancelled { try await core.changedSince(revision: revision, atMost: 1) }.value
            XCTAssertEqual(snapshot.revision, revision)
            XCTAssertLessThan(ContinuousClock.now - begun, .seconds(5))
            // A task that was cancelled before the call gets its result like any other task.
            let late = Task {
                while !Task.isCancelled { await Task.yield() }
                return try await core.accounts()
            }
            late.cancel()
            let accounts = try await late.value
            XCTAssertEqual(accounts, [])
        }
    }
}
