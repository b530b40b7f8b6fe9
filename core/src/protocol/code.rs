//! Reads a scanned or typed code, without network or store. A code of this protocol gives an invite (section 3). For
//! any other code, the result is the kind of code that it seems to be.

use crate::base::digits;
use crate::base::jose::base64url;
use crate::base::secret::Secret;
use crate::protocol::proofs::{EnrollmentKey, NoKey};
use crate::values::issuer::{Issuer, NotAnIssuer};

/// Longest text that can be an invite, in bytes. The codes of the reference service are shorter.
const MAX_TEXT: usize = 2_048;
const SCANNED_LEN: usize = 16;
const TYPED_ID_LEN: usize = 4;
const TYPED_SECRET_LEN: usize = 8;
const VERSION: &str = "1";
/// Crockford's base32, without the letters I, L, O and U.
const ALPHABET: &str = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";

/// Why a code can't be used. A code that is not an invite is no error: see `OtherCode`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[cfg_attr(feature = "uniffi", derive(uniffi::Enum))]
pub enum CodeError {
    /// The text starts like an invite, but a parameter is missing, repeated, unknown or malformed.
    #[error("the invite is damaged")]
    Damaged,
    /// The service's address is not an issuer (section 1 of the protocol): for example, it has a path or is not
    /// `https`.
    #[error("the address is not allowed")]
    Address,
    /// The typed code does not have twelve characters of Crockford base32.
    #[error("the text does not have the form of a typed code")]
    TypedForm,
}

impl From<NotAnIssuer> for CodeError {
    fn from(_text: NotAnIssuer) -> Self {
        Self::Address
    }
}

/// A code as the person enters it.
#[cfg_attr(feature = "uniffi", derive(uniffi::Enum))]
pub enum CodeInput {
    /// A code that the person scanned with the phone's camera.
    Text {
        /// The text of the QR code, unchanged.
        text: String,
    },
    /// A picture with a QR code, such as a screenshot.
    Picture {
        /// The whole PNG or JPEG file: at most 20 MiB and 50 million pixels.
        bytes: Vec<u8>,
    },
    /// A code that the person typed, after choosing "I can't scan" in the wizard.
    Typed {
        /// Twelve characters. Case, spaces and hyphens don't matter; `O` is read as `0`, `I` and `L` as `1`.
        code: String,
        /// The service's address that the wizard shows next to the code, with or without `https://`.
        address: String,
    },
}

/// The result of reading a code.
#[derive(Debug, Clone)]
pub enum Scanned {
    /// An invite of this protocol.
    Invite(Invite),
    /// A code that is not an invite, and the kind of code that it seems to be.
    Other(OtherCode),
}

/// The kind of a code that is not an invite, judged by the start of its text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[cfg_attr(feature = "uniffi", derive(uniffi::Enum))]
pub enum OtherCode {
    /// An invite of a newer protocol version: the app needs an update.
    NewerVersion,
    /// The secret for one-time codes (`otpauth:`), which this app does not support.
    OneTimeCode,
    /// An activation code of another authenticator app.
    OtherAuthenticator,
    /// A passkey sign-in (`FIDO:`), which the phone's own camera app handles.
    Passkey,
    /// A web address (`http:`, `https:` or `www.`).
    WebAddress,
    /// The access data of a wireless network.
    Wifi,
    /// A contact card.
    Contact,
    /// A code of none of these kinds.
    Unknown,
}

/// An invite: issuer, enrollment id and secret of a code, not yet looked up.
///
/// `Debug` does not print the secret.
#[derive(Debug, Clone)]
pub struct Invite {
    issuer: Issuer,
    id: String,
    secret: InviteSecret,
}

/// The secret of a code (section 3): 128 bits in a scanned code, 40 bits in a typed code.
#[derive(Debug, Clone)]
enum InviteSecret {
    Scanned(Secret<[u8; SCANNED_LEN]>),
    Typed(Secret<String>),
}

impl Invite {
    /// Returns the service that the code names. Nothing about it is verified yet.
    #[must_use]
    pub fn issuer(&self) -> &Issuer {
        &self.issuer
    }

    /// Returns the enrollment id: 22 characters of a scanned code, 4 characters of a typed code.
    pub(crate) fn id(&self) -> &str {
        &self.id
    }

    /// Returns the secret in the form of the code: base64url when scanned, base32 when typed.
    #[cfg(feature = "testing")]
    pub(crate) fn secret_text(&self) -> String {
        // EXPOSE: tests compare it with the text of the code.
        match &self.secret {
            InviteSecret::Scanned(secret) => base64url::encode(secret.expose()),
            InviteSecret::Typed(secret) => secret.expose().clone(),
        }
    }

    /// Returns the enrollment key K. For a typed code this is slow (Argon2id with 64 MiB): call it on a blocking
    /// thread.
    ///
    /// # Errors
    /// `NoKey` when the memory for Argon2id is not available.
    pub(crate) fn enrollment_key(&self) -> Result<EnrollmentKey, NoKey> {
        // EXPOSE: K is derived from the secret.
        match &self.secret {
            InviteSecret::Scanned(secret) => Ok(EnrollmentKey::from_scanned(secret.expose())),
            InviteSecret::Typed(secret) => EnrollmentKey::from_typed(self.issuer.as_str(), &self.id, secret.expose()),
        }
    }
}

/// Reads a scanned text.
///
/// # Errors
/// `Damaged` or `Address` for a faulty invite. A text that is not an invite gives `Scanned::Other`.
pub(crate) fn read_text(text: &str) -> Result<Scanned, CodeError> {
    let text = text.trim();
    if text.len() <= MAX_TEXT
        && let Some(query) = strip_prefix_ignoring_case(text, "countersign://enroll?")
    {
        return read_invite(query);
    }
    Ok(Scanned::Other(looks_like(text)))
}

/// Reads the query of an invite: exactly the four parameters, each once.
///
/// # Security
/// Unknown and repeated parameters are refused, so a code can't contain options, such as one that turns TLS checks off.
fn read_invite(query: &str) -> Result<Scanned, CodeError> {
    let (mut version, mut issuer, mut id, mut secret) = (None, None, None, None);
    for (name, value) in url::form_urlencoded::parse(query.as_bytes()) {
        let part = match name.as_ref() {
            "v" => &mut version,
            "issuer" => &mut issuer,
            "id" => &mut id,
            "secret" => &mut secret,
            // GUARD(invite-members): a_damaged_invite_is_refused
            // INSTEAD: _ => continue,
            _ => return newer_or_damaged(query),
        };
        if part.replace(value.into_owned()).is_some() {
            return Err(CodeError::Damaged);
        }
    }
    let version = version.ok_or(CodeError::Damaged)?;
    if version != VERSION {
        return newer_or_damaged(query);
    }
    let (Some(issuer), Some(id), Some(secret)) = (issuer, id, secret.map(Secret::new)) else {
        return Err(CodeError::Damaged);
    };
    decode_128(&id)?;
    // EXPOSE: decoded into the form in which the invite stores it.
    let secret = decode_128(secret.expose())?;
    Ok(Scanned::Invite(Invite {
        issuer: Issuer::parse(&issuer)?,
        id,
        secret: InviteSecret::Scanned(Secret::new(secret)),
    }))
}

/// Returns `NewerVersion` for a version number above 1, since a newer version may have other parameters; otherwise
/// fails with `Damaged`.
fn newer_or_damaged(query: &str) -> Result<Scanned, CodeError> {
    let version = url::form_urlencoded::parse(query.as_bytes()).find(|(name, _)| name == "v");
    let number = version.and_then(|(_, value)| value.parse::<u32>().ok());
    match number {
        Some(number) if number > 1 => Ok(Scanned::Other(OtherCode::NewerVersion)),
        _ => Err(CodeError::Damaged),
    }
}

fn decode_128(text: &str) -> Result<[u8; SCANNED_LEN], CodeError> {
    let bytes = base64url::decode(text).map_err(|_malformed| CodeError::Damaged)?;
    bytes.try_into().map_err(|_length| CodeError::Damaged)
}

/// Compares the start of a text with the known prefixes, the more specific ones first.
fn looks_like(text: &str) -> OtherCode {
    const KINDS: [(&str, OtherCode); 16] = [
        ("otpauth://pipush", OtherCode::OtherAuthenticator),
        ("otpauth-migration:", OtherCode::OtherAuthenticator),
        ("otpauth:", OtherCode::OneTimeCode),
        ("phonefactor:", OtherCode::OtherAuthenticator),
        ("microsoft-authenticator:", OtherCode::OtherAuthenticator),
        ("pushauth:", OtherCode::OtherAuthenticator),
        ("mfauth:", OtherCode::OtherAuthenticator),
        ("oktaverify:", OtherCode::OtherAuthenticator),
        ("duo://", OtherCode::OtherAuthenticator),
        ("fido:", OtherCode::Passkey),
        ("https://", OtherCode::WebAddress),
        ("http://", OtherCode::WebAddress),
        ("wifi:", OtherCode::Wifi),
        ("begin:vcard", OtherCode::Contact),
        ("mecard:", OtherCode::Contact),
        ("www.", OtherCode::WebAddress),
    ];
    let found = KINDS.iter().find(|(prefix, _)| strip_prefix_ignoring_case(text, prefix).is_some());
    found.map_or(OtherCode::Unknown, |(_, kind)| *kind)
}

fn strip_prefix_ignoring_case<'a>(text: &'a str, prefix: &str) -> Option<&'a str> {
    let (start, rest) = text.split_at_checked(prefix.len())?;
    start.eq_ignore_ascii_case(prefix).then_some(rest)
}

/// Reads a typed code and the address next to it.
///
/// # Errors
/// `TypedForm` for a malformed code; `Address` when the address is not an issuer.
pub(crate) fn read_typed(code: &str, address: &str) -> Result<Invite, CodeError> {
    let canonical = canonical(code)?;
    let (id, secret) = canonical.split_at_checked(TYPED_ID_LEN).ok_or(CodeError::TypedForm)?;
    Ok(Invite {
        issuer: Issuer::typed(address)?,
        id: id.to_owned(),
        secret: InviteSecret::Typed(Secret::new(secret.to_owned())),
    })
}

/// Returns the canonical form of a typed code: upper case, with ASCII digits, without spaces and hyphens.
fn canonical(code: &str) -> Result<String, CodeError> {
    let mut canonical = String::new();
    for character in digits::to_ascii(code).chars().filter(|character| !matches!(character, ' ' | '-')) {
        let character = match character.to_ascii_uppercase() {
            'O' => '0',
            'I' | 'L' => '1',
            other => other,
        };
        if !ALPHABET.contains(character) {
            return Err(CodeError::TypedForm);
        }
        canonical.push(character);
    }
    if canonical.len() == TYPED_ID_LEN + TYPED_SECRET_LEN { Ok(canonical) } else { Err(CodeError::TypedForm) }
}

#[cfg(test)]
mod tests;
