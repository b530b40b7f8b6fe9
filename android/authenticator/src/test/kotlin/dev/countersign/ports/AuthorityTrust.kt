package dev.countersign.ports

import dev.countersign.core.TlsTrust
import java.io.ByteArrayInputStream
import java.security.KeyStore
import java.security.cert.CertPathValidator
import java.security.cert.CertPathValidatorException
import java.security.cert.CertificateFactory
import java.security.cert.PKIXParameters
import java.security.cert.TrustAnchor
import java.security.cert.X509Certificate
import java.util.Date
import javax.net.ssl.SSLContext
import javax.net.ssl.TrustManagerFactory

/** Implements the trust port with java.security.cert; trusts one private authority. */
class AuthorityTrust(pem: String) : TlsTrust {
    private val factory = CertificateFactory.getInstance("X.509")
    private val authority = factory.generateCertificate(pem.byteInputStream()) as X509Certificate

    override fun isTrusted(host: String, chain: List<ByteArray>, now: ULong): Boolean = try {
        val path = factory.generateCertPath(chain.map { factory.generateCertificate(ByteArrayInputStream(it)) })
        val rules = PKIXParameters(setOf(TrustAnchor(authority, null))).apply {
            isRevocationEnabled = false
            date = Date(now.toLong() * 1000)
        }
        CertPathValidator.getInstance("PKIX").validate(path, rules)
        true
    } catch (_: CertPathValidatorException) {
        false
    }

    /** Returns a TLS context with which the JDK's HTTP client trusts the same authority. */
    fun context(): SSLContext {
        val store = KeyStore.getInstance("PKCS12").apply { load(null, null); setCertificateEntry("authority", authority) }
        val managers = TrustManagerFactory.getInstance("PKIX").apply { init(store) }.trustManagers
        return SSLContext.getInstance("TLS").apply { init(null, managers, null) }
    }
}
