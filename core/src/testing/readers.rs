//! Entry points for the fuzz targets (`tests/fuzz`). Each entry point passes outside input to a parser, exactly as the
//! core does in an app, and returns the accepted value.

use serde_json::Value;

use crate::authenticator::acts::enrollment::claimed_name;
use crate::authenticator::error::Error;
use crate::authenticator::network::http::Reply;
use crate::authenticator::network::metadata;
use crate::authenticator::records::stage::first_stage;
use crate::authenticator::speaking;
use crate::authenticator::speaking::authorization::{self, FormAnswer};
use crate::authenticator::speaking::exchange;
use crate::authenticator::speaking::exchange::Addressee;
use crate::authenticator::step::NotAllowed;
use crate::authenticator::step::redirect::{Redirect, Sent};
use crate::authenticator::step::scan;
use crate::base::clock::Timestamp;
use crate::base::jose;
use crate::base::jose::{Jwk, PublicKey};
use crate::base::seal::{Place, Sealer};
use crate::protocol::code::{CodeInput, Invite, Scanned};
use crate::protocol::keys::ServiceKeys;
use crate::protocol::problem::ProblemName;
use crate::protocol::proofs::EnrollmentKey;
use crate::protocol::push_message::{PushKeys, strip_padding};
use crate::protocol::qr;
use crate::protocol::verify::{Audience, PushContent, read_verified, verify_push};
use crate::values::account::AccountId;
use crate::values::issuer::Issuer;
use crate::values::prompt::{Prompt, PromptId, WithdrawalReason};

/// The accepted content of a push.
#[derive(Debug, PartialEq, Eq)]
pub enum AcceptedPush {
    /// A verified prompt.
    Prompt(Box<Prompt>),
    /// A withdrawal of a prompt.
    Withdrawn(PromptId, WithdrawalReason),
    /// A test push, with the `jti` of the request that asked for it.
    Test(String),
}

/// One account of one phone, with everything that is needed to read the messages of the account's service.
pub struct Phone(Audience);

impl Phone {
    /// Creates the account; `service_keys` is `{"seq":…,"keys":[…]}`.
    #[must_use]
    pub fn new(issuer: &str, device_id: &str, account_id: &str, service_keys: &Value) -> Self {
        Self(Audience {
            account: AccountId("account".to_owned()),
            issuer: Issuer::parse(issuer).unwrap(),
            device_id: device_id.to_owned(),
            account_id: account_id.to_owned(),
            user_name: "ada".to_owned(),
            service_keys: serde_json::from_value(service_keys.clone()).unwrap(),
            clock_offset: 0,
        })
    }

    /// Reads a decrypted push at the time `now`.
    #[must_use]
    pub fn read_push(&self, jws: &str, now: Timestamp) -> Option<AcceptedPush> {
        Some(match verify_push(jws, &self.0, now).ok()? {
            PushContent::Prompt(prompt) => AcceptedPush::Prompt(prompt),
            PushContent::Withdrawn { id, reason, .. } => AcceptedPush::Withdrawn(id, reason),
            PushContent::Test { id } => AcceptedPush::Test(id),
        })
    }

    /// Reads a prompt in the same way as the core reads it from its store.
    #[must_use]
    pub fn read_stored(&self, jws: &str) -> Option<Prompt> {
        read_verified(jws, &self.0)
    }

    /// Reads a signed state that responds to `request`, and returns its accepted content as debug text.
    #[must_use]
    pub fn read_state(&self, jws: &str, request: &str) -> Option<String> {
        let addressee = Addressee { issuer: &self.0.issuer, device_id: &self.0.device_id };
        exchange::read_state(jws, &self.0.service_keys, addressee, request).ok().map(|state| format!("{state:?}"))
    }

    /// Follows a published chain of key documents, and returns its newest keys.
    #[must_use]
    pub fn follow_keys(&self, published: &[u8]) -> Option<Value> {
        let followed = self.0.service_keys.follow(published, &self.0.issuer).ok()?;
        serde_json::to_value(followed).ok()
    }

    /// Verifies the next key document of the chain, and returns its keys.
    #[must_use]
    pub fn next_keys(&self, jws: &str) -> Option<Value> {
        serde_json::to_value(self.0.service_keys.successor(jws, &self.0.issuer).ok()?).ok()
    }
}

/// Reads a scanned or typed code.
///
/// # Errors
/// The same as `Authenticator::read_code`.
pub fn read_code(input: CodeInput) -> Result<Scanned, Error> {
    scan::read(input)
}

/// Returns the id and the secret of an invite as text. The secret of a scanned code is in base64url.
#[must_use]
pub fn invite_parts(invite: &Invite) -> (String, String) {
    (invite.id().to_owned(), invite.secret_text())
}

/// Reads the code in a picture.
///
/// # Errors
/// See `PictureError`.
pub fn read_picture(bytes: &[u8]) -> Result<String, crate::PictureError> {
    qr::read_picture(bytes)
}

/// Reads an issuer as a person types it.
#[must_use]
pub fn typed_issuer(text: &str) -> Option<Issuer> {
    Issuer::typed(text).ok()
}

/// Reads the browser's redirect, and returns the authorization code, or why the service gave none. Returns `None` when
/// the redirect does not belong to the authorization request with this `state` and the redirect URI `home`.
#[must_use]
pub fn read_redirect(url: &str, home: &str, state: &str, issuer: &str) -> Option<Result<String, NotAllowed>> {
    let read = Sent::with_state(home, state).read_redirect(url, &Issuer::parse(issuer).unwrap()).ok()?;
    Some(match read {
        // EXPOSE: an authorization code that the test made.
        Redirect::Code(code) => Ok(code.expose().to_owned()),
        Redirect::NotAllowed(why) => Err(why),
    })
}

/// Decodes canonical base64url.
#[must_use]
pub fn base64url(text: &str) -> Option<Vec<u8>> {
    jose::base64url::decode(text).ok()
}

/// Parses a JSON object with unique member names.
#[must_use]
pub fn json(bytes: &[u8]) -> Option<Value> {
    jose::parse(bytes).ok()
}

/// Returns the payload of a JWS that has this `typ` and this `kid`, and that the key with this point has signed.
#[must_use]
pub fn jws(jws: &str, typ: &str, kid: &str, point: &[u8]) -> Option<Value> {
    jose::verify(jws, typ, |named| (named == kid).then(|| PublicKey::from_sec1(point).ok()).flatten()).ok()
}

/// Returns the unverified `kid` of a JWS.
#[must_use]
pub fn unverified_kid(jws: &str) -> Option<String> {
    jose::unverified_kid(jws)
}

/// Returns r and s of a platform's DER signature.
#[must_use]
pub fn signature_from_der(der: &[u8]) -> Option<[u8; 64]> {
    jose::signature_from_der(der).ok()
}

/// Returns the point of a JWK (65 bytes) and its thumbprint.
#[must_use]
pub fn point_of_jwk(jwk: &[u8]) -> Option<(Vec<u8>, [u8; 32])> {
    let key = PublicKey::from_jwk(&jose::parse::<Jwk>(jwk).ok()?).ok()?;
    Some((key.as_sec1().to_vec(), key.thumbprint()))
}

/// Returns whether the bytes are an uncompressed point on P-256.
#[must_use]
pub fn is_point(bytes: &[u8]) -> bool {
    PublicKey::from_sec1(bytes).is_ok()
}

/// Decrypts a push for the account with this private scalar and secret (`private`), and removes the padding.
#[must_use]
pub fn decrypt(private: &[u8], message: &[u8]) -> Option<Vec<u8>> {
    let plain = PushKeys::from_bytes(private).unwrap().decrypt(message).ok()?;
    Some(strip_padding(&plain).to_vec())
}

/// Returns the endpoints of a discovery document.
///
/// # Errors
/// The same as in `Authenticator::look_up`.
pub fn discovery(status: u16, body: &[u8], issuer: &str) -> Result<Vec<String>, Error> {
    let endpoints = metadata::read(&Reply::for_test(status, body), &Issuer::parse(issuer).unwrap())?;
    Ok(endpoints.addresses().map(str::to_owned).to_vec())
}

/// Returns the name of a problem type that the phone handles.
#[must_use]
pub fn problem(body: &[u8]) -> Option<String> {
    match ProblemName::read(body) {
        ProblemName::Other => None,
        name => Some(format!("{name:?}")),
    }
}

/// Reads a look-up response.
#[must_use]
pub fn look_up(body: &[u8], mac: &str, issuer: &str, nonce: &[u8; 16], key: &[u8]) -> Option<LookedUp> {
    let (issuer, key) = (Issuer::parse(issuer).unwrap(), EnrollmentKey::from_bytes(key).unwrap());
    let answer = speaking::enrollment::read_look_up(&with_mac(body, mac), issuer.as_str(), nonce, &key).ok()?;
    let keys = ServiceKeys::pinned(&answer.keys, &issuer).ok()?;
    Some(LookedUp {
        account_id: answer.account_id,
        user_name: claimed_name(&answer.user_name).ok()?,
        organization: claimed_name(&answer.organization).ok()?,
        keys: keys.thumbprints(),
    })
}

/// The accepted content of a look-up response.
#[derive(Debug, PartialEq, Eq)]
pub struct LookedUp {
    /// The service's account id.
    pub account_id: String,
    /// The user name as the screen shows it.
    pub user_name: String,
    /// The organization as the screen shows it.
    pub organization: String,
    /// Thumbprints of the pinned service keys.
    pub keys: Vec<String>,
}

/// Reads a bind response, and returns the device id, the account id and the thumbprints of the service keys.
#[must_use]
pub fn bound(body: &[u8], mac: &str, jti: &[u8; 16], key: &[u8]) -> Option<(String, String, Vec<String>)> {
    let key = EnrollmentKey::from_bytes(key).unwrap();
    let answer = speaking::enrollment::read_bind(&with_mac(body, mac), jti, &key).ok()?;
    Some((answer.device_id, answer.account_id, answer.keys))
}

/// Reads the response to a bind with a token (adding by signing in). Returns the device id, and whether the phone may
/// turn phone sign-in on.
#[must_use]
pub fn added(status: u16, body: &[u8], account_id: &str, now: Timestamp) -> Option<(String, bool)> {
    let answer = speaking::enrollment::read_added(&Reply::for_test(status, body)).ok()?;
    let next = answer.turn_on.map(|answer| first_stage(answer, account_id, now)).transpose().ok()?;
    (answer.account_id == account_id).then_some((answer.device_id, next.is_some()))
}

/// Reads a token response with the scope `device_registration`, and returns the stage that the phone stores.
#[must_use]
pub fn token(status: u16, body: &[u8], account_id: &str, now: Timestamp) -> Option<Value> {
    let FormAnswer::Granted(answer) = authorization::read(&Reply::for_test(status, body), 200).ok()? else {
        return None;
    };
    serde_json::to_value(first_stage(answer, account_id, now).ok()?).ok()
}

/// Opens a value that was sealed for a row of a table.
#[must_use]
pub fn unseal(key: &[u8; 32], row: &str, sealed: &[u8]) -> Option<Vec<u8>> {
    let place = Place { table: "fuzz", row, column: "v1" };
    Sealer::new(key.to_vec()).unwrap().open(&place, sealed).ok().map(|plain| plain.to_vec())
}

/// Seals a value for a row of a table.
#[must_use]
pub fn seal(key: &[u8; 32], row: &str, plain: &[u8]) -> Vec<u8> {
    let place = Place { table: "fuzz", row, column: "v1" };
    Sealer::new(key.to_vec()).unwrap().seal(&place, plain).unwrap()
}

fn with_mac(body: &[u8], mac: &str) -> Reply {
    Reply { mac: Some(mac.to_owned()), ..Reply::for_test(200, body) }
}
