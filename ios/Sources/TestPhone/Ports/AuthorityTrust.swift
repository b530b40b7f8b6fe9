import CountersignCore
import Foundation

/// Implements the trust port with OpenSSL; trusts one private authority.
package final class AuthorityTrust: TlsTrust {
    private let pem: String

    package init(pem: String) {
        self.pem = pem
    }

    package func isTrusted(host _: String, chain: [Data], now: UInt64) throws -> Bool {
        try platformErrorsOnly {
            let authority = try Certificate(pem: pem)
            // A malformed certificate is not trusted.
            guard let certificates = try? chain.map(Certificate.init(der:)), let first = certificates.first else {
                return false
            }
            return try first.isTrusted(over: Array(certificates.dropFirst()), by: authority, at: Int(now))
        }
    }
}
