//! Problem documents: the unsigned error responses of a service (`core/docs/protocol.md` section 9).

use serde::Deserialize;

use crate::base::jose::parse;

/// The problem types of section 9 that the phone handles. A problem document is unsigned, so it never changes an
/// account.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ProblemName {
    EnrollmentUnknown,
    EnrollmentExpired,
    EnrollmentUsed,
    EnrollmentCancelled,
    TooManyLookUps,
    UnsupportedVersion,
    RequestRefused,
    Other,
}

const PROBLEM_PREFIX: &str = "https://countersign.dev/problems/";

#[derive(Deserialize)]
struct Problem {
    r#type: String,
}

impl ProblemName {
    /// Reads the `type` of a problem document (RFC 9457). Returns `Other` for any other type, and for a body that is
    /// not a problem document.
    pub(crate) fn read(body: &[u8]) -> Self {
        let Ok(problem) = parse::<Problem>(body) else {
            return Self::Other;
        };
        match problem.r#type.strip_prefix(PROBLEM_PREFIX) {
            Some("enrollment-unknown") => Self::EnrollmentUnknown,
            Some("enrollment-expired") => Self::EnrollmentExpired,
            Some("enrollment-used") => Self::EnrollmentUsed,
            Some("enrollment-cancelled") => Self::EnrollmentCancelled,
            Some("too-many-look-ups") => Self::TooManyLookUps,
            Some("unsupported-version") => Self::UnsupportedVersion,
            Some("request-refused") => Self::RequestRefused,
            _ => Self::Other,
        }
    }
}
