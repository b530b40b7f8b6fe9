//! Computes the six digits that prove to the wizard that this phone, and not another phone, was bound.

use crate::authenticator::error::Error;
use crate::authenticator::records::enrollment::EnrollmentRecord;
use crate::base::jose::PublicKey;
use crate::values::platform::PlatformError;

/// Computes the digits of a bound enrollment from K, the issuer, the device key and the push key (protocol section
/// 3.3). `point` is the public device key, 65 bytes.
///
/// # Errors
/// `Platform(Unusable)` when the stored point is not a P-256 point.
pub(crate) fn shown(record: &EnrollmentRecord, point: &[u8]) -> Result<String, Error> {
    let device_key = PublicKey::from_sec1(point).map_err(|_malformed| Error::Platform(PlatformError::Unusable))?;
    let issuer = record.facts.issuer.as_str();
    Ok(record.key.digits(issuer, &device_key.thumbprint(), record.push_keys.point()))
}
