//! Sends Web Push messages. Libraries that share no code with the phone encrypt and sign the messages. The module
//! `guard` refuses private network addresses. A failed push only delays a prompt, because the phone can also fetch the
//! prompt.

mod guard;

use std::sync::Arc;
use std::time::Duration;

use axum::http::HeaderValue;
use axum::http::header::AUTHORIZATION;
use web_push_native::jwt_simple::algorithms::{ECDSAP256KeyPairLike, ES256KeyPair};
use web_push_native::jwt_simple::claims::Claims;
use web_push_native::{Auth, WebPushBuilder, p256};

use crate::devices::device::Subscription;
use crate::endings::end_subscription;
use crate::keys::Keys;
use crate::secrets::{decode, hashed};
use crate::store::Store;

pub use guard::{GuardError, Request, Sender};

/// The relay keeps a push for this long. No prompt lasts longer.
const TTL: Duration = Duration::from_secs(300);
/// Every push has this many bytes before encryption, so that the size of a push does not show what it asks.
const PADDED: usize = 2_700;
/// The longest topic, in characters (RFC 8030 section 5.4).
const TOPIC: usize = 32;

/// A push to send.
pub struct Push {
    /// The receiving device.
    pub device_id: String,
    /// The device's subscription.
    pub subscription: Subscription,
    /// The signed message.
    pub jws: String,
    /// Whether the push service may wake the phone.
    pub urgency: Urgency,
    /// The name of the prompt for the push service (RFC 8030 section 5.4): a withdrawal replaces its prompt if the prompt
    /// still waits there. `None` for a test.
    pub topic: Option<String>,
}

/// How urgent a push is (RFC 8030 section 5.3).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Urgency {
    /// The person waits for it: a prompt, or a test.
    High,
    /// Nobody waits for it: a withdrawal.
    Low,
}

impl Urgency {
    fn word(self) -> &'static str {
        match self {
            Self::High => "high",
            Self::Low => "low",
        }
    }
}

/// Returns the topic of a prompt: 32 characters, from which nobody can find out the `jti`.
#[must_use]
pub fn topic(jti: &str) -> String {
    hashed(format!("push topic {jti}").as_bytes()).chars().take(TOPIC).collect()
}

/// Sends pushes in the background.
#[derive(Clone)]
pub struct Pusher {
    sender: Arc<Sender>,
    contact: Arc<str>,
    keys: Arc<Keys>,
    store: Store,
}

impl Pusher {
    /// Creates a pusher. `contact` is the VAPID subject (RFC 8292 section 2.1).
    #[must_use]
    pub fn new(sender: Sender, contact: &str, keys: Arc<Keys>, store: Store) -> Self {
        Self { sender: Arc::new(sender), contact: contact.into(), keys, store }
    }

    /// Sends each push in its own task. Does not wait for the tasks.
    pub fn send_all(&self, pushes: Vec<Push>) {
        for push in pushes {
            let pusher = self.clone();
            tokio::spawn(async move { pusher.send(push).await });
        }
    }

    async fn send(&self, push: Push) {
        let Some(request) = self.request(&push) else {
            tracing::warn!("could not build a push");
            return;
        };
        match self.sender.send(request).await {
            Ok(404 | 410) => self.end_subscription(push.device_id, push.subscription.endpoint).await,
            Ok(status) if (200..300).contains(&status) => tracing::debug!("the relay accepted a push"),
            Ok(status) => tracing::warn!(status, "the relay refused a push"),
            Err(error) => tracing::warn!(%error, "could not send a push"),
        }
    }

    fn request(&self, push: &Push) -> Option<Request> {
        let point = p256::PublicKey::from_sec1_bytes(&decode(&push.subscription.p256dh)?).ok()?;
        let auth = decode(&push.subscription.auth).filter(|auth| auth.len() == 16)?;
        if push.jws.len() > PADDED {
            return None;
        }
        let padded = format!("{:<PADDED$}", push.jws);
        let endpoint = &push.subscription.endpoint;
        let mut request = WebPushBuilder::new(endpoint.parse().ok()?, point, Auth::clone_from_slice(&auth))
            .with_valid_duration(TTL)
            .build(padded)
            .ok()?;
        request.headers_mut().insert(AUTHORIZATION, self.vapid(endpoint)?);
        request.headers_mut().insert("urgency", HeaderValue::from_static(push.urgency.word()));
        if let Some(topic) = &push.topic {
            request.headers_mut().insert("topic", HeaderValue::from_str(topic).ok()?);
        }
        Some(request)
    }

    /// Builds the VAPID header (RFC 8292 section 2). The header that the push library builds omits the network port in
    /// `aud`.
    fn vapid(&self, endpoint: &str) -> Option<HeaderValue> {
        let key = ES256KeyPair::from_bytes(self.keys.vapid_scalar()).ok()?;
        let origin = url::Url::parse(endpoint).ok()?.origin().ascii_serialization();
        let claims = Claims::create(TTL.into()).with_audience(origin).with_subject(&*self.contact);
        let token = key.sign(claims).ok()?;
        HeaderValue::from_str(&format!("vapid t={token}, k={}", self.keys.vapid_point())).ok()
    }

    async fn end_subscription(&self, device_id: String, endpoint: String) {
        if let Err(error) = self.store.global(move |tx| end_subscription(tx, &device_id, &endpoint)).await {
            tracing::warn!(%error, "could not store that a subscription has ended");
        }
    }
}
