//! Defines the reasons to refuse a JWS, a JSON text, a key or a signature.

/// Why a JWS, or a part of one, was refused. For logs only: no variant contains content.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum JoseError {
    /// More than 8,192 bytes.
    #[error("too large")]
    TooLarge,
    /// Not the compact serialization (RFC 7515 section 7.1).
    #[error("not three parts")]
    Parts,
    /// Padding, another alphabet, or unused bits that are not zero (RFC 4648 section 5).
    #[error("not canonical base64url")]
    Base64,
    /// Not a JSON object, or not one with the expected members.
    #[error("not the expected JSON")]
    Json,
    /// The same member name twice in one object, at any depth.
    #[error("a member name occurs twice")]
    Duplicate,
    /// `alg` is not `ES256`, the only accepted algorithm.
    #[error("not ES256")]
    Algorithm,
    /// `typ` is not the expected type: an attacker may have replaced the message by one of another type.
    #[error("not the expected type")]
    Type,
    /// None of the accepted keys has this `kid`.
    #[error("unknown key")]
    UnknownKey,
    /// The key has another curve or encoding, or its point is not on the curve.
    #[error("not a point on P-256")]
    Point,
    /// The signature does not verify, or is not in the expected form.
    #[error("wrong signature")]
    Signature,
}
