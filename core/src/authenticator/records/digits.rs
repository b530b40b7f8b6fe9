//! The six digits that prove to the wizard's page that this very phone was bound.

use crate::authenticator::error::Error;
use crate::authenticator::records::enrollment::EnrollmentRecord;
use crate::base::jose::PublicKey;
use crate::values::platform::PlatformError;

/// The digits for a bound enrollment (protocol section 3.3).
pub(crate) fn shown(record: &EnrollmentRecord, point: &[u8]) -> Result<String, Error> {
    let device_key = PublicKey::from_sec1(point).map_err(|_garbage| Error::Platform(PlatformError::Unusable))?;
    let issuer = record.facts.issuer.as_str();
    Ok(record.key.digits(issuer, &device_key.thumbprint(), record.push_keys.point()))
}
