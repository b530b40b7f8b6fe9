//! What this phone keeps while the person is in the system browser, and what must fit when the browser comes back.

use ring::hmac;
use serde::{Deserialize, Serialize};
use url::Url;

use crate::authenticator::error::Error;
use crate::authenticator::step::NotAllowed;
use crate::base::bearer::Bearer;
use crate::base::jose::base64url;
use crate::base::secret::random;
use crate::values::issuer::Issuer;

/// Whatever a service says, nothing of a trip to the browser is kept longer than this, in seconds.
pub(crate) const MAX_LIFE: u64 = 600;

/// What was sent with the pushed request, and what must fit when the browser comes back.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Sent {
    pub(crate) redirect_uri: String,
    pub(crate) state: Bearer,
    pub(crate) verifier: Bearer,
}

/// What the browser brought back.
pub(crate) enum Redirect {
    /// The code.
    Code(Bearer),
    /// Why there is none.
    NotAllowed(NotAllowed),
}

impl Sent {
    /// Fresh state and verifier for one trip to the browser.
    pub(crate) fn make(redirect_uri: String) -> Result<Self, Error> {
        let fresh = || -> Result<Bearer, Error> {
            let bytes: [u8; 32] = random()?;
            Ok(Bearer::new(base64url::encode(&bytes)))
        };
        Ok(Self { redirect_uri, state: fresh()?, verifier: fresh()? })
    }

    /// With a state that is known.
    #[cfg(feature = "testing")]
    pub(crate) fn with_state(redirect_uri: &str, state: &str) -> Self {
        let text = |text: &str| Bearer::new(text.to_owned());
        Self { redirect_uri: redirect_uri.to_owned(), state: text(state), verifier: text("") }
    }

    pub(crate) fn redirect_uri(&self) -> &str {
        &self.redirect_uri
    }

    /// The code that came back, or why there is none.
    ///
    /// # Errors
    /// `ForeignRedirect` for an answer to something else: another address, state or issuer (RFC 9207), a member
    /// twice, neither code nor error. It changes nothing, so that nobody can end the real act with it.
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
        // GUARD(answer-address): j4_w4_another_state_issuer_or_address_is_refused
        // INSTEAD: if false
        if bare != home
            // GUARD(mix-up-issuer): j4_w4_another_state_issuer_or_address_is_refused, turning_phone_sign_in_on_at_the_phone
            || iss != issuer.as_str()
            // GUARD(authorization-state): j4_w4_another_state_issuer_or_address_is_refused, turning_phone_sign_in_on_at_the_phone
            || !same(&state, &self.state)
        {
            return Err(Error::ForeignRedirect);
        }
        match (one("code")?, one("error")?) {
            (Some(code), None) if !code.is_empty() => Ok(Redirect::Code(Bearer::new(code))),
            (None, Some(error)) if error == "access_denied" => Ok(Redirect::NotAllowed(NotAllowed::ByPerson)),
            // RFC 6749 section 4.1.2.1: not this way for this person.
            (None, Some(error)) if error == "unauthorized_client" => Ok(Redirect::NotAllowed(NotAllowed::Policy)),
            (None, Some(_)) => Ok(Redirect::NotAllowed(NotAllowed::Refused)),
            (Some(_), _) | (None, None) => Err(Error::ForeignRedirect),
        }
    }
}

/// In constant time.
fn same(given: &str, kept: &Bearer) -> bool {
    // EXPOSE: compared, under a key of the moment so that time tells nothing.
    let key = hmac::Key::new(hmac::HMAC_SHA256, kept.expose().as_bytes());
    let expected = hmac::sign(&key, kept.expose().as_bytes());
    hmac::verify(&key, given.as_bytes(), expected.as_ref()).is_ok()
}

#[cfg(test)]
mod tests;
