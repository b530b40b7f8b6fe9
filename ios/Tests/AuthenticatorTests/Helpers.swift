import CountersignCore
import TestPhone
import XCTest

/// Runs a test with a new folder and a new person. At the end, deletes the folder and closes the person's browser.
func withPerson(_ test: (World, URL, Person) async throws -> Void) async throws {
    let (world, folder) = (try await World.find(), try TestFolder())
    let person = try await world.person()
    do {
        try await test(world, folder.url, person)
    } catch {
        try? await person.leaves()
        throw error
    }
    try await person.leaves()
    withExtendedLifetime(folder) {}
}

/// Runs a test with a phone in a new folder and a person at the service's pages.
func withPhone(_ test: (Phone, Person) async throws -> Void) async throws {
    try await withPerson { world, folder, person in
        let phone = try Phone(in: folder, world: world)
        do {
            try await test(phone, person)
        } catch {
            await phone.close()
            throw error
        }
        await phone.close()
    }
}

/// Asserts that an act throws the error `expected`.
func assertThrows<E: Error & Equatable, T>(
    _ expected: E, file: StaticString = #filePath, line: UInt = #line, _ act: () async throws -> T
) async {
    do {
        let result = try await act()
        XCTFail("expected the error \(expected), but the act returned \(result)", file: file, line: line)
    } catch {
        XCTAssertEqual(error as? E, expected, "\(error)", file: file, line: line)
    }
}

/// Returns the only element of a list.
func only<T>(_ list: [T], file: StaticString = #filePath, line: UInt = #line) throws -> T {
    XCTAssertEqual(list.count, 1, "\(list)", file: file, line: line)
    return try XCTUnwrap(list.first, file: file, line: line)
}
