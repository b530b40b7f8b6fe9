//! The HTTP client. It uses only `https` and the platform's TLS trust, limits the time and size of each response, and
//! follows no redirects.

mod trust;

use std::sync::Arc;
use std::time::Duration;

use crate::authenticator::error::Error;
use crate::base::clock::Clock;
use crate::values::platform::TlsTrust;

#[cfg(feature = "desktop")]
pub use trust::PlatformTrust;
pub use trust::PrivateCa;

/// The longest response body that is read, in bytes. The limit prevents that a hostile service fills the memory.
const MAX_BODY: usize = 64 * 1024;
/// The longest key chain that is read, in bytes (protocol section 6). A chain only grows, so its limit is higher.
const MAX_CHAIN_BODY: usize = 512 * 1024;
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
const REQUEST_TIMEOUT: Duration = Duration::from_secs(20);
const USER_AGENT: &str = concat!("countersign/", env!("CARGO_PKG_VERSION"));

/// The HTTP client of one authenticator.
pub(crate) struct Http {
    client: reqwest::Client,
    clock: Arc<dyn Clock>,
}

/// The body of a request, with its content type.
pub(crate) enum Body {
    /// `application/json`.
    Json(Vec<u8>),
    /// `application/jose`: a compact JWS.
    Jose(String),
}

/// A form for an OAuth endpoint, with a DPoP proof by the device key (RFC 9449 section 4).
pub(crate) struct Form<'a> {
    /// Names and values, not yet encoded.
    pub(crate) fields: &'a [(&'a str, &'a str)],
    /// The value of the header `DPoP`.
    pub(crate) proof: &'a str,
}

/// The response of a server, with any status. Its content is not verified.
pub(crate) struct Reply {
    pub(crate) status: u16,
    /// The header `Countersign-Mac` (protocol section 3), not yet checked; `None` when it is missing or not ASCII.
    pub(crate) mac: Option<String>,
    pub(crate) body: Vec<u8>,
    /// The time from sending the request to the end of the body, measured with the clock that counts since boot.
    pub(crate) took: Duration,
}

/// Why there is no valid response, and whether the server may have received the request.
#[derive(Debug)]
pub(crate) struct Failure {
    pub(crate) error: Error,
    /// False only when the request certainly did not leave this phone. Screens show the difference (`Delivery`).
    pub(crate) may_have_arrived: bool,
}

impl Failure {
    /// Makes the failure of a request that has not left this phone.
    pub(crate) fn before(error: Error) -> Self {
        Self { error, may_have_arrived: false }
    }

    /// Makes the failure of a request that may have arrived.
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
    /// Builds the client.
    ///
    /// # Errors
    /// `Untrusted` when TLS can't be configured.
    ///
    /// # Security
    /// Redirects are not followed: they could lead signed requests to another host than the issuer's.
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

    /// Gets a document of at most 64 KiB, within 20 seconds.
    ///
    /// # Errors
    /// As `send`.
    pub(crate) async fn get(&self, address: &str) -> Result<Reply, Failure> {
        // GUARD(request-timeout): an_address_without_valid_metadata_is_refused
        // INSTEAD: self.send(self.client.get(address), MAX_BODY).await
        self.send(self.client.get(address).timeout(REQUEST_TIMEOUT), MAX_BODY).await
    }

    /// Gets a service's key chain, of at most 512 KiB, within 20 seconds.
    ///
    /// # Errors
    /// As `send`.
    pub(crate) async fn get_chain(&self, address: &str) -> Result<Reply, Failure> {
        self.send(self.client.get(address).timeout(REQUEST_TIMEOUT), MAX_CHAIN_BODY).await
    }

    /// Posts a body. The response must arrive within 20 seconds.
    ///
    /// # Errors
    /// As `send`.
    pub(crate) async fn post(&self, address: &str, body: Body) -> Result<Reply, Failure> {
        self.post_waiting(address, body, 0).await
    }

    /// Posts to an endpoint that may delay its response by `wait` seconds (long polling). The timeout is 20 seconds
    /// plus `wait`.
    ///
    /// # Errors
    /// As `send`.
    pub(crate) async fn post_waiting(&self, address: &str, body: Body, wait: u64) -> Result<Reply, Failure> {
        let (content_type, bytes) = match body {
            Body::Json(bytes) => ("application/json", bytes),
            Body::Jose(jws) => ("application/jose", jws.into_bytes()),
        };
        let timeout = REQUEST_TIMEOUT.saturating_add(Duration::from_secs(wait));
        let request = self.client.post(address).header("content-type", content_type).body(bytes).timeout(timeout);
        self.send(request, MAX_BODY).await
    }

    /// Posts a form to an OAuth endpoint, with the header `DPoP`.
    ///
    /// # Errors
    /// As `send`.
    pub(crate) async fn post_form(&self, address: &str, form: Form<'_>) -> Result<Reply, Failure> {
        let body = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(form.fields).finish();
        let request = self.client.post(address).header("content-type", "application/x-www-form-urlencoded");
        self.send(request.header("dpop", form.proof).body(body).timeout(REQUEST_TIMEOUT), MAX_BODY).await
    }

    /// Sends a request and reads a response body of at most `most` bytes.
    ///
    /// # Errors
    /// `Offline`; `Untrusted` when TLS failed; `InvalidAnswer` when the body is longer than `most`.
    async fn send(&self, request: reqwest::RequestBuilder, most: usize) -> Result<Reply, Failure> {
        let started = self.clock.since_boot();
        // A failed connection means that nothing was sent. A later failure may happen after the service has acted.
        // GUARD(delivery-reported-correctly): j6_w14_an_unconfirmed_answer_is_not_shown_as_approved
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

/// Returns `Untrusted` when TLS failed, else `Offline`. The URL is dropped with the original error, since errors may be
/// logged.
fn cause(error: &reqwest::Error) -> Error {
    let mut next: Option<&(dyn std::error::Error + 'static)> = Some(error);
    while let Some(inner) = next {
        if inner.is::<rustls::Error>() {
            return Error::Untrusted;
        }
        // `source` of an I/O error skips the wrapped error, which may again be an I/O error.
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
    /// Makes a response without a MAC, for tests of the functions that read responses.
    pub(crate) fn for_test(status: u16, body: &[u8]) -> Self {
        Self { status, mac: None, body: body.to_vec(), took: Duration::ZERO }
    }
}
