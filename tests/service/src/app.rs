//! The shared state of the running service, passed to the HTTP handlers.

use std::ops::Deref;
use std::sync::Arc;

use ring::hmac;

use crate::clock::Clock;
use crate::config::Config;
use crate::effects::{end_pending, rotate_keys};
use crate::error::AppError;
use crate::keys::{self, Keys};
use crate::once::Once;
use crate::passwords::Decoy;
use crate::people::records as people;
use crate::policy::records as policies;
use crate::push::{Pusher, Sender};
use crate::secrets::{Sealer, random};
use crate::store::{Store, StoreError};
use crate::{data, tls};

/// Time between two rounds of [`App::run_maintenance`].
const SWEEP: std::time::Duration = std::time::Duration::from_secs(60);

/// The shared state of the service. Clones share the same [`Parts`].
#[derive(Clone)]
pub struct App(Arc<Parts>);

/// The contents of [`App`].
pub struct Parts {
    /// The operator's configuration.
    pub config: Config,
    /// The clock.
    pub clock: Arc<dyn Clock>,
    /// The database.
    pub store: Store,
    /// Encrypts values that must not be readable in the database.
    pub sealer: Sealer,
    /// The service's own keys.
    pub keys: Arc<Keys>,
    /// Sends pushes.
    pub push: Pusher,
    /// The key that binds forms to cookies.
    pub csrf: hmac::Key,
    /// The key for hashing typed user names, because the names themselves must not be stored.
    pub names: hmac::Key,
    /// The hash that passwords for unknown user names are compared with.
    pub decoy: Decoy,
    /// The responses to recent forms, so that a form that is sent twice is processed once.
    pub once: Once,
}

impl Deref for App {
    type Target = Parts;

    fn deref(&self) -> &Parts {
        &self.0
    }
}

impl App {
    /// Opens the data folder, and creates missing keys and tables in it. Without a configured folder, creates a store
    /// in memory. Blocks.
    pub fn open(config: Config, clock: Arc<dyn Clock>) -> Result<Self, AppError> {
        tls::install_provider();
        let (store, data_key) = match &config.data {
            Some(folder) => (data::open(folder)?, data::key(folder)?),
            None => (Store::memory(), random()?),
        };
        let sealer = Sealer::new(&data_key)?;
        let now = clock.now();
        let keys = Arc::new(store.global_blocking(|tx| Keys::load(tx, &sealer, &config.issuer, now))?);
        if !keys.are_for_issuer(&config.issuer) {
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

    /// Once a minute, rotates the keys if a rotation is due, ends what a changed policy forbids, and deletes expired
    /// records. Runs until the task is aborted.
    pub async fn run_maintenance(self) {
        loop {
            if let Err(error) = self.rotate_due_keys().await {
                tracing::warn!(%error, "could not rotate the keys");
            }
            tokio::time::sleep(SWEEP).await;
            if let Err(error) = self.end_pending().await {
                tracing::warn!(%error, "could not end what the changed policy forbids");
            }
            let now = self.clock.now();
            if let Err(error) = self.store.global(move |tx| tx.sweep(now)).await {
                tracing::warn!(%error, "could not delete expired records");
            }
        }
    }

    /// Performs the action of the key rotation that is due now, if there is one: publishes a new key or drops the old
    /// key. Then loads the stored keys, which another process may have changed.
    pub async fn rotate_due_keys(&self) -> Result<(), StoreError> {
        let (app, now) = (self.clone(), self.clock.now());
        let stored = self.store.global(move |tx| {
            if let Some(proof) = rotate_keys::when_due(tx, now)? {
                rotate_keys::act(tx, proof, &app.sealer, now)?;
            }
            keys::stored(tx)
        });
        self.keys.reload(&stored.await?, &self.sealer)
    }

    /// After a change of the policy, ends what the policy no longer allows. Each account has its own transaction, so that
    /// no request waits for all accounts. If an account fails or the process is killed, the next round starts again.
    pub async fn end_pending(&self) -> Result<(), StoreError> {
        let Some(change) = self.store.global(policies::unchecked).await? else {
            return Ok(());
        };
        let mut first_failure = Ok(());
        for person in self.store.global(people::everybody).await? {
            let (account, now) = (person.account_id, self.clock.now());
            let in_account = account.clone();
            // A failure in one account must not protect the grants of the others.
            let ended = self.store.in_account(&in_account, move |tx| end_pending::act(tx, &account, now)).await;
            first_failure = first_failure.and(ended);
        }
        first_failure?;
        self.store.global(move |tx| policies::pending_are_checked(tx, &change)).await
    }
}

/// Derives the key for the purpose that `label` names. Every process on the same data folder derives the same key.
fn derived(data_key: &[u8; 32], label: &str) -> hmac::Key {
    let master = hmac::Key::new(hmac::HMAC_SHA256, data_key);
    hmac::Key::new(hmac::HMAC_SHA256, hmac::sign(&master, label.as_bytes()).as_ref())
}
