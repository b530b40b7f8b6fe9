import CountersignCore
import Foundation

/// A phone for tests, with shortcuts for adding an account.
package final class Phone {
    package let world: World
    package let folders: Folders
    package let keys: OpenSSLKeyStore
    package let trust: AuthorityTrust
    package let channel: RelayChannel
    package let lock = SetLock()
    private var opened: Authenticator?

    package init(in folder: URL, world: World) throws {
        self.world = world
        folders = Folders(
            home: folder.appendingPathComponent("home").path, inbox: folder.appendingPathComponent("inbox").path)
        keys = try OpenSSLKeyStore(file: folder.appendingPathComponent("keys"))
        trust = AuthorityTrust(pem: world.authority)
        let bearer = try Self.bearer(folder.appendingPathComponent("bearer"))
        channel = RelayChannel(relay: world.relay, authority: world.authority, bearer: bearer)
    }

    private static func bearer(_ file: URL) throws -> Data {
        if let kept = try? Data(contentsOf: file) { return kept }
        let made = random(32)
        try made.write(to: file)
        return made
    }

    package func ports(
        keyStore: (any KeyStore)? = nil, deviceLock: (any DeviceLock)? = nil, push: (any PushChannel)? = nil,
        trust: (any TlsTrust)? = nil
    ) -> Ports {
        Ports(
            keyStore: keyStore ?? keys, deviceLock: deviceLock ?? lock, pushChannel: push ?? channel,
            tlsTrust: trust ?? self.trust,
            device: DeviceDescription(name: "Phone of a test", model: "iPhone 17", os: "iOS 26", appVersion: "1.0"))
    }

    /// Opens the core, and passes every push to the core.
    @discardableResult
    package func open(_ ports: Ports? = nil) async throws -> Authenticator {
        let core = try await Authenticator.open(folders: folders, ports: ports ?? self.ports())
        opened = core
        channel.listen { slot, body in _ = try? await core.pushReceived(slot: slot, body: body) }
        return core
    }

    /// The core that was opened last.
    package var core: Authenticator {
        get throws {
            guard let opened else { throw Trouble("not opened") }
            return opened
        }
    }

    package func lookUp(_ person: Person) async throws -> Offer {
        let scanned = try await core.readCode(input: .picture(bytes: person.showsCode()))
        return try await core.lookUp(invite: scanned.invite())
    }

    /// Adds the account, up to the page with the number that confirms the phone.
    package func add(_ person: Person) async throws {
        try await activate(person, core.enroll(offer: lookUp(person)))
    }

    package func activate(_ person: Person, _ step: Step) async throws {
        let shown = try step.shown()
        try await person.typesDigits(shown.digits)
        let end = try await core.waitForActivation(ticket: shown.ticket)
        guard case .active = end else { throw Trouble("\(end)") }
    }

    /// Adds the account and confirms it.
    package func addAndConfirm(_ person: Person) async throws {
        try await add(person)
        let step = try await core.approve(prompt: prompt().id, number: person.number())
        guard step == .done(outcome: .approved) else { throw Trouble("\(step)") }
        try await person.sees("done")
    }

    /// Waits for an open prompt, and returns the newest one.
    package func prompt() async throws -> Prompt {
        let end = Date.now.addingTimeInterval(20)
        var snapshot = try await core.snapshot()
        while true {
            if let prompt = snapshot.prompts.last(where: { $0.state == .open }) { return prompt }
            guard Date.now < end else { throw Trouble("no prompt arrived") }
            snapshot = try await core.changedSince(revision: snapshot.revision, atMost: 10)
        }
    }

    /// Stops receiving pushes and shuts the core down, which releases the store. This also works when the
    /// core was shut down before.
    package func close() async {
        channel.close()
        try? await opened?.shutDown()
    }
}

extension Scanned {
    package func invite() throws -> Invite {
        guard case .invited(let invite) = self else { throw Trouble("\(self)") }
        return invite
    }
}

extension Step {
    package func shown() throws -> (ticket: Ticket, digits: String) {
        guard case .showDigits(let ticket, _, let digits, _) = self else { throw Trouble("\(self)") }
        return (ticket, digits)
    }

    package func ticket() throws -> Ticket {
        guard case .sign(let ticket, _, _, _, _, _) = self else { throw Trouble("\(self)") }
        return ticket
    }

    package func interrupted() throws -> Ticket {
        guard case .enrollmentInterrupted(let ticket, _) = self else { throw Trouble("\(self)") }
        return ticket
    }
}
