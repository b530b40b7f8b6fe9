//! A service and a relay, real ones, over TLS on loopback, with a clock that tests may move.

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

/// What opens the app on a phone; nobody answers there.
pub const APP_LINK: &str = "https://127.0.0.1:1/open";
/// The application that people sign in to.
pub const CLIENT: &str = "payroll";
/// Its secret.
pub const CLIENT_SECRET: &str = "payroll-secret-of-this-run";

/// Another name of the service, whose siblings may be somebody else's; only a browser that is told so finds it.
pub const OTHER_NAME: &str = "id.example.test";

/// A service and a relay.
pub struct World {
    /// The service.
    pub app: App,
    /// Its clock.
    pub clock: Arc<SystemClock>,
    /// Network cuts between phone or browser and the service.
    pub cuts: Cuts,
    /// The relay, unless it was stopped.
    pub relay: Option<Relay>,
    /// The private authority behind every certificate.
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
    /// Starts both, with Ada.
    ///
    /// # Errors
    /// When a socket or a file can't be had.
    pub async fn start() -> Result<Self, Trouble> {
        Self::start_with(None).await
    }

    /// Starts both, with Ada; an application may be waiting at `redirect`.
    ///
    /// # Errors
    /// When a socket or a file can't be had.
    pub async fn start_with(redirect: Option<String>) -> Result<Self, Trouble> {
        let world = Self::start_empty(redirect).await?;
        world.add_person(USER, PASSWORD)?;
        Ok(world)
    }

    /// Starts both, with nobody; an application may be waiting at `redirect`.
    ///
    /// # Errors
    /// When a socket or a file can't be had.
    pub async fn start_empty(redirect: Option<String>) -> Result<Self, Trouble> {
        let redirect_uris = vec![redirect.unwrap_or_else(|| "https://127.0.0.1:1/callback".to_owned())];
        Self::start_as(|config| {
            config.clients.iter_mut().for_each(|client| client.redirect_uris = redirect_uris.clone())
        })
        .await
    }

    /// Starts both, with nobody, after a change of what an operator decides. Another issuer must lead here by itself.
    ///
    /// # Errors
    /// When a socket or a file can't be had.
    pub async fn start_as(change: impl FnOnce(&mut Config)) -> Result<Self, Trouble> {
        Self::start_with_all(change, |router| router).await
    }

    /// Starts both, with nobody, and something more between the network and the service.
    ///
    /// # Errors
    /// When a socket or a file can't be had.
    pub async fn start_behind(between: impl FnOnce(Router) -> Router) -> Result<Self, Trouble> {
        Self::start_with_all(|_as_it_is| {}, between).await
    }

    /// Starts both, with nobody, after a change of what an operator decides, and something more between the network and
    /// the service.
    ///
    /// # Errors
    /// When a socket or a file can't be had.
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

    /// Where the service itself listens.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Everything that the service has stored, by table and id, but for how often who has asked.
    ///
    /// # Errors
    /// When its database can't be read.
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

    /// Where service and relay keep everything, each in a folder of its name.
    #[must_use]
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// The first administrator's password, as a service that knows nobody prints it.
    ///
    /// # Errors
    /// When it knows somebody.
    pub async fn first_administrator(&self) -> Result<String, Trouble> {
        let (store, now) = (self.app.store.clone(), self.app.clock.now());
        let made = tokio::task::spawn_blocking(move || operator::first_administrator(&store, now)).await??;
        made.ok_or_else(|| "the service knows somebody".into())
    }

    /// Adds somebody.
    ///
    /// # Errors
    /// When the name is taken.
    pub fn add_person(&self, user: &str, password: &str) -> Result<(), Trouble> {
        Ok(operator::add_person(&self.app.store, user, "Ada Lovelace", password, self.app.clock.now())?)
    }

    /// What the service is called.
    #[must_use]
    pub fn issuer(&self) -> &str {
        &self.app.config.issuer
    }

    /// Where the relay is, or was.
    #[must_use]
    pub fn relay_url(&self) -> String {
        format!("https://localhost:{}", self.relay_address.port())
    }

    /// The authority's certificate, PEM.
    #[must_use]
    pub fn ca(&self) -> &[u8] {
        self.authority.certificate().as_bytes()
    }

    /// A person in front of a fresh browser that speaks forms.
    ///
    /// # Errors
    /// When no client can be made.
    pub fn person(&self) -> Result<Person, Trouble> {
        Person::new(self.issuer(), self.ca())
    }

    /// Somebody far away: each number is a network of its own.
    ///
    /// # Errors
    /// When no client can be made.
    pub fn person_in_network(&self, number: u8) -> Result<Person, Trouble> {
        Person::in_network(self.issuer(), self.ca(), Some([127, 0, number, 1].into()))
    }

    /// A fresh phone.
    ///
    /// # Errors
    /// When it can't be opened.
    pub async fn phone(&self, name: &str) -> Result<TestPhone, Trouble> {
        self.phone_in(self.folder.path().join(name), name).await
    }

    /// A phone in a folder that may be there already.
    ///
    /// # Errors
    /// When it can't be opened.
    pub async fn phone_in(&self, home: PathBuf, name: &str) -> Result<TestPhone, Trouble> {
        TestPhone::open(home, &self.relay_url(), self.ca(), name).await
    }

    /// Ends the relay; messages on their way are lost.
    pub async fn stop_relay(&mut self) {
        if let Some(relay) = self.relay.take() {
            relay.stop().await;
        }
    }

    /// Ends the relay and starts it again at the same address.
    ///
    /// # Errors
    /// When the address is taken meanwhile.
    pub async fn restart_relay(&mut self) -> Result<(), Trouble> {
        self.stop_relay().await;
        self.relay = Some(start_relay(&self.folder, &self.identity, self.relay_address).await?);
        Ok(())
    }

    /// Ends the relay and starts another at the same address, which knows none of the push addresses.
    ///
    /// # Errors
    /// When the address is taken meanwhile.
    pub async fn replace_relay(&mut self) -> Result<(), Trouble> {
        self.stop_relay().await;
        std::fs::remove_dir_all(self.folder.path().join("relay"))?;
        self.restart_relay().await
    }

    /// Nobody answers at the service's address any more.
    pub async fn stop_service(&mut self) {
        if let Some(service) = self.service.take() {
            service.stop().await;
        }
    }

    /// The service, as it was, answers again at the same address.
    ///
    /// # Errors
    /// When the address is taken meanwhile.
    pub fn start_service(&mut self) -> Result<(), Trouble> {
        let listener = serve::bind(self.address)?;
        self.service = Some(serve::serve(cut(addresses::router(&self.app), &self.cuts), listener, &self.identity)?);
        Ok(())
    }

    /// Ends everything.
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
