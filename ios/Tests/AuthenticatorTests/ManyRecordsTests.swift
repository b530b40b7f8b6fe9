import TestPhone
import XCTest

final class ManyRecordsTests: XCTestCase {
    func testTenThousandPromptsAreListed() async throws {
        try await withPhone { phone, person in
            try await phone.open()
            try await phone.add(person)
            _ = try await phone.prompt()
            try await phone.core.shutDown()
            try await phone.world.fillPrompts("\(phone.folders.home)/countersign.db", count: 10_000)
            let prompts = try await phone.open().snapshot().prompts
            XCTAssertEqual(prompts.count, 10_001)
            XCTAssertEqual(Set(prompts.map(\.id.jti)).count, 10_001)
        }
    }
}
