import Foundation
import Glibc
import Synchronization

/// Runs a program of this package in a separate process.
package final class Program: Sendable {
    private let process: Process
    private let output: Mutex<(file: FileHandle, unread: Data)>

    package init(_ name: String, _ arguments: [String], withErrors: Bool = false) throws {
        let (process, pipe) = (Process(), Pipe())
        process.executableURL = builtPrograms.appendingPathComponent(name)
        process.arguments = arguments
        process.standardOutput = pipe
        if withErrors { process.standardError = pipe }
        // Some programs crash on purpose, so no backtrace is printed.
        process.environment = ProcessInfo.processInfo.environment.merging(["SWIFT_BACKTRACE": "enable=no"]) { $1 }
        try process.run()
        self.process = process
        output = Mutex((pipe.fileHandleForReading, Data()))
    }

    /// Returns the next line that the program prints.
    package func line() async -> String {
        await withCheckedContinuation { continuation in
            DispatchQueue.global().async { continuation.resume(returning: self.nextLine()) }
        }
    }

    private func nextLine() -> String {
        output.withLock { output in
            while !output.unread.contains(UInt8(ascii: "\n")) {
                let more = output.file.availableData
                if more.isEmpty { return "(the program has ended)" }
                output.unread.append(more)
            }
            let line = output.unread.prefix { $0 != UInt8(ascii: "\n") }
            output.unread = Data(output.unread.dropFirst(line.count + 1))
            return String(decoding: line, as: UTF8.self)
        }
    }

    /// Kills the process, as the system does (SIGKILL).
    package func kill() async throws {
        Glibc.kill(process.processIdentifier, SIGKILL)
        while process.isRunning { try await Task.sleep(for: .milliseconds(5)) }
    }
}

/// Prints a line without buffering, for `Program.line`.
package func say(_ line: String) {
    FileHandle.standardOutput.write(Data("\(line)\n".utf8))
}

/// Ends this process after a minute, in case the test does not kill this process.
package func endAfterAMinute() {
    alarm(60)
}
