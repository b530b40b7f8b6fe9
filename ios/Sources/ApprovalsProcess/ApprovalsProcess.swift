import CountersignCore
import CountersignCoreFFI
import Foundation
import TestPhone

/// Measures `COUNT` approvals from Swift, for `cargo xtask bench`; prints the milliseconds of each approval,
/// and the microseconds of one call into the core.
@main
enum ApprovalsProcess {
    static func main() async throws {
        let count = CommandLine.arguments.dropFirst().first.flatMap { Int($0) } ?? 1
        let world = try await World.find()
        // The approvals of the first person are for warm-up.
        _ = try await measured(count, world)
        for time in try await measured(count, world) { say(String(format: "%.3f", time)) }
        say(String(format: "crossing %.4f", microsecondsEach(100_000)))
    }

    /// Measures a call that has no data.
    private static func microsecondsEach(_ count: Int) -> Double {
        let began = ContinuousClock.now
        for _ in 0..<count { _ = ffi_countersign_uniffi_contract_version() }
        return (ContinuousClock.now - began) / .microseconds(1) / Double(count)
    }

    private static func measured(_ count: Int, _ world: World) async throws -> [Double] {
        let (folder, person) = (try TestFolder(), try await world.person())
        let phone = try Phone(in: folder.url, world: world)
        let core = try await phone.open()
        try await phone.addAndConfirm(person)
        var times: [Double] = []
        for _ in 0..<count {
            let number = try await world.signsIn(person.user)
            let prompt = try await phone.prompt()
            let began = ContinuousClock.now
            let step = try await core.approve(prompt: prompt.id, number: number)
            times.append((ContinuousClock.now - began) / .milliseconds(1))
            guard step == .done(outcome: .approved) else { throw Trouble("\(step)") }
        }
        await phone.close()
        try await person.leaves()
        return times
    }
}
