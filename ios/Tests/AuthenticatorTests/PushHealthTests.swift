import CountersignCore
import Foundation
import TestPhone
import XCTest

/// Tests the push health of an account, and test pushes (J9).
final class PushHealthTests: XCTestCase {
    func testTestPushArrivesAndTheNotificationSettingIsReported() async throws {
        try await withPhone { phone, person in
            let core = try await phone.open()
            try await phone.addAndConfirm(person)
            let account = try only(await core.accounts()).id
            let (effects, arrived) = AsyncStream.makeStream(of: PushEffect.self)
            phone.channel.listen { slot, body in
                if let effect = try? await core.pushReceived(slot: slot, body: body) { arrived.yield(effect) }
            }

            let sent = try await core.testPush(account: account)
            XCTAssertEqual(sent, .sent)
            let effect = await effects.first { $0 != .nothing }
            XCTAssertEqual(effect, .test(account: account))
            let again = try await core.testPush(account: account)
            XCTAssertEqual(again, .tooSoon)

            let health = try await core.pushHealth(account: account)
            XCTAssertNotNil(health.lastReceived)
            XCTAssertTrue(health.isAddressKnown)
            for setting in [PushDelivery.blocked, .restricted, .unknown, .allowed] {
                phone.channel.notifications.withLock { $0 = setting }
                let reported = try await core.pushHealth(account: account).delivery
                XCTAssertEqual(reported, setting)
            }
        }
    }

    func testPushDeliveryIsReportedAsUnknownWhenItsPortFails() async throws {
        try await withPhone { phone, person in
            let ports = FaultyPorts(over: phone.ports())
            let core = try await phone.open(ports.all)
            try await phone.addAndConfirm(person)
            ports.misbehaves(at: "delivery", .throwing)
            let health = try await core.pushHealth(account: only(await core.accounts()).id)
            XCTAssertEqual(health.delivery, .unknown)
            XCTAssertTrue(health.isAddressKnown)
        }
    }
}
