import COpenSSL
import Foundation
import Glibc

/// A connection to a server on this machine for one HTTP request; with TLS when an authority is given.
///
/// URLSession is not used: on Linux it crashes when a session is released (`_MultiHandle deallocated with non-zero
/// retain count`), and refuses chromedriver's headers (`Content-Length:2`, without a space).
final class Connection: @unchecked Sendable {
    // `@unchecked`: one thread sends and receives; `cut` only reads the socket's descriptor, which never changes.
    private let socket: Int32
    private let tls: TLS?
    private var unread = Data()

    init(to url: URL, authority: Certificate? = nil) throws {
        guard let host = url.host, let port = url.port else { throw URLError(.badURL) }
        let socket = try connected(to: UInt16(port))
        self.socket = socket
        do {
            tls = try authority.map { try TLS(over: socket, host: host, authority: $0) }
        } catch {
            close(socket)
            throw error
        }
    }

    deinit {
        close(socket)
    }

    /// Shuts the socket down, so that a blocked read returns.
    func cut() {
        shutdown(socket, Int32(SHUT_RDWR))
    }

    /// Sends a request and reads the reply up to its body. Returns two values: the status; and the headers, with
    /// lower-case names.
    ///
    /// HTTP 1.0 avoids chunked bodies, but chromedriver does not support HTTP 1.0.
    func ask(
        _ url: URL, _ method: String, _ body: Data?, version: String = "1.1", bearer: String? = nil
    ) throws -> (Int, [String: String]) {
        let path = url.path.isEmpty ? "/" : url.path
        var head = ["\(method) \(path) HTTP/\(version)", "Host: \(url.host ?? ""):\(url.port ?? 0)"]
        head += ["Connection: close", "Content-Type: application/json", "Content-Length: \(body?.count ?? 0)"]
        head += bearer.map { ["Authorization: Bearer \($0)"] } ?? []
        try send(Data((head + ["", ""]).joined(separator: "\r\n").utf8) + (body ?? Data()))
        guard let status = try line()?.split(separator: " ").dropFirst().first.flatMap({ Int($0) }) else {
            throw URLError(.badServerResponse)
        }
        var headers: [String: String] = [:]
        while let line = try line(), !line.isEmpty {
            let parts = line.split(separator: ":", maxSplits: 1).map { $0.trimmingCharacters(in: .whitespaces) }
            headers[parts[0].lowercased()] = parts.last
        }
        return (status, headers)
    }

    /// Reads the body of the reply: up to its content length, or to the end of the connection.
    func body(_ headers: [String: String]) throws -> Data {
        let count = headers["content-length"].flatMap { Int($0) } ?? .max
        while unread.count < count, try receive() {}
        return unread.prefix(count)
    }

    /// Reads the next line; returns nil at the end.
    func line() throws -> String? {
        while true {
            if let end = unread.firstIndex(of: UInt8(ascii: "\n")) {
                let line = String(decoding: unread[..<end], as: UTF8.self)
                unread = Data(unread[unread.index(after: end)...])
                return line.hasSuffix("\r") ? String(line.dropLast()) : line
            }
            guard try receive() else { return nil }
        }
    }

    private func send(_ bytes: Data) throws {
        var rest = [UInt8](bytes)
        while !rest.isEmpty {
            let count = tls?.write(rest) ?? Glibc.send(socket, rest, rest.count, Int32(MSG_NOSIGNAL))
            guard count > 0 else { throw URLError(.networkConnectionLost) }
            rest.removeFirst(count)
        }
    }

    /// Receives more bytes; returns false at the end.
    private func receive() throws -> Bool {
        var part = [UInt8](repeating: 0, count: 65536)
        let count = tls?.read(&part) ?? recv(socket, &part, part.count, 0)
        guard count > 0 else { return false }
        unread.append(contentsOf: part.prefix(count))
        return true
    }
}

/// Ignores SIGPIPE, so that a write to a closed connection is an error and does not end the process.
private let brokenPipesIgnored: Void = { _ = signal(SIGPIPE, SIG_IGN) }()

private func connected(to port: UInt16) throws -> Int32 {
    brokenPipesIgnored
    let socket = Glibc.socket(AF_INET, Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue), 0)
    var address = sockaddr_in()
    address.sin_family = sa_family_t(AF_INET)
    address.sin_port = port.bigEndian
    address.sin_addr.s_addr = UInt32(0x7f00_0001).bigEndian
    let result = withUnsafeBytes(of: &address) { bytes in
        connect(socket, bytes.assumingMemoryBound(to: sockaddr.self).baseAddress, socklen_t(bytes.count))
    }
    guard result == 0 else {
        close(socket)
        throw URLError(.cannotConnectToHost)
    }
    return socket
}
