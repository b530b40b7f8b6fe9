//! Reads a service's discovery document (protocol section 2) and checks it against the issuer.

use serde::{Deserialize, Serialize};
use url::Url;

use crate::authenticator::error::{Error, MetadataFault};
use crate::authenticator::network::http::{Http, Reply};
use crate::base::jose::{PublicKey, base64url, parse};
use crate::values::issuer::Issuer;

/// The protocol version that this core supports.
const VERSION: u64 = 1;

/// The service's endpoints for phones, as checked by `read` and stored with the account.
///
/// # Security
/// Every URL is `https` at the issuer's own host and port, so a forged document can't lead requests to another host.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Endpoints {
    #[serde(rename = "look_up_endpoint")]
    pub(crate) look_up: String,
    #[serde(rename = "enrollment_endpoint")]
    pub(crate) enrollment: String,
    #[serde(rename = "prompts_endpoint")]
    pub(crate) prompts: String,
    #[serde(rename = "answers_endpoint")]
    pub(crate) answers: String,
    #[serde(rename = "device_endpoint")]
    pub(crate) device: String,
    #[serde(rename = "keys_endpoint")]
    pub(crate) keys: String,
    /// The P-256 key with which the service signs its pushes (RFC 8292), in base64url.
    pub(crate) vapid_key: String,
    /// The OAuth client id that phones use at this service.
    pub(crate) client_id: String,
    /// These endpoints come from the top level of the discovery document, not from its member `phone_sign_in`.
    #[serde(default)]
    pub(crate) authorization: Authorization,
}

/// The OAuth endpoints, for turning phone sign-in on (section 10.1) and for adding an account by signing in (section
/// 11).
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Authorization {
    pub(crate) authorization_endpoint: String,
    pub(crate) token_endpoint: String,
    pub(crate) pushed_authorization_request_endpoint: String,
}

impl Endpoints {
    /// Returns all endpoint URLs: those to which this phone sends requests, and the one that it opens in the browser.
    pub(crate) fn addresses(&self) -> [&str; 9] {
        [
            &self.look_up,
            &self.enrollment,
            &self.prompts,
            &self.answers,
            &self.device,
            &self.keys,
            &self.authorization.authorization_endpoint,
            &self.authorization.token_endpoint,
            &self.authorization.pushed_authorization_request_endpoint,
        ]
    }

    /// Returns the VAPID key as an uncompressed point, 65 bytes.
    ///
    /// # Errors
    /// `NotASignInService(PushKey)` when the stored text is not a P-256 point in base64url.
    pub(crate) fn vapid_key(&self) -> Result<Vec<u8>, Error> {
        let fault = |_cause| Error::NotASignInService(MetadataFault::PushKey);
        let point = base64url::decode(&self.vapid_key).map_err(fault)?;
        PublicKey::from_sec1(&point).map_err(fault)?;
        Ok(point)
    }
}

#[derive(Deserialize)]
struct Document {
    issuer: String,
    phone_sign_in: Option<PhoneSignIn>,
    #[serde(flatten)]
    authorization: Option<Authorization>,
    #[serde(default)]
    code_challenge_methods_supported: Vec<String>,
    #[serde(default)]
    dpop_signing_alg_values_supported: Vec<String>,
    #[serde(default)]
    authorization_response_iss_parameter_supported: bool,
}

impl Document {
    /// Whether the service supports all protections of a registration: PKCE against stolen authorization codes, DPoP
    /// against stolen tokens, and `iss` in the redirect against the mix-up attack.
    fn protects_registration(&self) -> bool {
        let lists = |list: &[String], wanted: &str| list.iter().any(|one| one == wanted);
        lists(&self.code_challenge_methods_supported, "S256")
            && lists(&self.dpop_signing_alg_values_supported, "ES256")
            && self.authorization_response_iss_parameter_supported
    }
}

#[derive(Deserialize)]
struct PhoneSignIn {
    versions: Vec<u64>,
    #[serde(flatten)]
    endpoints: Endpoints,
}

/// Fetches and checks the issuer's discovery document (OpenID Connect Discovery 1.0 section 4).
///
/// # Errors
/// `Offline`, `Untrusted`, or as `read`.
pub(crate) async fn discover(http: &Http, issuer: &Issuer) -> Result<Endpoints, Error> {
    let address = format!("{}/.well-known/openid-configuration", issuer.as_str());
    read(&http.get(&address).await?, issuer)
}

/// Checks a discovery document that was fetched from `issuer`, and returns its endpoints.
///
/// # Errors
/// `Busy` for HTTP 429 and 5xx; `UnsupportedVersion`; `NotASignInService` for any other fault.
pub(crate) fn read(reply: &Reply, issuer: &Issuer) -> Result<Endpoints, Error> {
    match reply.status {
        200 => {}
        429 | 500.. => return Err(Error::Busy),
        _ => return Err(Error::NotASignInService(MetadataFault::Missing)),
    }
    let document: Document =
        parse(&reply.body).map_err(|_malformed| Error::NotASignInService(MetadataFault::Unreadable))?;
    if document.issuer != issuer.as_str() {
        return Err(Error::NotASignInService(MetadataFault::OtherIssuer));
    }
    let protects_registration = document.protects_registration();
    let mut offered = document.phone_sign_in.ok_or(Error::NotASignInService(MetadataFault::NoPhoneSignIn))?;
    if !offered.versions.contains(&VERSION) {
        return Err(Error::UnsupportedVersion);
    }
    if !protects_registration {
        return Err(Error::NotASignInService(MetadataFault::Unreadable));
    }
    offered.endpoints.authorization =
        document.authorization.ok_or(Error::NotASignInService(MetadataFault::Unreadable))?;
    // GUARD(endpoints-of-the-issuer): an_interceptor_cannot_move_endpoints_to_another_host
    // INSTEAD: if offered.endpoints.addresses().is_empty() {
    if !offered.endpoints.addresses().into_iter().all(|address| is_at(issuer, address)) {
        return Err(Error::NotASignInService(MetadataFault::EndpointElsewhere));
    }
    offered.endpoints.vapid_key()?;
    Ok(offered.endpoints)
}

/// Whether a URL is `https` at the issuer's host and port, and has no user name, password or fragment.
fn is_at(issuer: &Issuer, address: &str) -> bool {
    let (Ok(endpoint), Ok(home)) = (Url::parse(address), Url::parse(issuer.as_str())) else {
        return false;
    };
    endpoint.scheme() == "https"
        && endpoint.origin() == home.origin()
        && endpoint.username().is_empty()
        && endpoint.password().is_none()
        && endpoint.fragment().is_none()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests fail by panicking")]
    use serde_json::{Value, json};

    use super::*;
    use crate::authenticator::error::MetadataFault as Fault;

    fn good_document() -> Value {
        let point = "BP4z9KsN6nGRTbVYI_c7VJSPQTBtkgcy27mlmlMoZIIgDll6e3vCYLocInmYWAmS6TlzAC8wEqKK6PBru3jl7A8";
        json!({"issuer": "https://login.test", "phone_sign_in": {
            "versions": [1],
            "look_up_endpoint": "https://login.test/phone/look-up",
            "enrollment_endpoint": "https://login.test/phone/enrollment",
            "prompts_endpoint": "https://login.test/phone/prompts",
            "answers_endpoint": "https://login.test/phone/answers",
            "device_endpoint": "https://login.test/phone/device",
            "keys_endpoint": "https://login.test/phone/keys",
            "client_id": "countersign-phone",
            "vapid_key": point},
            "authorization_endpoint": "https://login.test/authorize",
            "token_endpoint": "https://login.test/token",
            "pushed_authorization_request_endpoint": "https://login.test/par",
            "code_challenge_methods_supported": ["S256"],
            "dpop_signing_alg_values_supported": ["ES256"],
            "authorization_response_iss_parameter_supported": true})
    }

    fn read_document(document: &Value) -> Result<Endpoints, Error> {
        let issuer = Issuer::parse("https://login.test").unwrap();
        read(&Reply::for_test(200, document.to_string().as_bytes()), &issuer)
    }

    #[test]
    fn a_valid_discovery_document_is_read() {
        assert!(read_document(&good_document()).is_ok());
    }

    #[test]
    fn every_endpoint_must_be_at_the_issuer() {
        for name in ["look_up", "enrollment", "prompts", "answers", "device", "keys"] {
            for elsewhere in [
                "http://login.test/phone",
                "https://evil.test/phone",
                "https://login.test:444/phone",
                "https://user@login.test/phone",
                "https://login.test/phone#x",
                "login.test/phone",
                "",
            ] {
                let mut document = good_document();
                *document.pointer_mut(&format!("/phone_sign_in/{name}_endpoint")).unwrap() = json!(elsewhere);
                let expected = Err(Error::NotASignInService(Fault::EndpointElsewhere));
                assert_eq!(read_document(&document), expected, "{name} at {elsewhere}");
            }
        }
        for name in ["authorization", "token", "pushed_authorization_request"] {
            let mut document = good_document();
            *document.pointer_mut(&format!("/{name}_endpoint")).unwrap() = json!("https://evil.test/x");
            let expected = Err(Error::NotASignInService(Fault::EndpointElsewhere));
            assert_eq!(read_document(&document), expected, "{name}");
        }
    }

    #[test]
    fn every_member_of_phone_sign_in_is_required_with_its_type() {
        let members = [
            "versions",
            "look_up_endpoint",
            "enrollment_endpoint",
            "prompts_endpoint",
            "answers_endpoint",
            "device_endpoint",
            "keys_endpoint",
            "vapid_key",
            "client_id",
        ];
        for name in members {
            let mut document = good_document();
            document.pointer_mut("/phone_sign_in").unwrap().as_object_mut().unwrap().remove(name);
            assert_eq!(read_document(&document), Err(Error::NotASignInService(Fault::Unreadable)), "without {name}");
            let mut document = good_document();
            *document.pointer_mut(&format!("/phone_sign_in/{name}")).unwrap() = json!({"a": 1});
            assert_eq!(read_document(&document), Err(Error::NotASignInService(Fault::Unreadable)), "{name}: object");
        }
    }

    #[test]
    fn a_document_without_registration_protections_is_refused() {
        for (name, without) in [
            ("authorization_endpoint", Value::Null),
            ("token_endpoint", Value::Null),
            ("pushed_authorization_request_endpoint", Value::Null),
            ("code_challenge_methods_supported", json!(["plain"])),
            ("dpop_signing_alg_values_supported", json!(["RS256"])),
            ("authorization_response_iss_parameter_supported", json!(false)),
        ] {
            let mut document = good_document();
            *document.pointer_mut(&format!("/{name}")).unwrap() = without;
            assert_eq!(read_document(&document), Err(Error::NotASignInService(Fault::Unreadable)), "{name}");
        }
    }

    #[test]
    fn a_discovery_document_with_a_wrong_value_is_refused() {
        let mut document = good_document();
        *document.pointer_mut("/issuer").unwrap() = json!("https://login.test/");
        assert_eq!(read_document(&document), Err(Error::NotASignInService(Fault::OtherIssuer)));
        let mut document = good_document();
        *document.pointer_mut("/phone_sign_in/versions").unwrap() = json!([2]);
        assert_eq!(read_document(&document), Err(Error::UnsupportedVersion));
        let mut document = good_document();
        document.as_object_mut().unwrap().remove("phone_sign_in");
        assert_eq!(read_document(&document), Err(Error::NotASignInService(Fault::NoPhoneSignIn)));
        let mut document = good_document();
        *document.pointer_mut("/phone_sign_in/vapid_key").unwrap() = json!("AAAA");
        assert_eq!(read_document(&document), Err(Error::NotASignInService(Fault::PushKey)));
    }

    #[test]
    fn an_invalid_discovery_response_is_refused() {
        let issuer = Issuer::parse("https://login.test").unwrap();
        let good = good_document().to_string();
        for (status, body, fault) in [
            (301, good.as_str(), Error::NotASignInService(Fault::Missing)),
            (404, good.as_str(), Error::NotASignInService(Fault::Missing)),
            (503, good.as_str(), Error::Busy),
            (200, "<html>", Error::NotASignInService(Fault::Unreadable)),
            (200, "", Error::NotASignInService(Fault::Unreadable)),
        ] {
            assert_eq!(read(&Reply::for_test(status, body.as_bytes()), &issuer), Err(fault));
        }
    }
}
