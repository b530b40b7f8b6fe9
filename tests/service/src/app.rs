//! The service as a whole: what every room works with.

use std::ops::Deref;
use std::sync::Arc;

use ring::hmac;

use crate::clock::Clock;
use crate::config::Config;
use crate::error::AppError;
use crate::keys::Keys;
use crate::once::Once;
use crate::passwords::Decoy;
use crate::push::{Pusher, Sender};
use crate::secrets::{Sealer, random};
use crate::store::{Store, StoreError};
use crate::{data, tls};

/// How often what has run out is forgotten.
const SWEEP: std::time::Duration = std::time::Duration::from_secs(60);

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
    pub keys: Arc<Keys>,
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
            Some(folder) => (data::open(folder)?, data::key(folder)?),
            None => (Store::memory(), random()?),
        };
        let sealer = Sealer::new(&data_key)?;
        let now = clock.now();
        let keys = Arc::new(store.run_blocking(|tx| Keys::load(tx, &sealer, &config.issuer, now))?);
        if !keys.are_of(&config.issuer) {
            return Err(AppError::OtherIssuer);
        }
        let (public, private) = tls::client_configs(&config.relay_authorities)?;
        let sender = Sender::new(config.private_relays.clone(), public, private)
            .map_err(|error| AppError::Tls(error.to_string()))?;
        Ok(Self(Arc::new(Parts {
            push: Pusher::new(sender, &config.issuer, Arc::clone(&keys), store.clone()),
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
}

/// A key of its own for each use, the same in every process on this data folder.
fn derived(data_key: &[u8; 32], label: &str) -> hmac::Key {
    let master = hmac::Key::new(hmac::HMAC_SHA256, data_key);
    hmac::Key::new(hmac::HMAC_SHA256, hmac::sign(&master, label.as_bytes()).as_ref())
}
