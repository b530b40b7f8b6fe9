//! The service as a whole: what every room works with.

use std::ops::Deref;
use std::sync::Arc;

use axum::Router;
use axum::extract::{DefaultBodyLimit, State};
use axum::middleware::map_response;
use axum::response::Response;
use ring::hmac;

use crate::clock::Clock;
use crate::config::Config;
use crate::keys::Keys;
use crate::once::Once;
use crate::people::Decoy;
use crate::push::{Pusher, Sender};
use crate::secrets::{Sealer, SecretError, random};
use crate::store::{Store, StoreError};
use crate::{addresses, data, headers, operator, pages, tls};

/// A phone's message is at most this long.
const MAX_BODY: usize = 16 * 1024;
/// How often what has run out is forgotten.
const SWEEP: std::time::Duration = std::time::Duration::from_secs(60);

/// Why the service can't start, or an operator's act failed.
#[derive(Debug, thiserror::Error)]
pub enum AppError {
    /// The database.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// Secrets.
    #[error(transparent)]
    Secret(#[from] SecretError),
    /// Files.
    #[error("the data folder: {0}")]
    Data(#[from] std::io::Error),
    /// TLS.
    #[error("TLS: {0}")]
    Tls(String),
    /// The data folder was made for another issuer, which phones have pinned.
    #[error("the data folder belongs to another issuer; start with that one, or with an empty folder")]
    OtherIssuer,
    /// A user name or a password is empty.
    #[error("a person needs a user name and a password")]
    Empty,
    /// The user name is taken.
    #[error("there is already somebody with that user name")]
    NameTaken,
    /// Nobody has that user name.
    #[error("nobody has that user name")]
    NobodyThere,
}

/// The service; cheap to clone.
#[derive(Clone)]
pub struct App(Arc<Parts>);

/// What every room works with.
pub struct Parts {
    /// The operator's decisions.
    pub config: Config,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// The database.
    pub store: Store,
    /// Seals what the database must not show.
    pub sealer: Sealer,
    /// The service's own keys.
    pub keys: Keys,
    /// Sends pushes.
    pub push: Pusher,
    /// Binds forms to cookies.
    pub csrf: hmac::Key,
    /// Names what somebody typed, without keeping it.
    pub names: hmac::Key,
    /// What passwords of unknown names are compared with.
    pub decoy: Decoy,
    /// The forms of the last seconds.
    pub once: Once,
}

impl Deref for App {
    type Target = Parts;

    fn deref(&self) -> &Parts {
        &self.0
    }
}

impl App {
    /// Opens the data folder, or memory, and makes what is not there yet. Blocks.
    pub fn open(config: Config, clock: Arc<dyn Clock>) -> Result<Self, AppError> {
        tls::install_provider();
        let (store, data_key) = match &config.data {
            Some(folder) => (operator::open(folder)?, data::key(folder)?),
            None => (Store::memory(), random()?),
        };
        let sealer = Sealer::new(&data_key)?;
        let now = clock.now();
        let keys = store.run_blocking(|tx| Keys::load(tx, &sealer, &config.issuer, now))?;
        if !keys.are_of(&config.issuer) {
            return Err(AppError::OtherIssuer);
        }
        let (public, private) = tls::client_configs(&config.relay_authorities)?;
        let sender = Sender::new(config.private_relays.clone(), public, private)
            .map_err(|error| AppError::Tls(error.to_string()))?;
        Ok(Self(Arc::new(Parts {
            push: Pusher::new(sender, &config.issuer),
            csrf: derived(&data_key, "forms"),
            names: derived(&data_key, "names"),
            decoy: Decoy::new()?,
            once: Once::default(),
            config,
            clock,
            store,
            sealer,
            keys,
        })))
    }

    /// Every address of the service.
    pub fn router(&self) -> Router {
        addresses::all()
            .router()
            .fallback(not_found)
            .layer(DefaultBodyLimit::max(MAX_BODY))
            .layer(map_response(headers::everywhere))
            .with_state(self.clone())
    }

    /// Forgets what has run out and turns the keys, again and again, until the task is dropped.
    pub async fn keep_clean(self) {
        loop {
            if let Err(error) = self.turn_keys().await {
                tracing::warn!(%error, "the keys could not be looked after");
            }
            tokio::time::sleep(SWEEP).await;
            let now = self.clock.now();
            if let Err(error) = self.store.run(move |tx| tx.sweep(now)).await {
                tracing::warn!(%error, "what has run out could not be forgotten");
            }
        }
    }

    /// Publishes a new key when the old one's time has come, and takes over what another process published.
    pub async fn turn_keys(&self) -> Result<(), StoreError> {
        let app = self.clone();
        let turned =
            tokio::task::spawn_blocking(move || app.keys.keep_turning(&app.store, &app.sealer, app.clock.now()));
        turned.await.map_err(|_stopped| StoreError::Stopped)?
    }

    /// Adds a person. Blocks for the hashing.
    pub fn add_person(&self, user_name: &str, display_name: &str, password: &str) -> Result<(), AppError> {
        operator::add_person(&self.store, user_name, display_name, password, self.clock.now())
    }

    /// Removes every phone of a person and ends their sessions.
    pub fn reset_methods(&self, user_name: &str) -> Result<usize, AppError> {
        operator::reset_methods(&self.store, user_name, self.clock.now())
    }
}

/// A key of its own for each use, the same in every process on this data folder.
fn derived(data_key: &[u8; 32], label: &str) -> hmac::Key {
    let master = hmac::Key::new(hmac::HMAC_SHA256, data_key);
    hmac::Key::new(hmac::HMAC_SHA256, hmac::sign(&master, label.as_bytes()).as_ref())
}

async fn not_found(State(app): State<App>) -> Response {
    pages::not_found(&app)
}
