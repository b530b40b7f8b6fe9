import Foundation

/// A new folder in the build folder, where the world sees it too; it goes when the test lets go of it.
package final class TestFolder: Sendable {
    package let url: URL

    package init() throws {
        url = builtPrograms.appendingPathComponent("phones/\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: url, withIntermediateDirectories: true)
    }

    deinit {
        try? FileManager.default.removeItem(at: url)
    }

    package func path(_ name: String) -> String {
        url.appendingPathComponent(name).path
    }
}

/// The folder where this program and the others of the package were built.
let builtPrograms = URL(fileURLWithPath: ProcessInfo.processInfo.arguments[0]).deletingLastPathComponent()
