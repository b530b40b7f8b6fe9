//! `countersign-service`: runs the reference sign-in service and does the operator's few acts.

use std::io::{BufRead, IsTerminal, Write};
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;

use clap::{Args, Parser, Subcommand};
use countersign_service::app::App;
use countersign_service::clock::{Clock, HOUR, SystemClock};
use countersign_service::config::{Client, Config, app_link, issuer, return_address};
use countersign_service::error::AppError;
use countersign_service::{addresses, data, operator, serve, tls};
use url::Url;

#[derive(Parser)]
#[command(version, about = "A sign-in service for organizations whose people sign in with their phones")]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Run the service; makes its keys and a private certificate authority when there are none
    Serve(Box<Serve>),
    /// Add a person; asks for the password, or reads it as one line from standard input
    AddPerson {
        /// Where the service keeps everything
        #[arg(long)]
        data: PathBuf,
        /// What the person types to sign in
        user_name: String,
        /// What others see
        #[arg(long)]
        name: Option<String>,
    },
    /// Make somebody an administrator
    Administrator {
        /// Where the service keeps everything
        #[arg(long)]
        data: PathBuf,
        /// Whom
        user_name: String,
        /// Take it back instead
        #[arg(long)]
        no_longer: bool,
    },
    /// Make a token for the policy's API; shown once, good for 90 days
    ApiToken {
        /// Where the service keeps everything
        #[arg(long)]
        data: PathBuf,
        /// Of which administrator
        user_name: String,
    },
    /// Give a person another password, which they must change when they come; asks for it, or reads it as one line
    SetPassword {
        /// Where the service keeps everything
        #[arg(long)]
        data: PathBuf,
        /// Whose
        user_name: String,
    },
    /// Publish a new key towards phones, to be used in 48 hours; each is replaced after 90 days without this
    RotateKeys {
        /// Where the service keeps everything
        #[arg(long)]
        data: PathBuf,
    },
    /// Remove every phone of a person and end their sessions, for a lost phone
    ResetMethods {
        /// Where the service keeps everything
        #[arg(long)]
        data: PathBuf,
        /// Whose
        user_name: String,
    },
}

#[derive(Args)]
struct Serve {
    /// Where the service keeps everything
    #[arg(long)]
    data: PathBuf,
    /// The address people and phones know the service by; it can't be changed later
    #[arg(long, default_value = "https://localhost:8443", value_parser = issuer)]
    issuer: String,
    /// Address to listen on
    #[arg(long, default_value = "127.0.0.1:8443")]
    listen: SocketAddr,
    /// The organization's name, as people know it
    #[arg(long, default_value = "Countersign")]
    organization: String,
    /// Certificate chain in PEM; without it a private authority is made in the data folder
    #[arg(long, requires = "key")]
    certificate: Option<PathBuf>,
    /// Private key of the certificate in PEM
    #[arg(long, requires = "certificate")]
    key: Option<PathBuf>,
    /// A push relay on a private address, by origin, e.g. https://localhost:8444
    #[arg(long)]
    allow_relay: Vec<String>,
    /// Authority to trust for these relays, PEM
    #[arg(long)]
    relay_ca: Vec<PathBuf>,
    /// Where browsers may go back to a phone's app, compared exactly: a claimed https address
    #[arg(long, value_parser = return_address)]
    phone_redirect: Vec<String>,
    /// Address that opens the phone's app, offered on the number's page to browsers on phones
    #[arg(long, value_parser = app_link)]
    app_link: Option<String>,
    /// A registered application: id,secret,name,return address
    #[arg(long, value_parser = client)]
    client: Vec<Client>,
}

fn client(text: &str) -> Result<Client, String> {
    match text.split(',').collect::<Vec<_>>().as_slice() {
        [id, secret, name, redirect] => Ok(Client {
            id: (*id).to_owned(),
            secret: (*secret).to_owned(),
            name: (*name).to_owned(),
            redirect_uris: vec![return_address(redirect)?],
        }),
        _ => Err("expected id,secret,name,return address".to_owned()),
    }
}

/// Asked for without showing it; one line when nobody sits there.
fn password() -> Result<zeroize::Zeroizing<String>, AppError> {
    if std::io::stdin().is_terminal() {
        return Ok(rpassword::prompt_password("Password: ")?.into());
    }
    let mut line = zeroize::Zeroizing::new(String::new());
    std::io::stdin().lock().read_line(&mut line)?;
    let password = line.trim_end_matches(['\n', '\r']).to_owned();
    Ok(password.into())
}

fn say(text: &str) -> Result<(), AppError> {
    Ok(writeln!(std::io::stdout(), "{text}")?)
}

#[tokio::main]
async fn main() -> Result<(), AppError> {
    tracing_subscriber::fmt().with_writer(std::io::stderr).with_max_level(tracing::Level::INFO).init();
    match Cli::parse().command {
        Command::Serve(options) => run(*options).await,
        Command::AddPerson { data, user_name, name } => {
            let name = name.as_deref().unwrap_or(&user_name);
            let store = data::open(&data)?;
            operator::add_person(&store, &user_name, name, &password()?, SystemClock::default().now())?;
            say("Added.")
        }
        Command::Administrator { data, user_name, no_longer } => {
            operator::set_administrator(&data::open(&data)?, &user_name, !no_longer)?;
            say("Done.")
        }
        Command::ApiToken { data, user_name } => {
            let token = operator::make_api_token(&data::open(&data)?, &user_name, SystemClock::default().now())?;
            say(&token)
        }
        Command::SetPassword { data, user_name } => {
            let (store, now) = (data::open(&data)?, SystemClock::default().now());
            operator::set_password(&store, &user_name, &password()?, now)?;
            say("Done. What was begun with the old password has ended.")
        }
        Command::RotateKeys { data } => {
            let now = SystemClock::default().now();
            let hours = (operator::rotate_keys(&data, now)? - now).max(0) / HOUR;
            say(&format!("A new key is published; it signs in {hours} hours, and phones learn of it until then."))
        }
        Command::ResetMethods { data, user_name } => {
            let removed = operator::reset_methods(&data::open(&data)?, &user_name, SystemClock::default().now())?;
            say(&format!("{removed} phone(s) removed; every session has ended."))
        }
    }
}

async fn run(options: Serve) -> Result<(), AppError> {
    let mut relay_authorities = String::new();
    for path in &options.relay_ca {
        relay_authorities.push_str(&std::fs::read_to_string(path)?);
    }
    let config = Config {
        issuer: options.issuer,
        organization: options.organization,
        data: Some(options.data.clone()),
        clients: options.client,
        phone_redirects: options.phone_redirect,
        app_link: options.app_link,
        private_relays: options.allow_relay,
        relay_authorities,
        limits: Config::LIMITS,
    };
    let host = Url::parse(&config.issuer).ok().and_then(|url| url.host_str().map(str::to_owned));
    let host = host.ok_or_else(|| AppError::Tls("the issuer is not an address".to_owned()))?;
    data::make_private(&options.data)?;
    let identity = match (&options.certificate, &options.key) {
        (Some(certificate), Some(key)) => tls::Identity {
            certificate: std::fs::read_to_string(certificate)?,
            key: std::fs::read_to_string(key)?,
            authority: String::new(),
        },
        _ => tls::identity_of(&options.data, &host)?,
    };
    let app = App::open(config, Arc::new(SystemClock::default()))?;
    let running = serve::serve(addresses::router(&app), serve::bind(options.listen)?, &identity)?;
    let (store, clock) = (app.store.clone(), SystemClock::default());
    let first = tokio::task::spawn_blocking(move || operator::first_administrator(&store, clock.now()));
    if let Some(password) = first.await.map_err(|error| AppError::Data(error.into()))?? {
        say(&format!("Nobody is here yet. The first administrator signs in as {}", operator::FIRST_NAME))?;
        say(&format!("with the password {password}, once, to choose another."))?;
    }
    say(&format!("{} is ready on {}.", app.config.issuer, running.address))?;
    if !identity.authority.is_empty() {
        let path = options.data.join("authority.pem");
        say(&format!("Browsers and phones must trust {}.", path.display()))?;
    }
    let cleaning = tokio::spawn(app.keep_clean());
    tokio::signal::ctrl_c().await?;
    cleaning.abort();
    running.stop().await;
    Ok(())
}
