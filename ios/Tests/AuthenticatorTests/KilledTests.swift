import CountersignCore
import TestPhone
import XCTest

/// Each test kills a process (SIGKILL) in the middle of an act, and then opens the store of that process.
final class KilledTests: XCTestCase {
    func testAfterAKillTheSameDigitsAreShownAndTheEnrollmentCompletes() async throws {
        try await withScreen { world, folder, person in
            let child = try Program("PhoneProcess", ["enroll", folder.path])
            let said = await child.line()
            try await child.kill()
            let phone = try Phone(in: folder, world: world)
            let step = try only(await phone.open().pendingSteps())
            XCTAssertEqual(said, "digits \(try step.shown().digits)")
            try await self.finishAdding(phone, person, step)
        }
    }

    func testAfterAKillInAKeyStoreCallTheEnrollmentUsesTheExistingKey() async throws {
        try await withScreen { world, folder, person in
            let child = try Program("PhoneProcess", ["stop-after-the-key", folder.path])
            let said = await child.line()
            XCTAssertEqual(said, "key made")
            try await child.kill()
            let phone = try Phone(in: folder, world: world)
            let made = phone.keys.aliases
            let core = try await phone.open()
            let step = try await core.continueEnrollment(ticket: only(core.pendingSteps()).interrupted())
            try await self.finishAdding(phone, person, step)
            XCTAssertEqual(phone.keys.aliases, made, "a second key was made")
        }
    }

    func testAfterAKillAStoredAnswerIsSentAtTheNextStart() async throws {
        try await withScreen { world, folder, person in
            let phone = try Phone(in: folder, world: world)
            let core = try await phone.open()
            let picture = try Data(contentsOf: folder.appendingPathComponent("screen.png"))
            let invite = try await core.readCode(input: .picture(bytes: picture)).invite()
            try await phone.activate(person, core.enroll(offer: core.lookUp(invite: invite)))
            _ = try await phone.prompt()
            await phone.close()

            let number = try await person.number()
            try await world.cut("/phone/answers", at: "before", count: 100)
            let child = try? Program("PhoneProcess", ["approve", folder.path, number])
            let said = await child?.line()
            try await child?.kill()
            try await world.heal()
            XCTAssertEqual(said, "queued")
            let again = try Phone(in: folder, world: world)
            try await again.open()
            try await person.sees("done")
            await again.close()
        }
    }

    private func finishAdding(_ phone: Phone, _ person: Person, _ step: Step) async throws {
        try await phone.activate(person, step)
        let approved = try await phone.core.approve(prompt: phone.prompt().id, number: person.number())
        XCTAssertEqual(approved, .done(outcome: .approved))
        await phone.close()
    }

    /// Runs a test with a folder that contains the picture of a person's screen.
    private func withScreen(_ test: (World, URL, Person) async throws -> Void) async throws {
        try await withPerson { world, folder, person in
            try await person.showsCode().write(to: folder.appendingPathComponent("screen.png"))
            try await test(world, folder, person)
        }
    }
}
