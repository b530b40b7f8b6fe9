//! What a person scanned or typed: an invitation of ours, or what else it looks like.
//!
//! Decides from the text alone, asks nobody and keeps nothing.

use crate::base::jose::base64url;
use crate::base::secret::Secret;
use crate::protocol::proofs::{EnrollmentKey, NoKey};
use crate::values::issuer::{Issuer, NotAnIssuer};

/// A QR code of the size our pages show holds less; anything longer is not ours.
const MAX_TEXT: usize = 2_048;
const SCANNED_LEN: usize = 16;
const TYPED_ID_LEN: usize = 4;
const TYPED_SECRET_LEN: usize = 8;
const VERSION: &str = "1";
/// Crockford's base32: no I, L, O, U.
const ALPHABET: &str = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";

/// Why a code can't be used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[cfg_attr(feature = "uniffi", derive(uniffi::Enum))]
pub enum CodeError {
    /// It looks like an invitation, but a part is missing, doubled or malformed.
    #[error("a damaged invitation")]
    Damaged,
    /// Its address is not an `https` address of a sign-in service.
    #[error("an address that is not allowed")]
    Address,
    /// The typed code does not have twelve characters of the right alphabet.
    #[error("not a typed code")]
    TypedForm,
}

impl From<NotAnIssuer> for CodeError {
    fn from(_text: NotAnIssuer) -> Self {
        Self::Address
    }
}

/// A code as the person has it.
#[cfg_attr(feature = "uniffi", derive(uniffi::Enum))]
pub enum CodeInput {
    /// What a camera read.
    Text {
        /// The text in the code.
        text: String,
    },
    /// A PNG or JPEG picture of a screen.
    Picture {
        /// The whole file.
        bytes: Vec<u8>,
    },
    /// The typed code with the address shown beside it.
    Typed {
        /// Twelve characters; case, spaces and hyphens don't matter.
        code: String,
        /// The service's address without `https://`.
        address: String,
    },
}

/// What a code turned out to be.
#[derive(Debug, Clone)]
pub enum Scanned {
    /// An invitation to an account.
    Invite(Invite),
    /// Something else, so that the app can say what.
    Other(OtherCode),
}

/// What a code that is not ours looks like.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[cfg_attr(feature = "uniffi", derive(uniffi::Enum))]
pub enum OtherCode {
    /// An invitation of a newer version: the app needs an update.
    NewerVersion,
    /// A code for one-time codes (`otpauth:`).
    OneTimeCode,
    /// A code for another authenticator app.
    OtherAuthenticator,
    /// A passkey sign-in for the phone's camera.
    Passkey,
    /// A web address.
    WebAddress,
    /// A wireless network.
    Wifi,
    /// A contact card.
    Contact,
    /// None of these.
    Unknown,
}

/// An invitation to an account, not yet looked up.
#[derive(Debug, Clone)]
pub struct Invite {
    issuer: Issuer,
    id: String,
    secret: InviteSecret,
}

#[derive(Debug, Clone)]
enum InviteSecret {
    Scanned(Secret<[u8; SCANNED_LEN]>),
    Typed(Secret<String>),
}

impl Invite {
    /// The service that the code names; nothing is verified yet.
    #[must_use]
    pub fn issuer(&self) -> &Issuer {
        &self.issuer
    }

    pub(crate) fn id(&self) -> &str {
        &self.id
    }

    /// The secret as it stands in a code.
    #[cfg(feature = "testing")]
    pub(crate) fn secret_text(&self) -> String {
        // EXPOSE: for tests that compare it with what was read.
        match &self.secret {
            InviteSecret::Scanned(secret) => base64url::encode(secret.expose()),
            InviteSecret::Typed(secret) => secret.expose().clone(),
        }
    }

    /// The enrollment key; slow for a typed code.
    pub(crate) fn enrollment_key(&self) -> Result<EnrollmentKey, NoKey> {
        // EXPOSE: the key is made of the secret.
        match &self.secret {
            InviteSecret::Scanned(secret) => Ok(EnrollmentKey::from_scanned(secret.expose())),
            InviteSecret::Typed(secret) => EnrollmentKey::from_typed(self.issuer.as_str(), &self.id, secret.expose()),
        }
    }
}

/// Says what a scanned text is.
///
/// # Errors
/// `Damaged` and `Address` for an invitation that is not whole; what is not ours is no error.
pub(crate) fn read_text(text: &str) -> Result<Scanned, CodeError> {
    let text = text.trim();
    if text.len() <= MAX_TEXT
        && let Some(query) = strip_prefix_ignoring_case(text, "countersign://enroll?")
    {
        return read_invite(query);
    }
    Ok(Scanned::Other(looks_like(text)))
}

fn read_invite(query: &str) -> Result<Scanned, CodeError> {
    let (mut version, mut issuer, mut id, mut secret) = (None, None, None, None);
    for (name, value) in url::form_urlencoded::parse(query.as_bytes()) {
        let part = match name.as_ref() {
            "v" => &mut version,
            "issuer" => &mut issuer,
            "id" => &mut id,
            "secret" => &mut secret,
            // GUARD(invitation-members): a_damaged_invitation_is_refused
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
    // EXPOSE: decoded into the form that is kept.
    let secret = decode_128(secret.expose())?;
    Ok(Scanned::Invite(Invite {
        issuer: Issuer::parse(&issuer)?,
        id,
        secret: InviteSecret::Scanned(Secret::new(secret)),
    }))
}

/// Another version may have other parts; only a number we do not know says "update the app".
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

/// Reads a typed code and the address shown beside it.
///
/// # Errors
/// `TypedForm`, `Address`.
pub(crate) fn read_typed(code: &str, address: &str) -> Result<Invite, CodeError> {
    let canonical = canonical(code)?;
    let (id, secret) = canonical.split_at_checked(TYPED_ID_LEN).ok_or(CodeError::TypedForm)?;
    Ok(Invite {
        issuer: Issuer::typed(address)?,
        id: id.to_owned(),
        secret: InviteSecret::Typed(Secret::new(secret.to_owned())),
    })
}

/// Twelve characters of Crockford's base32, read as people write them.
fn canonical(code: &str) -> Result<String, CodeError> {
    let mut canonical = String::new();
    for character in code.chars().filter(|character| !matches!(character, ' ' | '-')) {
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
