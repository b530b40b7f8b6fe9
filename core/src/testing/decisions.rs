//! Entry points to the core's checks of claims, for the model of the ceremonies (`tests/model`). They call the same
//! functions as the acts. The acts get some values, such as the time, from a port or from the store. Here these values
//! are arguments. An app's build does not contain this module.

use crate::authenticator::acts::prompts::answer::{check_open, inner};
use crate::authenticator::records::stage::Authorized;
use crate::authenticator::step::redirect::{Redirect, Sent};
use crate::base::clock::Timestamp;
use crate::base::jose::PublicKey;
use crate::protocol::keys::ServiceKeys;
use crate::protocol::messages::TokenAnswer;
use crate::protocol::messages::UserVerification;
use crate::protocol::proofs::EnrollmentKey;
use crate::protocol::verify::{Audience, verify_prompt};
use crate::values::account::AccountId;
use crate::values::issuer::Issuer;
use crate::values::prompt::Prompt;

/// An account on a phone, with everything that verifying prompts needs.
pub struct Receiver(Audience);

impl Receiver {
    /// Creates a receiver for the device with this id. `keys` is a `phone-keys+jwt` of the service.
    #[must_use]
    pub fn new(issuer: &str, device_id: &str, account_id: &str, keys: &str) -> Self {
        let issuer = Issuer::parse(issuer).unwrap();
        Self(Audience {
            account: AccountId(device_id.to_owned()),
            service_keys: ServiceKeys::pinned(keys, &issuer).unwrap(),
            issuer,
            device_id: device_id.to_owned(),
            account_id: account_id.to_owned(),
            user_name: account_id.to_owned(),
            clock_offset: 0,
        })
    }

    /// Returns the prompt in `jws` if the phone accepts and shows it at `now` (seconds since 1970).
    #[must_use]
    pub fn shows(&self, jws: &str, now: u64) -> Option<Prompt> {
        let prompt = verify_prompt(jws, &self.0, Timestamp(now)).ok()?;
        check_open(prompt.state, prompt.expires_at, Timestamp(now)).ok()?;
        Some(prompt)
    }

    /// Returns the JSON that the phone signs as the answer to a prompt: an approval when `number` is given, otherwise a
    /// denial. Returns `None` when the number does not have the requested form.
    #[must_use]
    pub fn answer(&self, prompt: &Prompt, jws: &str, number: Option<&str>) -> Option<String> {
        if number.is_some_and(|number| !prompt.matching().fits(number)) {
            return None;
        }
        let uv = match number {
            Some(_) if prompt.needs_unlock() => UserVerification::Biometric,
            Some(_) | None => UserVerification::None,
        };
        let claims = inner(&self.0.issuer, &prompt.id().jti, jws, number.map(str::to_owned), uv);
        Some(serde_json::to_string(&claims).unwrap())
    }
}

/// Returns the authorization code that a phone accepts from the browser's redirect; `None` when the redirect does not
/// belong to the sent request, or reports an error.
#[must_use]
pub fn code_of_redirect(url: &str, redirect_uri: &str, state: &str, issuer: &str) -> Option<String> {
    let sent = serde_json::json!({ "redirect_uri": redirect_uri, "state": state, "verifier": "" });
    let sent: Sent = serde_json::from_value(sent).unwrap();
    match sent.read_redirect(url, &Issuer::parse(issuer).unwrap()).ok()? {
        Redirect::Code(code) => Some(code.expose().to_owned()),
        Redirect::NotAllowed(_) => None,
    }
}

/// Returns whether a phone accepts this token response (JSON) for the account `account_id`.
#[must_use]
pub fn accepts_token_response(token_response: &str, account_id: &str, now: u64) -> bool {
    let answer: TokenAnswer = serde_json::from_str(token_response).unwrap();
    Authorized::by(answer, account_id, Timestamp(now)).is_ok()
}

/// The secret of a code, from which a phone computes MACs and digits.
pub struct Code(EnrollmentKey);

impl Code {
    /// Uses the secret of a scanned code.
    #[must_use]
    pub fn scanned(secret: &[u8; 16]) -> Self {
        Self(EnrollmentKey::from_scanned(secret))
    }

    /// Returns the MAC of a bind (section 3.2 of the protocol); both points are uncompressed.
    #[must_use]
    pub fn bind_mac(&self, issuer: &str, id: &str, device: &[u8; 65], push: &[u8; 65], auth: &[u8; 16]) -> Vec<u8> {
        self.0.bind_mac(issuer, id, &PublicKey::from_sec1(device).unwrap().thumbprint(), push, auth)
    }

    /// Returns whether the MAC proves that the response to a bind comes from the service that made the code.
    #[must_use]
    pub fn vouches_for(&self, jti: &[u8; 16], body: &[u8], mac: &[u8]) -> bool {
        self.0.check_bind_answer(jti, body, mac)
    }

    /// Returns the six digits that the phone shows.
    #[must_use]
    pub fn digits(&self, issuer: &str, device: &[u8; 65], push: &[u8; 65]) -> String {
        self.0.digits(issuer, &PublicKey::from_sec1(device).unwrap().thumbprint(), push)
    }
}
