import CountersignCore
import Foundation
import TestPhone

/// A phone in a process that the test kills. Its arguments are `enroll FOLDER`, `stop-after-the-key FOLDER`,
/// `approve FOLDER NUMBER`, or `turn-on FOLDER`.
@main
enum PhoneProcess {
    static func main() async throws {
        endAfterAMinute()
        let arguments = CommandLine.arguments
        let folder = URL(fileURLWithPath: arguments[2])
        let phone = try Phone(in: folder, world: await World.find())
        switch arguments[1] {
        case "approve": try await approve(phone, number: arguments[3])
        case "turn-on": try await turnOn(phone)
        case "enroll": try await enroll(phone, phone.ports(), folder)
        default:
            let ports = FaultyPorts(over: phone.ports())
            ports.misbehaves(at: "make", .stopping { say("key made") })
            try await enroll(phone, ports.all, folder)
        }
        try await Task.sleep(for: .seconds(60))
    }

    /// Enrolls with the picture in the folder, and prints the digits.
    private static func enroll(_ phone: Phone, _ ports: Ports, _ folder: URL) async throws {
        let core = try await phone.open(ports)
        let picture = try Data(contentsOf: folder.appendingPathComponent("screen.png"))
        let invite = try await core.readCode(input: .picture(bytes: picture)).invite()
        let step = try await core.enroll(offer: core.lookUp(invite: invite))
        say("digits \(try step.shown().digits)")
    }

    /// Turns phone sign-in on up to the browser step, and prints the URL.
    private static func turnOn(_ phone: Phone) async throws {
        let core = try await phone.open()
        let account = try await core.accounts()[0].id
        let confirm = try await core.turnOnPhoneSignIn(account: account, redirectUri: phone.world.redirectUri)
        guard case .confirmDevice(let ticket, _, _, _, _) = confirm else { return say("\(confirm)") }
        let opened = try await core.provide(ticket: ticket, reply: .confirmed)
        guard case .openBrowser(_, _, let url, _, _) = opened else { return say("\(opened)") }
        say(url)
    }

    /// Approves the waiting prompt while the service can't be reached.
    private static func approve(_ phone: Phone, number: String) async throws {
        let core = try await phone.open()
        let step = try await core.approve(prompt: phone.prompt().id, number: number)
        if case .queued = step { say("queued") } else { say("not queued: \(step)") }
    }
}
