import COpenSSL
import Foundation

/// A call of OpenSSL has failed.
struct OpenSSLFailed: Error {}

/// Initializes OpenSSL without its exit handler, which would free data that other threads may still use.
private let isReady: Bool = OPENSSL_init_crypto(UInt64(OPENSSL_INIT_NO_ATEXIT), nil) == 1

private func succeeded(_ result: Int32) throws {
    guard result == 1 else { throw OpenSSLFailed() }
}

private func made<T>(_ pointer: @autoclosure () -> T?) throws -> T {
    guard isReady, let pointer = pointer() else { throw OpenSSLFailed() }
    return pointer
}

/// A private key on P-256.
final class PrivateKey {
    private let key: OpaquePointer

    init() throws {
        key = try made(countersign_make_p256())
    }

    init(der: Data) throws {
        key = try der.withUnsafeBytes { bytes in
            var start = bytes.bindMemory(to: UInt8.self).baseAddress
            return try made(d2i_AutoPrivateKey(nil, &start, bytes.count))
        }
    }

    deinit {
        EVP_PKEY_free(key)
    }

    func der() throws -> Data {
        var bytes: UnsafeMutablePointer<UInt8>?
        let count = i2d_PrivateKey(key, &bytes)
        return try taken(bytes, Int(count))
    }

    /// Returns the public key as an uncompressed point of 65 bytes.
    func publicPoint() throws -> Data {
        var bytes: UnsafeMutablePointer<UInt8>?
        let count = EVP_PKEY_get1_encoded_public_key(key, &bytes)
        return try taken(bytes, count)
    }

    /// Signs with ECDSA and SHA-256; returns the signature in DER.
    func sign(_ content: Data) throws -> Data {
        let context = try made(EVP_MD_CTX_new())
        defer { EVP_MD_CTX_free(context) }
        try succeeded(EVP_DigestSignInit(context, nil, EVP_sha256(), nil, key))
        var count = Int(EVP_PKEY_get_size(key))
        var signature = [UInt8](repeating: 0, count: count)
        let bytes = [UInt8](content)
        try succeeded(EVP_DigestSign(context, &signature, &count, bytes, bytes.count))
        return Data(signature.prefix(count))
    }

    private func taken(_ bytes: UnsafeMutablePointer<UInt8>?, _ count: Int) throws -> Data {
        guard let bytes, count > 0 else { throw OpenSSLFailed() }
        defer { CRYPTO_free(bytes, "", 0) }
        return Data(bytes: bytes, count: count)
    }
}

/// AES-256-GCM: nonce, ciphertext and tag in one value.
struct AESGCM {
    private static let (nonceCount, tagCount) = (12, 16)
    let key: Data

    func seal(_ plain: Data) throws -> Data {
        let context = try made(EVP_CIPHER_CTX_new())
        defer { EVP_CIPHER_CTX_free(context) }
        let nonce = random(Self.nonceCount)
        try succeeded(EVP_EncryptInit_ex(context, EVP_aes_256_gcm(), nil, [UInt8](key), [UInt8](nonce)))
        var (sealed, count) = ([UInt8](repeating: 0, count: plain.count + 16), Int32(0))
        try succeeded(EVP_EncryptUpdate(context, &sealed, &count, [UInt8](plain), Int32(plain.count)))
        var rest = Int32(0)
        try succeeded(EVP_EncryptFinal_ex(context, &sealed[Int(count)], &rest))
        var tag = [UInt8](repeating: 0, count: Self.tagCount)
        try succeeded(EVP_CIPHER_CTX_ctrl(context, EVP_CTRL_AEAD_GET_TAG, Int32(tag.count), &tag))
        return nonce + sealed.prefix(Int(count)) + tag
    }

    /// Returns nil when the key is wrong or the bytes were altered.
    func open(_ sealed: Data) throws -> Data? {
        guard sealed.count > Self.nonceCount + Self.tagCount else { return nil }
        let context = try made(EVP_CIPHER_CTX_new())
        defer { EVP_CIPHER_CTX_free(context) }
        let nonce = [UInt8](sealed.prefix(Self.nonceCount))
        let hidden = [UInt8](sealed.dropFirst(Self.nonceCount).dropLast(Self.tagCount))
        var tag = [UInt8](sealed.suffix(Self.tagCount))
        try succeeded(EVP_DecryptInit_ex(context, EVP_aes_256_gcm(), nil, [UInt8](key), nonce))
        var (plain, count) = ([UInt8](repeating: 0, count: hidden.count + 16), Int32(0))
        try succeeded(EVP_DecryptUpdate(context, &plain, &count, hidden, Int32(hidden.count)))
        try succeeded(EVP_CIPHER_CTX_ctrl(context, EVP_CTRL_AEAD_SET_TAG, Int32(tag.count), &tag))
        var rest = Int32(0)
        guard EVP_DecryptFinal_ex(context, &plain[Int(count)], &rest) == 1 else { return nil }
        return Data(plain.prefix(Int(count)))
    }
}

/// A certificate.
final class Certificate {
    fileprivate let certificate: OpaquePointer

    init(der: Data) throws {
        certificate = try der.withUnsafeBytes { bytes in
            var start = bytes.bindMemory(to: UInt8.self).baseAddress
            return try made(d2i_X509(nil, &start, bytes.count))
        }
    }

    /// Reads the first certificate of a PEM text.
    convenience init(pem: String) throws {
        let body = pem.split(separator: "\n").drop { !$0.hasPrefix("-----BEGIN") }.dropFirst()
            .prefix { !$0.hasPrefix("-----END") }.joined()
        guard let der = Data(base64Encoded: body) else { throw OpenSSLFailed() }
        try self.init(der: der)
    }

    deinit {
        X509_free(certificate)
    }

    /// Returns true when a chain from this TLS server certificate through `others` to `authority` is valid at the given
    /// time, in seconds since 1970.
    func isTrusted(over others: [Certificate], by authority: Certificate, at seconds: Int) throws -> Bool {
        let (store, context) = (try made(X509_STORE_new()), try made(X509_STORE_CTX_new()))
        let untrusted = try made(OPENSSL_sk_new_null())
        defer {
            OPENSSL_sk_free(untrusted)
            X509_STORE_CTX_free(context)
            X509_STORE_free(store)
        }
        try succeeded(X509_STORE_add_cert(store, authority.certificate))
        for other in others where OPENSSL_sk_push(untrusted, UnsafeRawPointer(other.certificate)) == 0 {
            throw OpenSSLFailed()
        }
        try succeeded(X509_STORE_CTX_init(context, store, certificate, untrusted))
        X509_STORE_CTX_set_time(context, 0, seconds)
        try succeeded(X509_STORE_CTX_set_purpose(context, X509_PURPOSE_SSL_SERVER))
        return withExtendedLifetime(others) { X509_verify_cert(context) == 1 }
    }
}

/// TLS on the client's side of a connected socket.
final class TLS {
    private let tls: OpaquePointer

    init(over socket: Int32, host: String, authority: Certificate) throws {
        let context = try made(SSL_CTX_new(TLS_client_method()))
        defer { SSL_CTX_free(context) }
        SSL_CTX_set_verify(context, SSL_VERIFY_PEER, nil)
        try succeeded(X509_STORE_add_cert(SSL_CTX_get_cert_store(context), authority.certificate))
        tls = try made(SSL_new(context))
        if X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(tls), host) != 1 {
            try succeeded(SSL_set1_host(tls, host))
            try succeeded(Int32(countersign_set_server_name(tls, host)))
        }
        try succeeded(SSL_set_fd(tls, socket))
        try succeeded(SSL_connect(tls))
    }

    deinit {
        SSL_free(tls)
    }

    func write(_ bytes: [UInt8]) -> Int {
        Int(SSL_write(tls, bytes, Int32(bytes.count)))
    }

    func read(_ bytes: inout [UInt8]) -> Int {
        Int(SSL_read(tls, &bytes, Int32(bytes.count)))
    }
}

/// A public key on P-256.
package final class PublicKey {
    private let key: OpaquePointer

    /// Reads an uncompressed point of 65 bytes.
    package init(point: Data) throws {
        let curve = try made(countersign_make_p256())
        defer { EVP_PKEY_free(curve) }
        key = try made(EVP_PKEY_new())
        try succeeded(EVP_PKEY_copy_parameters(key, curve))
        try succeeded(EVP_PKEY_set1_encoded_public_key(key, [UInt8](point), point.count))
    }

    deinit {
        EVP_PKEY_free(key)
    }

    /// Verifies ECDSA with SHA-256. The signature is r and s, 64 bytes together.
    package func verifies(_ signature: Data, of content: Data) throws -> Bool {
        guard signature.count == 64, let der = try? inDER(signature) else { return false }
        let context = try made(EVP_MD_CTX_new())
        defer { EVP_MD_CTX_free(context) }
        try succeeded(EVP_DigestVerifyInit(context, nil, EVP_sha256(), nil, key))
        return EVP_DigestVerify(context, [UInt8](der), der.count, [UInt8](content), content.count) == 1
    }

    private func inDER(_ signature: Data) throws -> Data {
        let pair = try made(ECDSA_SIG_new())
        defer { ECDSA_SIG_free(pair) }
        let (r, s) = ([UInt8](signature.prefix(32)), [UInt8](signature.suffix(32)))
        try succeeded(ECDSA_SIG_set0(pair, try made(BN_bin2bn(r, 32, nil)), try made(BN_bin2bn(s, 32, nil))))
        var bytes: UnsafeMutablePointer<UInt8>?
        let count = i2d_ECDSA_SIG(pair, &bytes)
        guard let bytes, count > 0 else { throw OpenSSLFailed() }
        defer { CRYPTO_free(bytes, "", 0) }
        return Data(bytes: bytes, count: Int(count))
    }
}

/// SHA-256.
package func sha256(_ content: Data) -> Data {
    var digest = [UInt8](repeating: 0, count: 32)
    SHA256([UInt8](content), content.count, &digest)
    return Data(digest)
}

/// HMAC with SHA-256.
package func hmac(_ key: Data, _ content: Data) -> Data {
    var (mac, count) = ([UInt8](repeating: 0, count: 32), UInt32(0))
    _ = HMAC(EVP_sha256(), [UInt8](key), Int32(key.count), [UInt8](content), content.count, &mac, &count)
    return Data(mac)
}
