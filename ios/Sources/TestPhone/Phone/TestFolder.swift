import Foundation

/// A new folder in the build folder. The programs of `World` can access this folder too. It is deleted when the object
/// is released.
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

/// The folder with the built programs of the package, including this one.
let builtPrograms = URL(fileURLWithPath: ProcessInfo.processInfo.arguments[0]).deletingLastPathComponent()
