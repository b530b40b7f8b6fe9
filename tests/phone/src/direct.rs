//! Receives pushes without FCM or APNs, from a stream of the relay's `direct` back end.
//!
//! Passes the slot and the encrypted message on unchanged. This module does not decrypt the message.

use std::sync::{Arc, mpsc as blocking};
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use countersign::{PlatformError, PushChannel, PushDelivery, Secret};
use rustls::ClientConfig;
use serde::Deserialize;
use serde_json::json;
use tokio::sync::{mpsc, watch};

use crate::error::PhoneError;

const SECRET_LEN: usize = 32;
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
const SUBSCRIBE_TIMEOUT: Duration = Duration::from_secs(20);
/// The relay sends at least one line every 10 seconds. Without a line for this time, the connection counts as lost.
const READ_TIMEOUT: Duration = Duration::from_secs(15);
/// A line contains an encrypted push, which is at most 4,096 bytes or 5,462 characters of base64url, and a little JSON.
const MAX_LINE: usize = 8_192;
const FIRST_PAUSE: Duration = Duration::from_millis(250);
const LONGEST_PAUSE: Duration = Duration::from_secs(30);
const WAITING: usize = 32;

/// A push: the slot of its account, and the encrypted message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Message {
    /// The phone's random name for the account at the relay, 16 bytes.
    pub slot: Vec<u8>,
    /// The encrypted message (RFC 8291), as `Authenticator::push_received` takes it.
    pub body: Vec<u8>,
}

/// The connection of one phone to the relay.
pub struct DirectChannel {
    relay: String,
    secret: Secret<[u8; SECRET_LEN]>,
    client: reqwest::Client,
    /// How often a lost connection was opened again.
    reconnections: watch::Sender<u64>,
}

#[derive(Deserialize)]
struct Subscribed {
    endpoint: String,
}

#[derive(Deserialize)]
struct Line {
    slot: String,
    message: String,
}

impl DirectChannel {
    /// Makes a channel to the relay. `secret` authorizes the phone to fetch its messages.
    ///
    /// # Errors
    /// `Certificates` when the HTTP client can't be made.
    pub fn new(relay: &str, secret: Secret<[u8; SECRET_LEN]>, tls: ClientConfig) -> Result<Self, PhoneError> {
        let client = reqwest::Client::builder()
            .tls_backend_preconfigured(tls)
            .https_only(true)
            .redirect(reqwest::redirect::Policy::none())
            .connect_timeout(CONNECT_TIMEOUT)
            .build()
            .map_err(|_configuration| PhoneError::Certificates)?;
        let (relay, reconnections) = (relay.trim_end_matches('/').to_owned(), watch::Sender::new(0));
        Ok(Self { relay, secret, client, reconnections })
    }

    /// Returns a receiver that changes each time a lost connection was opened again. Fetch the prompts then: pushes that
    /// the relay sent into the lost connection do not come again.
    #[must_use]
    pub fn reconnections(&self) -> watch::Receiver<u64> {
        self.reconnections.subscribe()
    }

    fn bearer(&self) -> String {
        // EXPOSE: sent to the relay, which identifies the phone by this secret.
        URL_SAFE_NO_PAD.encode(self.secret.expose())
    }

    /// Starts a task that receives messages until the returned receiver is dropped. The task reconnects when the
    /// connection is lost.
    ///
    /// Must be called inside a tokio runtime.
    #[must_use]
    pub fn messages(self: &Arc<Self>) -> mpsc::Receiver<Message> {
        let (sender, receiver) = mpsc::channel(WAITING);
        let channel = Arc::clone(self);
        tokio::spawn(async move {
            let (mut pause, mut has_heard) = (FIRST_PAUSE, false);
            while !sender.is_closed() {
                let heard = tokio::select! {
                    heard = channel.stream(&sender, has_heard) => heard,
                    () = sender.closed() => return,
                };
                has_heard = has_heard || heard;
                pause = if heard { FIRST_PAUSE } else { pause.saturating_mul(2).min(LONGEST_PAUSE) };
                tokio::select! {
                    () = tokio::time::sleep(pause) => {}
                    () = sender.closed() => return,
                }
            }
        });
        receiver
    }

    /// Reads one stream to its end; returns true when the stream was opened. `again`: an earlier stream was lost.
    async fn stream(&self, sender: &mpsc::Sender<Message>, again: bool) -> bool {
        let request = self.client.get(format!("{}/stream", self.relay)).bearer_auth(self.bearer());
        let Ok(Ok(mut response)) = tokio::time::timeout(READ_TIMEOUT, request.send()).await else {
            return false;
        };
        if !response.status().is_success() {
            return false;
        }
        if again {
            self.reconnections.send_modify(|count| *count = count.wrapping_add(1));
        }
        let mut waiting = Vec::new();
        while let Ok(Ok(Some(chunk))) = tokio::time::timeout(READ_TIMEOUT, response.chunk()).await {
            waiting.extend_from_slice(&chunk);
            while let Some(end) = waiting.iter().position(|byte| *byte == b'\n') {
                let line: Vec<u8> = waiting.drain(..=end).collect();
                if let Some(pushed) = read(&line)
                    && sender.send(pushed).await.is_err()
                {
                    return true;
                }
            }
            if waiting.len() > MAX_LINE {
                break;
            }
        }
        true
    }

    async fn ask_for_endpoint(
        client: reqwest::Client,
        address: String,
        bearer: String,
        body: String,
    ) -> Result<String, PlatformError> {
        let sent = client
            .post(address)
            .bearer_auth(bearer)
            .header("content-type", "application/json")
            .timeout(SUBSCRIBE_TIMEOUT)
            .body(body)
            .send()
            .await
            .map_err(|_unreachable| PlatformError::Transient)?;
        if sent.status().as_u16() != 201 {
            return Err(PlatformError::Transient);
        }
        let subscribed: Subscribed = sent.json().await.map_err(|_malformed| PlatformError::Transient)?;
        Ok(subscribed.endpoint)
    }
}

/// Reads a line with a push. Returns `None` for a malformed line, and for an empty line, which only shows that the
/// relay is alive.
#[must_use]
pub fn read(line: &[u8]) -> Option<Message> {
    // serde would also accept a JSON array of the members' values.
    if !line.trim_ascii_start().starts_with(b"{") {
        return None;
    }
    let line: Line = serde_json::from_slice(line).ok()?;
    let (slot, body) = (URL_SAFE_NO_PAD.decode(line.slot).ok()?, URL_SAFE_NO_PAD.decode(line.message).ok()?);
    Some(Message { slot, body })
}

impl PushChannel for DirectChannel {
    /// Sends the HTTP request, and blocks until the relay has replied. The request runs on a new thread with its own
    /// runtime, because the caller may be inside a tokio runtime, where `block_on` panics.
    fn subscribe(&self, vapid_key: Vec<u8>, slot: Vec<u8>) -> Result<String, PlatformError> {
        let body =
            json!({ "vapid_key": URL_SAFE_NO_PAD.encode(vapid_key), "slot": URL_SAFE_NO_PAD.encode(slot) }).to_string();
        let asking =
            Self::ask_for_endpoint(self.client.clone(), format!("{}/subscriptions", self.relay), self.bearer(), body);
        let (sender, receiver) = blocking::channel();
        std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
            let answer =
                runtime.map_err(|_threads| PlatformError::Transient).and_then(|runtime| runtime.block_on(asking));
            // `send` fails only when the caller has stopped waiting.
            let _late = sender.send(answer);
        });
        receiver.recv().map_err(|_thread_ended| PlatformError::Transient)?
    }

    /// Always `Allowed`: no system setting can block the relay's stream.
    fn delivery(&self) -> Result<PushDelivery, PlatformError> {
        Ok(PushDelivery::Allowed)
    }
}
