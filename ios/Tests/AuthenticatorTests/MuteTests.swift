import CountersignCore
import Foundation
import TestPhone
import XCTest

/// The prompts of a muted account do not alert, but they are listed and can be answered.
final class MuteTests: XCTestCase {
    func testPromptOfAMutedAccountDoesNotAlertAndCanBeAnswered() async throws {
        try await withPhone { phone, person in
            let core = try await phone.open()
            try await phone.addAndConfirm(person)
            let account = try only(await core.accounts()).id
            let until = try await core.mute(account: account, until: Date.now.addingTimeInterval(3_600))
            let muted = try only(await core.accounts()).mutedUntil
            XCTAssertEqual(muted, until)
            let (effects, arrived) = AsyncStream.makeStream(of: PushEffect.self)
            phone.channel.listen { slot, body in
                if let effect = try? await core.pushReceived(slot: slot, body: body) { arrived.yield(effect) }
            }
            try await phone.world.signsIn(person.user)

            let effect = await effects.first { $0 != .nothing }
            guard case .quiet(let prompt) = effect else { throw Trouble("not quiet: \(String(describing: effect))") }
            XCTAssertEqual(prompt.quiet, .muted(until: until))
            let listed = try await core.checkForPrompts(reason: .opened).prompts.map(\.id)
            XCTAssertEqual(listed, [prompt.id])
            let denied = try await core.deny(prompt: prompt.id)
            XCTAssertEqual(denied, .done(outcome: .denied))
            let delivery = try await core.delivery(prompt: prompt.id)
            XCTAssertNil(delivery, "the answer is still being sent")
            try await core.unmute(account: account)
            let unmuted = try only(await core.accounts()).mutedUntil
            XCTAssertNil(unmuted)
        }
    }
}
