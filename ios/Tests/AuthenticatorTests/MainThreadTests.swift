import CountersignCore
import Foundation
import TestPhone
import XCTest

/// An app calls the core from its main thread; a blocked main thread freezes the app.
final class MainThreadTests: XCTestCase {
    func testSlowPortsDoNotBlockTheMainThread() async throws {
        try await withPerson { world, folder, person in
            let heart = Heart()
            await heart.start()
            try await everything(folder, world, person)
            let (beats, longest) = await heart.stop()
            XCTAssertGreaterThan(beats, 500)
            XCTAssertLessThan(longest, .milliseconds(400), "the main thread was blocked")
        }
    }
}

/// Adds, uses and removes an account from the main thread, with ports that take half a second for each call.
@MainActor
private func everything(_ folder: URL, _ world: World, _ person: Person) async throws {
    XCTAssertTrue(Thread.isMainThread)
    let phone = try Phone(in: folder, world: world)
    let ports = FaultyPorts(over: phone.ports(), pause: 0.5).all
    let core = try await Authenticator.open(folders: phone.folders, ports: ports)
    _ = try await core.deviceLock()
    let invite = try await core.readCode(input: .picture(bytes: person.showsCode())).invite()
    let shown = try await core.enroll(offer: core.lookUp(invite: invite)).shown()
    try await person.typesDigits(shown.digits)
    _ = try await core.waitForActivation(ticket: shown.ticket)
    let number = try await person.number()
    let prompt = try only(await core.checkForPrompts(reason: .opened).prompts)
    let step = try await core.approve(prompt: prompt.id, number: number)
    XCTAssertEqual(step, .done(outcome: .approved))
    _ = try await core.remove(account: prompt.id.account)
    try await core.shutDown()
    XCTAssertTrue(Thread.isMainThread)
}

/// Measures the longest pause of the main thread with a task that runs every five milliseconds.
@MainActor
private final class Heart {
    private var beats = 0
    private var longest = Duration.zero
    private var task: Task<Void, Never>?

    nonisolated init() {}

    func start() {
        task = Task {
            var last = ContinuousClock.now
            while !Task.isCancelled {
                try? await Task.sleep(for: .milliseconds(5))
                let now = ContinuousClock.now
                (beats, longest, last) = (beats + 1, max(longest, now - last), now)
            }
        }
    }

    func stop() async -> (beats: Int, longest: Duration) {
        task?.cancel()
        await task?.value
        return (beats, longest)
    }
}
