#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/sha.h>
#include <openssl/ssl.h>
#include <openssl/x509_vfy.h>
#include <openssl/x509v3.h>

// Wrappers of macros, which Swift can't call.
static inline EVP_PKEY *countersign_make_p256(void) { return EVP_EC_gen("P-256"); }
static inline long countersign_set_server_name(SSL *ssl, const char *name) {
    return SSL_set_tlsext_host_name(ssl, name);
}
