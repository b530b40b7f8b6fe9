//! The HTTP client. It uses only `https` and the platform's TLS trust, limits the time and size of each response, and
//! follows no redirects: they could lead signed requests to another host than the issuer's.

mod trust;

use std::sync::Arc;
use std::time::Duration;

use http_body_util::{BodyExt, Full};
use hyper::body::Bytes;
use hyper::header::{ACCEPT, USER_AGENT};
use hyper::{Method, Request};
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::{TokioExecutor, TokioTimer};
use url::Url;

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
/// How often the phone checks an idle connection.
const KEEP_ALIVE: Duration = Duration::from_secs(15);
const AGENT: &str = concat!("countersign/", env!("CARGO_PKG_VERSION"));

/// The HTTP client of one authenticator.
pub(crate) struct Http {
    client: Client<HttpsConnector<HttpConnector>, Full<Bytes>>,
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
    pub(crate) fn new(trust: Arc<dyn TlsTrust>, clock: Arc<dyn Clock>) -> Result<Self, Error> {
        let mut tcp = HttpConnector::new();
        // The connector above it allows only `https`.
        tcp.enforce_http(false);
        tcp.set_nodelay(true);
        tcp.set_keepalive(Some(KEEP_ALIVE));
        tcp.set_connect_timeout(Some(CONNECT_TIMEOUT));
        let tls = HttpsConnectorBuilder::new().with_tls_config(trust::client_config(trust)?);
        let connector = tls.https_only().enable_http1().wrap_connector(tcp);
        let client = Client::builder(TokioExecutor::new()).pool_timer(TokioTimer::new()).build(connector);
        Ok(Self { client, clock })
    }

    /// Gets a document of at most 64 KiB, within 20 seconds.
    ///
    /// # Errors
    /// As `send`.
    pub(crate) async fn get(&self, address: &str) -> Result<Reply, Failure> {
        self.send(request(Method::GET, address, &[], Vec::new())?, REQUEST_TIMEOUT, MAX_BODY).await
    }

    /// Gets a service's key chain, of at most 512 KiB, within 20 seconds.
    ///
    /// # Errors
    /// As `send`.
    pub(crate) async fn get_chain(&self, address: &str) -> Result<Reply, Failure> {
        self.send(request(Method::GET, address, &[], Vec::new())?, REQUEST_TIMEOUT, MAX_CHAIN_BODY).await
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
        let request = request(Method::POST, address, &[("content-type", content_type)], bytes)?;
        self.send(request, timeout, MAX_BODY).await
    }

    /// Posts a form to an OAuth endpoint, with the header `DPoP`.
    ///
    /// # Errors
    /// As `send`.
    pub(crate) async fn post_form(&self, address: &str, form: Form<'_>) -> Result<Reply, Failure> {
        let body = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(form.fields).finish();
        let headers = [("content-type", "application/x-www-form-urlencoded"), ("dpop", form.proof)];
        self.send(request(Method::POST, address, &headers, body.into_bytes())?, REQUEST_TIMEOUT, MAX_BODY).await
    }

    /// Sends a request and reads a response body of at most `most` bytes. Everything must be done within `timeout`.
    ///
    /// # Errors
    /// `Offline`; `Untrusted` when TLS failed; `InvalidAnswer` when the body is longer than `most`.
    async fn send(&self, request: Request<Full<Bytes>>, timeout: Duration, most: usize) -> Result<Reply, Failure> {
        // GUARD(request-timeout): an_address_without_valid_metadata_is_refused
        // INSTEAD: self.exchange(request, most).await
        tokio::time::timeout(timeout, self.exchange(request, most))
            .await
            .map_err(|_late| Failure::after(Error::Offline))?
    }

    async fn exchange(&self, request: Request<Full<Bytes>>, most: usize) -> Result<Reply, Failure> {
        let started = self.clock.since_boot();
        let response = self.client.request(request).await;
        // A failed connection means that nothing was sent. A later failure may happen after the service has acted.
        // GUARD(delivery-reported-correctly): j6_w14_an_unconfirmed_answer_is_not_shown_as_approved
        // INSTEAD: let mut response = response.map_err(|error| Failure { error: cause(&error), may_have_arrived: true })?;
        let mut response =
            response.map_err(|error| Failure { error: cause(&error), may_have_arrived: !error.is_connect() })?;
        let mut body = Vec::new();
        while let Some(frame) = response.frame().await {
            let frame = frame.map_err(|error| Failure::after(cause(&error)))?;
            // The other frames are trailers, which are ignored.
            let Ok(data) = frame.into_data() else { continue };
            if body.len().saturating_add(data.len()) > most {
                return Err(Failure::after(Error::InvalidAnswer));
            }
            body.extend_from_slice(&data);
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

/// Makes a request.
///
/// # Errors
/// `Offline` when the address or a header is malformed.
fn request(
    method: Method,
    address: &str,
    headers: &[(&'static str, &str)],
    body: Vec<u8>,
) -> Result<Request<Full<Bytes>>, Failure> {
    let malformed = || Failure::before(Error::Offline);
    let address = Url::parse(address).map_err(|_error| malformed())?;
    let request = Request::builder().method(method).uri(address.as_str());
    let request = request.header(USER_AGENT, AGENT).header(ACCEPT, "*/*");
    let request = headers.iter().fold(request, |request, (name, value)| request.header(*name, *value));
    request.body(Full::new(Bytes::from(body))).map_err(|_error| malformed())
}

/// Returns `Untrusted` when TLS failed, else `Offline`. The URL is dropped with the original error, since errors may be
/// logged.
fn cause(error: &(dyn std::error::Error + 'static)) -> Error {
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
