import TestPhone
import XCTest

/// Uses generated code that seems to belong to another version of the library: the checksum of one method differs.
final class OtherVersionTests: XCTestCase {
    func testLibraryOfAnotherVersionIsRefusedBeforeAnyCall() async throws {
        // The call runs in a separate process, because generated Swift ends the process when the checksums differ.
        let said = await (try Program("OtherVersionProcess", [], withErrors: true)).line()
        XCTAssertTrue(said.contains("UniFFI API checksum mismatch"), said)
    }
}
