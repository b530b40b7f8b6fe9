//! Web Push out: encrypted and signed by a library that shares no code with the phone, sent through a
//! guard against addresses inside. A push that fails costs nothing but time: the phone can fetch.

mod guard;

use std::sync::Arc;
use std::time::Duration;

use axum::http::HeaderValue;
use axum::http::header::AUTHORIZATION;
use web_push_native::jwt_simple::algorithms::{ECDSAP256KeyPairLike, ES256KeyPair};
use web_push_native::jwt_simple::claims::Claims;
use web_push_native::{Auth, WebPushBuilder, p256};

use crate::app::App;
use crate::devices::records::{Device, Subscription};
use crate::secrets::decode;

pub use guard::{GuardError, Sender};

/// A prompt lives no longer, so its push need not either.
const TTL: Duration = Duration::from_secs(300);
/// Every push has this many bytes before encryption, so that its size tells nothing.
const PADDED: usize = 2_700;

/// A push to be sent.
pub struct Push {
    /// To whom.
    pub device_id: String,
    /// Where.
    pub subscription: Subscription,
    /// What.
    pub jws: String,
}

/// Sends pushes in the background.
#[derive(Clone)]
pub struct Pusher {
    sender: Arc<Sender>,
    contact: Arc<str>,
}

impl Pusher {
    /// With a guarded sender; `contact` is the VAPID subject (RFC 8292 section 2.1).
    #[must_use]
    pub fn new(sender: Sender, contact: &str) -> Self {
        Self { sender: Arc::new(sender), contact: contact.into() }
    }

    /// Sends each push on a task of its own; nobody waits for them.
    pub fn send_all(&self, app: &App, pushes: Vec<Push>) {
        for push in pushes {
            let (pusher, app) = (self.clone(), app.clone());
            tokio::spawn(async move { pusher.send(&app, push).await });
        }
    }

    async fn send(&self, app: &App, push: Push) {
        let Some(request) = self.request(app, &push) else {
            tracing::warn!("a push could not be encrypted");
            return;
        };
        match self.sender.send(request).await {
            Ok(404 | 410) => end_subscription(app, push.device_id, push.subscription.endpoint).await,
            Ok(status) if (200..300).contains(&status) => tracing::debug!("a push was handed over"),
            Ok(status) => tracing::warn!(status, "a push was not taken"),
            Err(error) => tracing::warn!(%error, "a push was not sent"),
        }
    }

    fn request(&self, app: &App, push: &Push) -> Option<http_request::Request> {
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
        request.headers_mut().insert(AUTHORIZATION, self.vapid(app, endpoint)?);
        Some(request)
    }

    /// The VAPID header (RFC 8292 section 2); the library's own leaves the port out of the audience.
    fn vapid(&self, app: &App, endpoint: &str) -> Option<HeaderValue> {
        let key = ES256KeyPair::from_bytes(app.keys.vapid_scalar()).ok()?;
        let origin = url::Url::parse(endpoint).ok()?.origin().ascii_serialization();
        let claims = Claims::create(TTL.into()).with_audience(origin).with_subject(&*self.contact);
        let token = key.sign(claims).ok()?;
        HeaderValue::from_str(&format!("vapid t={token}, k={}", app.keys.vapid_point())).ok()
    }
}

/// The request type that the push library hands over.
pub mod http_request {
    /// An HTTP request with its whole body.
    pub type Request = axum::http::Request<Vec<u8>>;
}

/// The push service says that this address is no more; the phone is told at its next contact.
async fn end_subscription(app: &App, device_id: String, endpoint: String) {
    let ended = app
        .store
        .run(move |tx| match tx.get::<Device>(&device_id)? {
            Some(mut device) if device.push.as_ref().is_some_and(|push| push.endpoint == endpoint) => {
                device.push_ended = true;
                tx.put(&device)
            }
            _ => Ok(()),
        })
        .await;
    if let Err(error) = ended {
        tracing::warn!(%error, "an ended subscription could not be noted");
    }
}
