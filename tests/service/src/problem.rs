//! Problem documents (RFC 9457, protocol section 9): the unsigned responses to requests that the service refuses or
//! can't process.

use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};

use crate::store::StoreError;

const BASE: &str = "https://countersign.dev/problems/";

/// Every problem type.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Problem {
    /// The id in the code is unknown, or the MAC or the nonce is wrong. If the request adds a phone by signing in, the
    /// token is not valid, or another device record already has the device key.
    EnrollmentUnknown,
    /// The enrollment has expired.
    EnrollmentExpired,
    /// The enrollment has already bound a phone. Repeated look-ups and binds of this phone are accepted until its
    /// device is active.
    EnrollmentUsed,
    /// The enrollment ended before it expired, for example because the person cancelled the wizard. If the request adds
    /// a phone by signing in, the policy does not allow the person to use the app, or the person is suspended.
    EnrollmentCancelled,
    /// The enrollment has already accepted look-ups with five different nonces, and this look-up has another nonce.
    TooManyLookUps,
    /// The request is malformed, its signature is wrong, its key is unknown, or a checked member has a wrong value. The
    /// problem document does not show which of these is the reason.
    RequestRefused,
    /// The protocol version is not 1.
    UnsupportedVersion,
    /// The body is longer than the limit.
    TooLarge,
    /// The network has sent too many requests.
    TooManyRequests,
    /// The service could not process the request, for example because the database failed. The client may retry later.
    Unavailable,
}

impl Problem {
    fn parts(self) -> (StatusCode, &'static str, &'static str) {
        match self {
            Self::EnrollmentUnknown => (StatusCode::NOT_FOUND, "enrollment-unknown", "No such enrollment"),
            Self::EnrollmentExpired => (StatusCode::GONE, "enrollment-expired", "The enrollment has expired"),
            Self::EnrollmentUsed => (StatusCode::CONFLICT, "enrollment-used", "The enrollment was used"),
            Self::EnrollmentCancelled => (StatusCode::GONE, "enrollment-cancelled", "The enrollment was cancelled"),
            Self::TooManyLookUps => (StatusCode::TOO_MANY_REQUESTS, "too-many-look-ups", "Looked up too often"),
            Self::RequestRefused => (StatusCode::UNAUTHORIZED, "request-refused", "The request was refused"),
            Self::UnsupportedVersion => (StatusCode::BAD_REQUEST, "unsupported-version", "Version 1 only"),
            Self::TooLarge => (StatusCode::PAYLOAD_TOO_LARGE, "too-large", "The message is too large"),
            Self::TooManyRequests => (StatusCode::TOO_MANY_REQUESTS, "too-many-requests", "Too many requests"),
            Self::Unavailable => (StatusCode::SERVICE_UNAVAILABLE, "unavailable", "Try again later"),
        }
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let (status, name, title) = self.parts();
        let body = serde_json::json!({
            "type": format!("{BASE}{name}"), "title": title, "status": status.as_u16(),
        });
        let mut response =
            (status, [(header::CONTENT_TYPE, "application/problem+json")], body.to_string()).into_response();
        if status == StatusCode::TOO_MANY_REQUESTS {
            response.headers_mut().insert(header::RETRY_AFTER, header::HeaderValue::from_static("10"));
        }
        response
    }
}

impl From<StoreError> for Problem {
    fn from(error: StoreError) -> Self {
        tracing::error!(%error, "the database failed");
        Self::Unavailable
    }
}
