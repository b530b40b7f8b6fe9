import CountersignCore
import TestPhone
import XCTest

/// The parts of an app that the README's example needs: the camera and the screens.
protocol Screen {
    func photograph() async throws -> Data
    func accepts(_ offer: Offer) async -> Bool
    func show(digits: String) async throws
    func show(end: EnrollmentEnd) async
    func askNumber(_ prompt: Prompt) async throws -> String?
}

// README: begin
func addAccount(core: Authenticator, screen: Screen) async throws {
    let scanned = try await core.readCode(input: .picture(bytes: screen.photograph()))
    if case .invited(let invite) = scanned {
        let offer = try await core.lookUp(invite: invite)  // who is asking: verified host, claimed user name
        if await screen.accepts(offer) {
            let step = try await core.enroll(offer: offer)
            if case .showDigits(let ticket, _, let digits, _) = step {
                try await screen.show(digits: digits)  // the person types them into the page
                await screen.show(end: try core.waitForActivation(ticket: ticket))
            }
        }
    }
}
func answerNextPrompt(core: Authenticator, screen: Screen) async throws -> Step {
    var shown = try await core.snapshot()
    while true {
        if let prompt = shown.prompts.first(where: { $0.state == .open }) {
            guard let number = try await screen.askNumber(prompt) else {
                return try await core.deny(prompt: prompt.id)
            }
            return try await core.approve(prompt: prompt.id, number: number)
        }
        shown = try await core.changedSince(revision: shown.revision, atMost: 60)
    }
}
// README: end

/// Runs the README's example against the real service.
final class ReadmeTests: XCTestCase {
    private struct Ada: Screen {
        let person: Person
        let approves: Bool

        func photograph() async throws -> Data { try await person.showsCode() }

        func accepts(_ offer: Offer) async -> Bool { offer.userName() == person.user }

        func show(digits: String) async throws { try await person.typesDigits(digits) }

        func show(end: EnrollmentEnd) async {
            guard case .active = end else { return XCTFail("\(end)") }
        }

        func askNumber(_ prompt: Prompt) async throws -> String? {
            approves ? try await person.number() : nil
        }
    }

    private func outcome(approves: Bool) async throws -> Step {
        let (world, folder) = (try await World.find(), try TestFolder())
        let phone = try Phone(in: folder.url, world: world)
        let core = try await phone.open()
        let ada = Ada(person: try await world.person(), approves: approves)
        try await addAccount(core: core, screen: ada)
        let step = try await answerNextPrompt(core: core, screen: ada)
        await phone.close()
        try await ada.person.leaves()
        return step
    }

    func testReadmeExampleAddsAnAccountAndApproves() async throws {
        let step = try await outcome(approves: true)
        XCTAssertEqual(step, .done(outcome: .approved))
    }

    func testReadmeExampleAddsAnAccountAndDenies() async throws {
        let step = try await outcome(approves: false)
        XCTAssertEqual(step, .done(outcome: .denied))
    }
}
