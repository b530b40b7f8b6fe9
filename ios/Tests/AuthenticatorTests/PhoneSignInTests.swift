import CountersignCore
import TestPhone
import XCTest

/// Turns phone sign-in on, signs in, and turns phone sign-in off. The person unlocks the sign-in key for each use.
final class PhoneSignInTests: XCTestCase {
    func testPhoneSignInIsTurnedOnUsedTwiceAndTurnedOff() async throws {
        try await withPhone { phone, person in
            let keys = PersonsKeys(phone.keys, lock: phone.lock)
            let core = try await phone.open(phone.ports(keyStore: keys))
            try await phone.addAndConfirm(person)
            try await turnOn(phone, person, keys)
            XCTAssertEqual(keys.asked, 1)

            // The person signs in with a known browser, then with an unknown browser, which requires a typed number.
            for known in [true, false] {
                if !known { try await person.forgets() }
                try await person.usesPhone()
                let prompt = try await phone.prompt()
                XCTAssertEqual(prompt.kind, .phoneSignIn)
                XCTAssertTrue(prompt.needsUnlock)
                if !known { XCTAssertEqual(prompt.matching, .enter(digits: 3)) }
                let sign = try await core.approve(prompt: prompt.id, number: person.number())
                keys.person(.byPin)
                let done = try await core.provide(ticket: sign.ticket(), reply: keys.reply(to: sign))
                XCTAssertEqual(done, .done(outcome: .approved))
                if !known {
                    try await person.sees("name-account")
                    try await person.presses("continue")
                }
                try await person.sees("security-info")
                try await person.presses("sign-out")
                try await person.sees("signed-out")
            }

            let account = try only(await core.accounts())
            let ending = try await core.turnOffPhoneSignIn(account: account.id)
            XCTAssertEqual(ending, .done)
            let off = try only(await core.accounts())
            XCTAssertEqual(off.phoneSignIn, .off)
            XCTAssertEqual(phone.keys.aliases.count, 1, "a key other than the device key is left")
        }
    }

    func testCancelledUnlockSendsNoAnswerAndDenyingNeedsNoUnlock() async throws {
        try await withPhone { phone, person in
            let keys = PersonsKeys(phone.keys, lock: phone.lock)
            let core = try await phone.open(phone.ports(keyStore: keys))
            try await phone.addAndConfirm(person)
            try await turnOn(phone, person, keys)
            try await person.usesPhone()
            let prompt = try await phone.prompt()
            let sign = try await core.approve(prompt: prompt.id, number: person.number())
            keys.person(.cancels)
            await assertThrows(CountersignError.Cancelled) {
                try await core.provide(ticket: sign.ticket(), reply: keys.reply(to: sign))
            }
            let before = keys.asked
            let denied = try await core.deny(prompt: prompt.id)
            XCTAssertEqual(denied, .done(outcome: .denied))
            XCTAssertEqual(keys.asked, before)

            phone.lock.set(.missing)
            try await core.foregrounded()
            let health = try only(await core.accounts()).health
            XCTAssertEqual(health, .paused)
            XCTAssertEqual(nextStep(health: health), .setDeviceLock)
        }
    }

    func testAfterAKillAtTheBrowserStepPhoneSignInCanStillBeTurnedOn() async throws {
        try await withPerson { world, folder, person in
            let before = try Phone(in: folder, world: world)
            try await before.open()
            try await before.addAndConfirm(person)
            await before.close()
            let child = try Program("PhoneProcess", ["turn-on", folder.path])
            let url = await child.line()
            try await child.kill()
            let phone = try Phone(in: folder, world: world)
            let keys = PersonsKeys(phone.keys, lock: phone.lock)
            let core = try await phone.open(phone.ports(keyStore: keys))
            let waiting = try only(await core.pendingSteps())
            guard case .openBrowser(_, _, let again, _, _) = waiting else { return XCTFail("\(waiting)") }
            XCTAssertEqual(again, url)
            try await finishTurningOn(phone, person, keys, waiting)
            await phone.close()
        }
    }

    private func turnOn(_ phone: Phone, _ person: Person, _ keys: PersonsKeys) async throws {
        let account = try only(await phone.core.accounts())
        let checklist = try await phone.core.requirements(account: account.id)
        XCTAssertTrue(checklist.lockIsEnough)
        let confirm = try await phone.core.turnOnPhoneSignIn(
            account: account.id, redirectUri: phone.world.redirectUri)
        guard case .confirmDevice(let ticket, _, let user, _, _) = confirm else { return XCTFail("\(confirm)") }
        XCTAssertEqual(user, person.user)
        try await finishTurningOn(phone, person, keys, phone.core.provide(ticket: ticket, reply: .confirmed))
    }

    /// Continues at the browser step, until phone sign-in is on.
    private func finishTurningOn(_ phone: Phone, _ person: Person, _ keys: PersonsKeys, _ step: Step) async throws {
        guard case .openBrowser(let ticket, _, let url, _, _) = step else { return XCTFail("\(step)") }
        try await person.signsIn(at: url)
        // After signing in with the browser, the person opens the app. The app then fetches the waiting prompt.
        _ = try await phone.core.checkForPrompts(reason: .opened)
        let prompt = try await phone.prompt()
        XCTAssertEqual(prompt.kind, .registerDevice)
        let approved = try await phone.core.approve(prompt: prompt.id, number: person.number())
        XCTAssertEqual(approved, .done(outcome: .approved))
        let make = try await phone.core.provide(ticket: ticket, reply: .redirected(url: person.registers()))
        guard case .makeKey(_, _, _, .biometricOrCredential, _) = make else { return XCTFail("\(make)") }
        let sign = try await phone.core.provide(ticket: ticket, reply: keys.reply(to: make))
        let on = try await phone.core.provide(ticket: sign.ticket(), reply: keys.reply(to: sign))
        guard case .phoneSignInOn = on else { return XCTFail("\(on)") }
        let account = try only(await phone.core.accounts())
        XCTAssertEqual(account.phoneSignIn, .on)
    }
}
