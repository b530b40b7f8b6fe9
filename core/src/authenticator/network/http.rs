//! The HTTP client: TLS through the platform's trust, bounded in time and size, no redirects.

mod trust;

use std::sync::Arc;
use std::time::Duration;

use crate::authenticator::error::Error;
use crate::base::clock::Clock;
use crate::values::platform::TlsTrust;

#[cfg(feature = "desktop")]
pub use trust::PlatformTrust;
pub use trust::PrivateCa;

/// Larger answers are refused unread.
const MAX_BODY: usize = 64 * 1024;
/// A key chain only grows; the longest that is followed fits.
const MAX_CHAIN_BODY: usize = 512 * 1024;
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
const REQUEST_TIMEOUT: Duration = Duration::from_secs(20);
const USER_AGENT: &str = concat!("countersign/", env!("CARGO_PKG_VERSION"));

/// One client for each authenticator.
pub(crate) struct Http {
    client: reqwest::Client,
    clock: Arc<dyn Clock>,
}

/// What is sent.
pub(crate) enum Body {
    Json(Vec<u8>),
    Jose(String),
}

/// A form of OAuth's endpoints, with a proof of the key that sends it (RFC 9449 section 4).
pub(crate) struct Form<'a> {
    pub(crate) fields: &'a [(&'a str, &'a str)],
    pub(crate) proof: &'a str,
}

/// What came back; the status says nothing about whether it is to be believed.
pub(crate) struct Reply {
    pub(crate) status: u16,
    pub(crate) mac: Option<String>,
    pub(crate) body: Vec<u8>,
    pub(crate) took: Duration,
}

/// Why nothing came back, and whether what was sent may have arrived all the same.
#[derive(Debug)]
pub(crate) struct Failure {
    pub(crate) error: Error,
    pub(crate) may_have_arrived: bool,
}

impl Failure {
    /// Nothing has left this phone.
    pub(crate) fn before(error: Error) -> Self {
        Self { error, may_have_arrived: false }
    }

    /// The request has left this phone.
    pub(crate) fn after(error: Error) -> Self {
        Self { error, may_have_arrived: true }
    }
}

impl From<Failure> for Error {
    fn from(failure: Failure) -> Self {
        failure.error
    }
}

impl Http {
    pub(crate) fn new(trust: Arc<dyn TlsTrust>, clock: Arc<dyn Clock>) -> Result<Self, Error> {
        let client = reqwest::Client::builder()
            .tls_backend_preconfigured(trust::client_config(trust)?)
            .https_only(true)
            .redirect(reqwest::redirect::Policy::none())
            .connect_timeout(CONNECT_TIMEOUT)
            .user_agent(USER_AGENT)
            .build()
            .map_err(|_configuration| Error::Untrusted)?;
        Ok(Self { client, clock })
    }

    pub(crate) async fn get(&self, address: &str) -> Result<Reply, Failure> {
        // GUARD(request-timeout): an_address_that_answers_otherwise_leads_nowhere
        // INSTEAD: self.send(self.client.get(address), MAX_BODY).await
        self.send(self.client.get(address).timeout(REQUEST_TIMEOUT), MAX_BODY).await
    }

    /// Gets a service's key chain.
    pub(crate) async fn get_chain(&self, address: &str) -> Result<Reply, Failure> {
        self.send(self.client.get(address).timeout(REQUEST_TIMEOUT), MAX_CHAIN_BODY).await
    }

    pub(crate) async fn post(&self, address: &str, body: Body) -> Result<Reply, Failure> {
        self.post_waiting(address, body, 0).await
    }

    /// Posts to an endpoint that may hold its answer for `wait` seconds.
    pub(crate) async fn post_waiting(&self, address: &str, body: Body, wait: u64) -> Result<Reply, Failure> {
        let (content_type, bytes) = match body {
            Body::Json(bytes) => ("application/json", bytes),
            Body::Jose(jws) => ("application/jose", jws.into_bytes()),
        };
        let timeout = REQUEST_TIMEOUT.saturating_add(Duration::from_secs(wait));
        let request = self.client.post(address).header("content-type", content_type).body(bytes).timeout(timeout);
        self.send(request, MAX_BODY).await
    }

    pub(crate) async fn post_form(&self, address: &str, form: Form<'_>) -> Result<Reply, Failure> {
        let body = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(form.fields).finish();
        let request = self.client.post(address).header("content-type", "application/x-www-form-urlencoded");
        self.send(request.header("dpop", form.proof).body(body).timeout(REQUEST_TIMEOUT), MAX_BODY).await
    }

    async fn send(&self, request: reqwest::RequestBuilder, most: usize) -> Result<Reply, Failure> {
        let started = self.clock.since_boot();
        // Without a connection nothing was sent; whatever breaks later may break after the service acted.
        // GUARD(arrival-told-truly): j6_w14_what_is_on_its_way_is_told_as_it_is_and_never_as_approved
        // INSTEAD: let failed = |error: reqwest::Error| Failure { error: cause(&error), may_have_arrived: true };
        let failed = |error: reqwest::Error| Failure { error: cause(&error), may_have_arrived: !error.is_connect() };
        let mut response = request.send().await.map_err(failed)?;
        let mut body = Vec::new();
        while let Some(chunk) = response.chunk().await.map_err(failed)? {
            if body.len().saturating_add(chunk.len()) > most {
                return Err(Failure::after(Error::InvalidAnswer));
            }
            body.extend_from_slice(&chunk);
        }
        let mac = response.headers().get("countersign-mac").and_then(|value| value.to_str().ok());
        Ok(Reply {
            status: response.status().as_u16(),
            mac: mac.map(str::to_owned),
            body,
            took: self.clock.since_boot().saturating_sub(started),
        })
    }
}

/// Tells an untrusted connection from a missing one; the address stays out of the error.
fn cause(error: &reqwest::Error) -> Error {
    let mut next: Option<&(dyn std::error::Error + 'static)> = Some(error);
    while let Some(inner) = next {
        if inner.is::<rustls::Error>() {
            return Error::Untrusted;
        }
        // An I/O error hides what it carries from `source`, and one may carry another.
        let carried = inner.downcast_ref::<std::io::Error>().and_then(std::io::Error::get_ref);
        next = match carried {
            Some(carried) => Some(carried),
            None => inner.source(),
        };
    }
    Error::Offline
}

#[cfg(any(test, feature = "testing"))]
impl Reply {
    pub(crate) fn for_test(status: u16, body: &[u8]) -> Self {
        Self { status, mac: None, body: body.to_vec(), took: Duration::ZERO }
    }
}
