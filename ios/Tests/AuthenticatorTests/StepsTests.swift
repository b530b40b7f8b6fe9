import CountersignCore
import TestPhone
import XCTest

/// Tests the results and errors of answers, codes and abandoned enrollments.
final class StepsTests: XCTestCase {
    func testEachAnswerReturnsItsOutcome() async throws {
        try await withPhone { phone, person in
            let core = try await phone.open()
            try await phone.addAndConfirm(person)
            try await person.signsIn()
            let prompt = try await phone.prompt()
            await assertThrows(CountersignError.NumberForm) { try await core.approve(prompt: prompt.id, number: "x") }
            let wrong = try await person.number() == "10" ? "11" : "10"
            let mistaken = try await core.approve(prompt: prompt.id, number: wrong)
            XCTAssertEqual(mistaken, .done(outcome: .wrongNumber))
            await assertThrows(CountersignError.AlreadyAnswered) { try await core.deny(prompt: prompt.id) }
            try await phone.world.signsIn(person.user)
            let second = try only(await core.checkForPrompts(reason: .opened).prompts)
            let denied = try await core.deny(prompt: second.id)
            XCTAssertEqual(denied, .done(outcome: .denied))
            let reported = try await core.report(prompt: second.id)
            XCTAssertEqual(reported, .done(outcome: .reported))
        }
    }

    func testRemovedAccountIsDeletedOnThePhoneAndAtTheService() async throws {
        try await withPhone { phone, person in
            let core = try await phone.open()
            try await phone.addAndConfirm(person)
            let account = try only(await core.accounts()).id
            let removal = try await core.remove(account: account)
            XCTAssertEqual(removal, .done)
            let left = try await core.accounts()
            XCTAssertEqual(left, [])
            XCTAssertEqual(phone.keys.aliases, [])
            await assertThrows(CountersignError.NoLongerThere) { try await core.unblock(account: account) }
        }
    }

    func testEachKindOfUnusableCodeHasItsOwnResult() async throws {
        try await withPhone { phone, _ in
            let core = try await phone.open()
            for (text, kind) in [("otpauth://totp/x?secret=AA", OtherCode.oneTimeCode), ("", .unknown)] {
                let scanned = try await core.readCode(input: .text(text: text))
                guard case .other(kind) = scanned else { return XCTFail("\(text): \(scanned)") }
            }
            await assertThrows(CountersignError.BadCode(fault: .damaged)) {
                try await core.readCode(input: .text(text: "countersign://enroll?v=1"))
            }
            await assertThrows(CountersignError.BadCode(fault: .typedForm)) {
                try await core.readCode(input: .typed(code: "ABC", address: "login.example"))
            }
            let unreachable = CodeInput.typed(code: "ABCD-EFGH-JKMN", address: "127.0.0.1:1")
            let invite = try await core.readCode(input: unreachable).invite()
            await assertThrows(CountersignError.Offline) { try await core.lookUp(invite: invite) }
        }
    }

    func testBadPicturesHaveTheirOwnErrors() async throws {
        try await withPhone { phone, person in
            let core = try await phone.open()
            await assertThrows(CountersignError.BadPicture(fault: .notAPicture)) {
                try await core.readCode(input: .picture(bytes: Data(count: 9)))
            }
            let picture = try await person.showsCode()
            await assertThrows(CountersignError.BadPicture(fault: .damaged)) {
                try await core.readCode(input: .picture(bytes: picture.prefix(picture.count / 2)))
            }
        }
    }

    func testAbandonedEnrollmentLeavesNoPendingStep() async throws {
        try await withPhone { phone, person in
            let core = try await phone.open()
            let step = try await core.enroll(offer: phone.lookUp(person))
            let waiting = try await core.pendingSteps()
            XCTAssertEqual(waiting, [step])
            let ticket = try step.shown().ticket
            try await core.abandon(ticket: ticket)
            let left = try await core.pendingSteps()
            XCTAssertEqual(left, [])
            await assertThrows(CountersignError.NoLongerThere) { try await core.waitForActivation(ticket: ticket) }
        }
    }

    func testDeviceLockIsReadEachTime() async throws {
        try await withPhone { phone, _ in
            let core = try await phone.open()
            for lock in [LockState.biometric, .missing, .credential] {
                phone.lock.set(lock)
                let state = try await core.deviceLock()
                XCTAssertEqual(state, lock)
            }
        }
    }
}
