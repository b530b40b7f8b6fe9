import TestPhone
import XCTest

/// Generated code that belongs to another version of the library: the checksum of one method differs.
final class OtherVersionTests: XCTestCase {
    func testALibraryOfAnotherVersionIsRefusedBeforeAnythingIsCalled() async throws {
        // In a process of its own, since Swift's generated code ends the process.
        let said = await (try Program("OtherVersionProcess", [], withErrors: true)).line()
        XCTAssertTrue(said.contains("UniFFI API checksum mismatch"), said)
    }
}
