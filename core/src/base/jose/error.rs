//! Why JOSE refuses.

/// Why a JWS was refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum JoseError {
    #[error("too large")]
    TooLarge,
    #[error("not three parts")]
    Parts,
    #[error("not canonical base64url")]
    Base64,
    #[error("not the expected JSON")]
    Json,
    #[error("a member name stands twice")]
    Duplicate,
    #[error("not ES256")]
    Algorithm,
    #[error("another type")]
    Type,
    #[error("unknown key")]
    UnknownKey,
    #[error("not a point on P-256")]
    Point,
    #[error("wrong signature")]
    Signature,
}
