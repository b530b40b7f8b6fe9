//! The service as a whole: what every room works with, and the map of addresses.

use std::ops::Deref;
use std::sync::Arc;

use axum::Router;
use axum::extract::{DefaultBodyLimit, State};
use axum::http::{HeaderName, HeaderValue, StatusCode, header};
use axum::middleware::map_response;
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use ring::hmac;
use tower_http::set_header::SetResponseHeaderLayer;

use crate::clock::Clock;
use crate::config::Config;
use crate::keys::Keys;
use crate::people::Decoy;
use crate::problem::Problem;
use crate::push::{Pusher, Sender};
use crate::secrets::{Sealer, SecretError, random};
use crate::store::{Store, StoreError};
use crate::{
    admin, data, devices as devices_room, enrollment, openid, operator, pages, phone_sign_in, policy, prompts,
    security_info, sign_in, tls,
};

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
            config,
            clock,
            store,
            sealer,
            keys,
        })))
    }

    /// Every address of the service.
    pub fn router(&self) -> Router {
        let phone = Router::new()
            .route("/look-up", post(enrollment::routes::look_up))
            .route("/enrollment", post(enrollment::routes::bind))
            .route("/prompts", post(prompts::routes::prompts))
            .route("/answers", post(prompts::routes::answers))
            .route("/device", post(devices_room::routes::device))
            .route("/keys", get(devices_room::routes::key_chain))
            .layer(map_response(told_as_problem));
        let wizard = Router::new()
            .route("/", get(security_info::wizard::add).post(security_info::wizard::take_add))
            .route("/start", post(security_info::wizard::start))
            .route("/code", get(security_info::wizard::code))
            .route("/typed", post(security_info::wizard::typed))
            .route("/digits", post(security_info::wizard::digits))
            .route("/not-my-phone", post(security_info::wizard::not_my_phone))
            .route("/again", post(security_info::wizard::confirm_again))
            .route("/finish", post(security_info::wizard::finish))
            .route("/skip", post(security_info::wizard::skip))
            .route("/cancel", post(security_info::wizard::cancel))
            .route("/events", get(security_info::wizard::add_events));
        Router::new()
            .route("/", get(sign_in::routes::home))
            .route("/static/page.css", get(pages::style))
            .route("/static/page.js", get(pages::script))
            .route("/sign-in", get(sign_in::routes::user_name).post(sign_in::routes::take_user_name))
            .route("/sign-in/password", get(sign_in::password::password).post(sign_in::password::take_password))
            .route("/sign-in/pass", get(sign_in::password::pass).post(sign_in::password::take_pass))
            .route("/new-password", get(sign_in::password::new_password).post(sign_in::password::take_new_password))
            .route("/sign-in/number", get(sign_in::number::number))
            .route("/sign-in/events", get(sign_in::number::number_events))
            .route("/sign-in/again", post(sign_in::number::again))
            .route("/sign-in/cancel", post(sign_in::number::cancel))
            .route("/sign-in/finish", post(sign_in::number::finish))
            .route("/sign-in/phone", post(sign_in::phone::instead))
            .route("/sign-in/continue", get(sign_in::number::name_account).post(sign_in::number::go_on))
            .route("/register-phone", get(sign_in::register::consent).post(sign_in::register::agree))
            .route("/register-phone/cancel", post(sign_in::register::refuse))
            .route("/register-phone/not-offered", post(sign_in::register::tell_not_offered))
            .route(
                "/more-information",
                get(sign_in::routes::more_information).post(sign_in::routes::take_more_information),
            )
            .route("/sign-out", post(sign_in::routes::sign_out))
            .route("/security-info", get(security_info::routes::security_info))
            .route("/security-info/continue", post(security_info::routes::go_on))
            .route("/security-info/remove", post(security_info::step_up::remove))
            .route("/security-info/lost", post(security_info::step_up::report_lost))
            .route("/security-info/pass", post(security_info::step_up::make_pass))
            .route("/security-info/step-up", get(security_info::step_up::number))
            .route("/security-info/step-up/cancel", post(security_info::step_up::cancel))
            .route("/security-info/step-up/finish", post(security_info::step_up::finish))
            .route("/security-info/step-up/events", get(security_info::step_up::step_up_events))
            .nest("/security-info/add", wizard)
            .nest("/phone", phone)
            .route("/admin", get(admin::routes::people_page))
            .route("/admin/people", post(admin::routes::add_person))
            .route("/admin/person", get(admin::routes::person_page).post(admin::routes::change_person))
            .route("/admin/groups", get(admin::routes::groups_page).post(admin::routes::add_group))
            .route("/admin/policy", get(admin::routes::policy_page).post(admin::routes::change_policy))
            .route("/api/policy", get(policy::routes::policy).patch(policy::routes::change_policy))
            .route("/api/people/{user_name}/policy", get(policy::routes::persons_policy))
            .route("/.well-known/openid-configuration", get(openid::routes::discovery))
            .route("/authorize", get(openid::routes::authorize))
            .route("/par", post(phone_sign_in::routes::push))
            .route("/token", post(openid::routes::token))
            .route("/jwks", get(openid::routes::jwks))
            .route("/userinfo", get(openid::routes::user_info).post(openid::routes::user_info))
            .fallback(not_found)
            .layer(DefaultBodyLimit::max(MAX_BODY))
            .layer(always(header::CACHE_CONTROL, "no-store"))
            .layer(always(header::X_CONTENT_TYPE_OPTIONS, "nosniff"))
            .layer(always(header::STRICT_TRANSPORT_SECURITY, "max-age=31536000"))
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

/// A header on every answer that has none of its kind, redirects and problems included.
fn always(name: HeaderName, value: &'static str) -> SetResponseHeaderLayer<HeaderValue> {
    SetResponseHeaderLayer::if_not_present(name, HeaderValue::from_static(value))
}

/// The framework's own refusal of a large body, in the form that phones read.
async fn told_as_problem(response: Response) -> Response {
    if response.status() == StatusCode::PAYLOAD_TOO_LARGE { Problem::TooLarge.into_response() } else { response }
}

async fn not_found(State(app): State<App>) -> Response {
    pages::not_found(&app)
}
