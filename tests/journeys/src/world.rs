//! Runs the real service and the real relay over TLS on loopback, with a clock that tests can advance.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use axum::{Router, middleware};
use countersign_relay::{Config as RelayConfig, Relay, Tls};
use countersign_service::addresses;
use countersign_service::app::App;
use countersign_service::clock::SystemClock;
use countersign_service::config::Limit;
use countersign_service::config::{Client, Config};
use countersign_service::operator;
use countersign_service::serve::{self, Running};
use countersign_service::store::Table;
use countersign_service::tls::{Authority, Identity};
use tempfile::TempDir;

use crate::cuts::{self, Cuts};
use crate::people::{PASSWORD, USER};
use crate::person::Person;
use crate::phone::TestPhone;
use crate::trouble::Trouble;

/// The link that opens the app on a phone. No server listens there.
pub const APP_LINK: &str = "https://127.0.0.1:1/open";
/// The client id of the application that people sign in to.
pub const CLIENT: &str = "payroll";
/// The application's client secret.
pub const CLIENT_SECRET: &str = "payroll-secret-of-this-run";

/// A second host name of the service, next to `localhost`. In the tests, an attacker owns a different host name under
/// `example.test`. Only the browser that
/// [`Browser::start_with_names`](crate::browser::Browser::start_with_names) opens can resolve these two names.
pub const OTHER_NAME: &str = "id.example.test";

/// A running service and a running relay.
pub struct World {
    /// The service.
    pub app: App,
    /// The service's clock.
    pub clock: Arc<SystemClock>,
    /// The network cuts between the service and its clients: phones, browsers and applications.
    pub cuts: Cuts,
    /// The relay. `None` while the relay is stopped.
    pub relay: Option<Relay>,
    /// The private certificate authority, which signs every TLS certificate.
    pub authority: Authority,
    identity: Identity,
    address: SocketAddr,
    relay_address: SocketAddr,
    folder: TempDir,
    service: Option<Running>,
}

fn loopback() -> SocketAddr {
    SocketAddr::from(([127, 0, 0, 1], 0))
}

impl World {
    /// Starts service and relay, with Ada's account.
    ///
    /// # Errors
    /// When a socket or a file can't be opened.
    pub async fn start() -> Result<Self, Trouble> {
        Self::start_with(None).await
    }

    /// Starts service and relay, with Ada's account. `redirect` is the application's redirect URI.
    ///
    /// # Errors
    /// When a socket or a file can't be opened.
    pub async fn start_with(redirect: Option<String>) -> Result<Self, Trouble> {
        let world = Self::start_empty(redirect).await?;
        world.add_person(USER, PASSWORD)?;
        Ok(world)
    }

    /// Starts service and relay, without accounts. `redirect` is the application's redirect URI.
    ///
    /// # Errors
    /// When a socket or a file can't be opened.
    pub async fn start_empty(redirect: Option<String>) -> Result<Self, Trouble> {
        let redirect_uris = vec![redirect.unwrap_or_else(|| "https://127.0.0.1:1/callback".to_owned())];
        Self::start_as(|config| {
            config.clients.iter_mut().for_each(|client| client.redirect_uris = redirect_uris.clone())
        })
        .await
    }

    /// Starts service and relay, without accounts, with a changed configuration. If `change` sets another issuer, the
    /// caller must make the new issuer's URL lead to this service.
    ///
    /// # Errors
    /// When a socket or a file can't be opened.
    pub async fn start_as(change: impl FnOnce(&mut Config)) -> Result<Self, Trouble> {
        Self::start_with_all(change, |router| router).await
    }

    /// Starts service and relay, without accounts. `between` wraps the service's router.
    ///
    /// # Errors
    /// When a socket or a file can't be opened.
    pub async fn start_behind(between: impl FnOnce(Router) -> Router) -> Result<Self, Trouble> {
        Self::start_with_all(|_as_it_is| {}, between).await
    }

    /// Starts service and relay, without accounts, with a changed configuration. `between` wraps the service's router.
    ///
    /// # Errors
    /// When a socket or a file can't be opened.
    pub async fn start_with_all(
        change: impl FnOnce(&mut Config),
        between: impl FnOnce(Router) -> Router,
    ) -> Result<Self, Trouble> {
        let folder = tempfile::tempdir()?;
        let authority = Authority::make("Countersign journeys")?;
        let identity = authority.identity(&["localhost", "127.0.0.1", OTHER_NAME])?;
        let relay = start_relay(&folder, &identity, loopback()).await?;
        let listener = serve::bind(loopback())?;
        let address = listener.local_addr()?;
        let clock = Arc::new(SystemClock::default());
        let mut config = Config {
            issuer: format!("https://localhost:{}", address.port()),
            organization: "Example Ltd".to_owned(),
            data: Some(folder.path().join("service")),
            clients: vec![Client {
                id: CLIENT.to_owned(),
                secret: CLIENT_SECRET.to_owned(),
                name: "Payroll".to_owned(),
                redirect_uris: Vec::new(),
            }],
            phone_redirects: Vec::new(),
            app_link: Some(APP_LINK.to_owned()),
            private_relays: vec![relay.url.clone()],
            relay_authorities: authority.certificate().to_owned(),
            limits: Limit { burst: 10_000, per_second: 1_000 },
        };
        change(&mut config);
        let app = App::open(config, clock.clone())?;
        let cuts = Cuts::default();
        let router = cut(between(addresses::router(&app)), &cuts);
        let service = serve::serve(router, listener, &identity)?;
        let relay_address = relay.address;
        Ok(Self {
            app,
            clock,
            cuts,
            relay: Some(relay),
            authority,
            identity,
            address,
            relay_address,
            folder,
            service: Some(service),
        })
    }

    /// The socket address at which the service listens.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Everything that the service has stored, by table and id, except the rate limit counters.
    ///
    /// # Errors
    /// When the service's database can't be read.
    pub fn stored(&self) -> Result<BTreeMap<(&'static str, String), String>, Trouble> {
        let flags = rusqlite::OpenFlags::SQLITE_OPEN_READ_ONLY;
        let database = rusqlite::Connection::open_with_flags(self.folder().join("service/service.db"), flags)?;
        let mut stored = BTreeMap::new();
        for table in Table::ALL.into_iter().filter(|table| *table != Table::Limits) {
            let mut rows = database.prepare(&format!("SELECT id, body FROM {}", table.name()))?;
            for row in rows.query_map([], |row| Ok((row.get(0)?, row.get(1)?)))? {
                let (id, body) = row?;
                stored.insert((table.name(), id), body);
            }
        }
        Ok(stored)
    }

    /// The folder with the subfolders `service` and `relay`, which contain the data of service and relay.
    #[must_use]
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// Creates the first administrator, as a service without accounts does when it starts. Returns the password.
    ///
    /// # Errors
    /// When the service has an account already.
    pub async fn first_administrator(&self) -> Result<String, Trouble> {
        let (store, now) = (self.app.store.clone(), self.app.clock.now());
        let made = tokio::task::spawn_blocking(move || operator::first_administrator(&store, now)).await??;
        made.ok_or_else(|| "the service has an account already".into())
    }

    /// Adds an account with this user name. Its display name is always Ada Lovelace.
    ///
    /// # Errors
    /// When the user name is taken.
    pub fn add_person(&self, user: &str, password: &str) -> Result<(), Trouble> {
        Ok(operator::add_person(&self.app.store, user, "Ada Lovelace", password, self.app.clock.now())?)
    }

    /// The service's issuer.
    #[must_use]
    pub fn issuer(&self) -> &str {
        &self.app.config.issuer
    }

    /// The relay's URL, also while the relay is stopped.
    #[must_use]
    pub fn relay_url(&self) -> String {
        format!("https://localhost:{}", self.relay_address.port())
    }

    /// The private authority's certificate, as PEM.
    #[must_use]
    pub fn ca(&self) -> &[u8] {
        self.authority.certificate().as_bytes()
    }

    /// A person with a fresh browser that submits forms and runs no scripts.
    ///
    /// # Errors
    /// When no client can be made.
    pub fn person(&self) -> Result<Person, Trouble> {
        Person::new(self.issuer(), self.ca())
    }

    /// A person whose browser connects from the address 127.0.`number`.1. Each number gives a different network.
    ///
    /// # Errors
    /// When no client can be made.
    pub fn person_in_network(&self, number: u8) -> Result<Person, Trouble> {
        Person::in_network(self.issuer(), self.ca(), Some([127, 0, number, 1].into()))
    }

    /// Opens a phone with this name, in its own folder.
    ///
    /// # Errors
    /// When the phone can't be opened.
    pub async fn phone(&self, name: &str) -> Result<TestPhone, Trouble> {
        self.phone_in(self.folder.path().join(name), name).await
    }

    /// Opens a phone in the folder `home`, which may exist already.
    ///
    /// # Errors
    /// When the phone can't be opened.
    pub async fn phone_in(&self, home: PathBuf, name: &str) -> Result<TestPhone, Trouble> {
        TestPhone::open(home, &self.relay_url(), self.ca(), name).await
    }

    /// Stops the relay. Undelivered messages are lost.
    pub async fn stop_relay(&mut self) {
        if let Some(relay) = self.relay.take() {
            relay.stop().await;
        }
    }

    /// Stops the relay and starts it again at the same address.
    ///
    /// # Errors
    /// When the address is in use.
    pub async fn restart_relay(&mut self) -> Result<(), Trouble> {
        self.stop_relay().await;
        self.relay = Some(start_relay(&self.folder, &self.identity, self.relay_address).await?);
        Ok(())
    }

    /// Stops the relay and starts a new relay at the same address. The new relay knows none of the push addresses.
    ///
    /// # Errors
    /// When the address is in use.
    pub async fn replace_relay(&mut self) -> Result<(), Trouble> {
        self.stop_relay().await;
        std::fs::remove_dir_all(self.folder.path().join("relay"))?;
        self.restart_relay().await
    }

    /// Stops the service. Connections to its address are then refused.
    pub async fn stop_service(&mut self) {
        if let Some(service) = self.service.take() {
            service.stop().await;
        }
    }

    /// Starts the service again, with its data and at the same address.
    ///
    /// # Errors
    /// When the address is in use.
    pub fn start_service(&mut self) -> Result<(), Trouble> {
        let listener = serve::bind(self.address)?;
        self.service = Some(serve::serve(cut(addresses::router(&self.app), &self.cuts), listener, &self.identity)?);
        Ok(())
    }

    /// Stops relay and service.
    pub async fn stop(mut self) {
        self.stop_relay().await;
        self.stop_service().await;
    }
}

fn cut(router: Router, cuts: &Cuts) -> Router {
    router.layer(middleware::from_fn_with_state(cuts.clone(), cuts::layer))
}

async fn start_relay(folder: &TempDir, identity: &Identity, listen: SocketAddr) -> Result<Relay, Trouble> {
    let tls = Tls { certificate: identity.certificate.clone(), key: identity.key.clone() };
    let data = folder.path().join("relay");
    Ok(Relay::start(RelayConfig { listen, public_url: None, data, tls: Some(tls) }).await?)
}
