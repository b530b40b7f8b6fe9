//! Makes the secrets that this phone stores while the person is in the system browser, and checks the redirect.

use ring::hmac;
use serde::{Deserialize, Serialize};
use url::Url;

use crate::authenticator::error::Error;
use crate::authenticator::step::NotAllowed;
use crate::base::bearer::Bearer;
use crate::base::jose::base64url;
use crate::base::secret::random;
use crate::values::issuer::Issuer;

/// The longest time for which a pushed request or a nonce is used, in seconds, whatever the service says.
pub(crate) const MAX_LIFE: u64 = 600;

/// The parameters of one pushed request. The redirect and the token request must match them.
///
/// The parameters are stored, because the system often ends the app while the person is in the browser. They are
/// sealed, because they are secret.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Sent {
    /// The exact URL with which the browser returns to the app.
    pub(crate) redirect_uri: String,
    /// The OAuth `state`: 256 random bits. Without `state`, another page could complete this act (RFC 6749 section
    /// 10.12).
    pub(crate) state: Bearer,
    /// The PKCE code verifier (RFC 7636). Without the verifier, an intercepted authorization code is useless.
    pub(crate) verifier: Bearer,
}

/// The result of a redirect that belongs to this act.
pub(crate) enum Redirect {
    /// The authorization code.
    Code(Bearer),
    /// The reason why there is no authorization code, from the service's OAuth error.
    NotAllowed(NotAllowed),
}

impl Sent {
    /// Makes a fresh random `state` and verifier for one pushed request.
    ///
    /// # Errors
    /// `Platform` when the system has no randomness.
    pub(crate) fn make(redirect_uri: String) -> Result<Self, Error> {
        let fresh = || -> Result<Bearer, Error> {
            let bytes: [u8; 32] = random()?;
            Ok(Bearer::new(base64url::encode(&bytes)))
        };
        Ok(Self { redirect_uri, state: fresh()?, verifier: fresh()? })
    }

    /// Makes parameters with a fixed `state`, for test vectors and for the models of turning phone sign-in on.
    #[cfg(feature = "testing")]
    pub(crate) fn with_state(redirect_uri: &str, state: &str) -> Self {
        let text = |text: &str| Bearer::new(text.to_owned());
        Self { redirect_uri: redirect_uri.to_owned(), state: text(state), verifier: text("") }
    }

    pub(crate) fn redirect_uri(&self) -> &str {
        &self.redirect_uri
    }

    /// Returns the authorization code in the redirect, or the reason why there is no authorization code.
    ///
    /// # Errors
    /// `ForeignRedirect` when the redirect does not belong to this request. This means one of the following:
    ///
    /// - its URL, `state` or issuer (`iss`, RFC 9207) is missing or wrong;
    /// - one of its parameters occurs twice;
    /// - it has both `code` and `error`, neither of them, or an empty `code`.
    ///
    /// # Security
    /// The caller must change nothing after `ForeignRedirect`: any app or page can open the redirect URL, and must not
    /// be able to end the real act. `iss` prevents the mix-up attack; `state` prevents code injection.
    pub(crate) fn read_redirect(&self, url: &str, issuer: &Issuer) -> Result<Redirect, Error> {
        let foreign = |_malformed| Error::ForeignRedirect;
        let (url, home) = (Url::parse(url).map_err(foreign)?, Url::parse(&self.redirect_uri).map_err(foreign)?);
        let mut bare = url.clone();
        bare.set_query(None);
        bare.set_fragment(None);
        let one = |name: &str| {
            let mut values = url.query_pairs().filter(|(key, _)| key == name).map(|(_, value)| value.into_owned());
            let first = values.next();
            if values.next().is_some() { Err(Error::ForeignRedirect) } else { Ok(first) }
        };
        let (state, iss) = (one("state")?.unwrap_or_default(), one("iss")?.unwrap_or_default());
        // GUARD(answer-address): j4_w4_a_redirect_that_does_not_match_is_refused
        // INSTEAD: if false
        if bare != home
            // GUARD(mix-up-issuer): j4_w4_a_redirect_that_does_not_match_is_refused, turning_on_phone_sign_in_at_the_phone_has_no_fault
            || iss != issuer.as_str()
            // GUARD(authorization-state): j4_w4_a_redirect_that_does_not_match_is_refused, turning_on_phone_sign_in_at_the_phone_has_no_fault
            || !same(&state, &self.state)
        {
            return Err(Error::ForeignRedirect);
        }
        match (one("code")?, one("error")?) {
            (Some(code), None) if !code.is_empty() => Ok(Redirect::Code(Bearer::new(code))),
            (None, Some(error)) if error == "access_denied" => Ok(Redirect::NotAllowed(NotAllowed::ByPerson)),
            // RFC 6749 section 4.1.2.1; the policy does not allow this act (protocol section 10.1, step 3).
            (None, Some(error)) if error == "unauthorized_client" => Ok(Redirect::NotAllowed(NotAllowed::Policy)),
            (None, Some(_)) => Ok(Redirect::NotAllowed(NotAllowed::Refused)),
            (Some(_), _) | (None, None) => Err(Error::ForeignRedirect),
        }
    }
}

/// Compares the `state` of a redirect with the stored `state`, in constant time.
fn same(given: &str, kept: &Bearer) -> bool {
    // EXPOSE: compared by HMAC, so the duration reveals nothing about the secret.
    let key = hmac::Key::new(hmac::HMAC_SHA256, kept.expose().as_bytes());
    let expected = hmac::sign(&key, kept.expose().as_bytes());
    hmac::verify(&key, given.as_bytes(), expected.as_ref()).is_ok()
}

#[cfg(test)]
mod tests;
