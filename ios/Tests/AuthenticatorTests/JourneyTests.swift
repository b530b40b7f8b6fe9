import CountersignCore
import TestPhone
import XCTest

/// The main journey, step by step, as in an app. `Person` uses the service's pages.
final class JourneyTests: XCTestCase {
    func testAccountIsAddedFromAPictureAndASignInIsApproved() async throws {
        let (world, folder) = (try await World.find(), try TestFolder())
        let person = try await world.person()
        let channel = RelayChannel(relay: world.relay, authority: world.authority)
        let ports = Ports(
            keyStore: try OpenSSLKeyStore(file: folder.url.appendingPathComponent("keys")), deviceLock: SetLock(),
            pushChannel: channel, tlsTrust: AuthorityTrust(pem: world.authority),
            device: DeviceDescription(name: "Ada's phone", model: "iPhone 17", os: "iOS 26", appVersion: "1.0"))
        let folders = Folders(home: folder.path("home"), inbox: folder.path("inbox"))
        let authenticator = try await Authenticator.open(folders: folders, ports: ports)
        channel.listen { slot, body in _ = try? await authenticator.pushReceived(slot: slot, body: body) }
        let lock = try await authenticator.deviceLock()
        XCTAssertEqual(lock, .biometric)

        // The phone reads the code from a picture of the page, and shows which service asks.
        let scanned = try await authenticator.readCode(input: .picture(bytes: person.showsCode()))
        guard case .invited(let invite) = scanned else { return XCTFail("\(scanned)") }
        let offer = try await authenticator.lookUp(invite: invite)
        XCTAssertEqual(offer.userName(), person.user)
        // The person accepts. The phone shows six digits, and waits until the person has typed them into the page.
        let shown = try await authenticator.enroll(offer: offer)
        guard case .showDigits(let ticket, _, let digits, _) = shown else { return XCTFail("\(shown)") }
        try await person.typesDigits(digits)
        let added = try await authenticator.waitForActivation(ticket: ticket)
        guard case .active(let account) = added else { return XCTFail("\(added)") }
        XCTAssertEqual(account.issuer, world.issuer)

        // The person approves two prompts with a number: the first confirms the phone, the second is a sign-in.
        for kind in [PromptKind.confirmEnrollment, .secondFactor] {
            if kind == .secondFactor {
                try await person.sees("done")
                try await person.signsIn()
            }
            var snapshot = try await authenticator.snapshot()
            while !snapshot.prompts.contains(where: { $0.state == .open }) {
                snapshot = try await authenticator.changedSince(revision: snapshot.revision, atMost: 10)
            }
            let prompt = try XCTUnwrap(snapshot.prompts.first { $0.state == .open })
            XCTAssertEqual(prompt.kind, kind)
            XCTAssertEqual(prompt.userName, person.user)
            let step = try await authenticator.approve(prompt: prompt.id, number: person.number())
            XCTAssertEqual(step, .done(outcome: .approved))
        }
        try await person.sees("security-info")

        try await authenticator.shutDown()
        channel.close()
        try await person.leaves()
    }
}
