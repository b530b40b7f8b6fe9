//! The program `countersign-service`: runs the reference sign-in service or a command of its operator.

use std::io::{BufRead, IsTerminal, Write};
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;

use clap::{Args, Parser, Subcommand};
use countersign_service::admin::acts::Done;
use countersign_service::app::App;
use countersign_service::clock::{Clock, HOUR, SystemClock};
use countersign_service::config::{Client, Config, app_link, issuer, return_address};
use countersign_service::error::AppError;
use countersign_service::policy::document::TokenScope;
use countersign_service::prompts::change::Act;
use countersign_service::{addresses, data, operator, serve, tls};
use url::Url;

#[derive(Parser)]
#[command(version, about = "A sign-in service for organizations whose people sign in with their phones")]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

/// A command about one person.
#[derive(Args)]
struct About {
    /// The service's data folder
    #[arg(long)]
    data: PathBuf,
    /// The person's user name
    user_name: String,
}

#[derive(Subcommand)]
enum Command {
    /// Run the service; it creates missing keys, and a private certificate authority if no certificate is given
    Serve(Box<Serve>),
    /// Add a person; asks for the password, or reads it as one line from standard input
    AddPerson {
        /// The service's data folder
        #[arg(long)]
        data: PathBuf,
        /// The name that the person types to sign in
        user_name: String,
        /// The name that other people see; the user name by default
        #[arg(long)]
        name: Option<String>,
    },
    /// Make a person an administrator
    Administrator {
        /// The service's data folder
        #[arg(long)]
        data: PathBuf,
        /// The person's user name
        user_name: String,
        /// Remove the administrator role from the person
        #[arg(long)]
        no_longer: bool,
    },
    /// Create a token for the policy API; the token is shown once and is valid for 90 days
    ApiToken {
        /// The service's data folder
        #[arg(long)]
        data: PathBuf,
        /// The administrator's user name
        user_name: String,
        /// The name of the token in the list of tokens
        #[arg(long, default_value = "made by the operator")]
        name: String,
        /// The token allows reading the policy, but not changing it
        #[arg(long)]
        read_only: bool,
    },
    /// List the API tokens of an administrator
    ApiTokens {
        /// The service's data folder
        #[arg(long)]
        data: PathBuf,
        /// The administrator's user name
        user_name: String,
    },
    /// Revoke an API token
    RevokeApiToken {
        /// The service's data folder
        #[arg(long)]
        data: PathBuf,
        /// The token's id, as `api-tokens` lists it
        id: String,
    },
    /// Suspend a person: they can't sign in, and their sessions, passes and requests end
    Suspend(About),
    /// End the suspension of a person
    Resume(About),
    /// Create a pass for a person, with which they can add a phone within one hour
    MakePass(About),
    /// Clear the wrong numbers of a person
    Unblock(About),
    /// Delete a person
    DeletePerson(About),
    /// Set a person's password, which they must change at the next sign-in; asks for the password, or reads it as one
    /// line from standard input
    SetPassword {
        /// The service's data folder
        #[arg(long)]
        data: PathBuf,
        /// The person's user name
        user_name: String,
    },
    /// Publish the next key that signs messages to phones; the service signs with this key after 48 hours. Without this
    /// command, the service publishes the next key when the current key is 90 days old
    RotateKeys {
        /// The service's data folder
        #[arg(long)]
        data: PathBuf,
    },
    /// Remove all phones of a person, forget their browsers and end their sessions, for example after a phone was lost
    ResetMethods {
        /// The service's data folder
        #[arg(long)]
        data: PathBuf,
        /// The person's user name
        user_name: String,
    },
}

#[derive(Args)]
struct Serve {
    /// The service's data folder
    #[arg(long)]
    data: PathBuf,
    /// The URL by which people and phones know the service; it can't be changed later
    #[arg(long, default_value = "https://localhost:8443", value_parser = issuer)]
    issuer: String,
    /// IP address and port to listen on
    #[arg(long, default_value = "127.0.0.1:8443")]
    listen: SocketAddr,
    /// The organization's name, shown to people
    #[arg(long, default_value = "Countersign")]
    organization: String,
    /// Certificate chain in PEM; without it, the service creates a private authority in the data folder
    #[arg(long, requires = "key")]
    certificate: Option<PathBuf>,
    /// Private key of the certificate in PEM
    #[arg(long, requires = "certificate")]
    key: Option<PathBuf>,
    /// Web origin of a push relay with a private network address, e.g. https://localhost:8444
    #[arg(long)]
    allow_relay: Vec<String>,
    /// Certificate authority to trust for the relays of --allow-relay, in PEM; no other is trusted for these relays
    #[arg(long)]
    relay_ca: Vec<PathBuf>,
    /// Return address of a phone's app: an https URL that the phone's system opens in the app; compared exactly
    #[arg(long, value_parser = return_address)]
    phone_redirect: Vec<String>,
    /// An https URL that the phone's system opens in the app; the number page offers this link to browsers on phones
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

/// If standard input is a terminal, asks for a password and does not show the typed characters. Otherwise reads the
/// password as one line from standard input.
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
            operator::set_administrator(&data::open(&data)?, &user_name, !no_longer, SystemClock::default().now())?;
            say("Done.")
        }
        Command::ApiToken { data, user_name, name, read_only } => {
            let scope = if read_only { TokenScope::ReadPolicy } else { TokenScope::ChangePolicy };
            let now = SystemClock::default().now();
            say(&operator::make_api_token(&data::open(&data)?, &user_name, &name, scope, now)?)
        }
        Command::ApiTokens { data, user_name } => {
            let tokens = operator::api_tokens(&data::open(&data)?, &user_name)?;
            tokens.iter().try_for_each(|token| say(&format!("{}  {}  {:?}", token.id, token.name, token.scope)))
        }
        Command::RevokeApiToken { data, id } => {
            let revoked = operator::revoke_api_token(&data::open(&data)?, &id, SystemClock::default().now())?;
            say(if revoked { "Revoked." } else { "There is no token with this id." })
        }
        Command::Suspend(about) => administer(&about, Act::Suspend),
        Command::Resume(about) => administer(&about, Act::Resume),
        Command::MakePass(about) => administer(&about, Act::MakePass),
        Command::Unblock(about) => administer(&about, Act::Unblock),
        Command::DeletePerson(about) => administer(&about, Act::DeletePerson),
        Command::SetPassword { data, user_name } => {
            let (store, now) = (data::open(&data)?, SystemClock::default().now());
            let phones = operator::set_password(&store, &user_name, &password()?, now)?;
            let stay = match phones {
                0 => String::new(),
                _ => format!(
                    " {phones} phone(s) stay. If somebody else may have added one with the old password, also run \
                     reset-methods."
                ),
            };
            say(&format!("Done. Sessions and requests that used the old password have ended.{stay}"))
        }
        Command::RotateKeys { data } => {
            let now = SystemClock::default().now();
            let hours = (operator::rotate_keys(&data, now)? - now).max(0) / HOUR;
            say(&format!("A new key is published. It comes into use in {hours} hours; phones learn of it before then."))
        }
        Command::ResetMethods { data, user_name } => {
            let removed = operator::reset_methods(&data::open(&data)?, &user_name, SystemClock::default().now())?;
            say(&format!("{removed} phone(s) removed. All sessions have ended."))
        }
    }
}

/// Makes an administrative act about a person, and prints the result.
fn administer(about: &About, act: fn(String) -> Act) -> Result<(), AppError> {
    let now = SystemClock::default().now();
    match operator::administer(&data::open(&about.data)?, &about.user_name, act, now)? {
        Done::Pass(made) => say(&format!("{} The pass adds one phone, within one hour.", made.text)),
        _ => say("Done."),
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
    let host = host.ok_or_else(|| AppError::Tls("the issuer has no host name".to_owned()))?;
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
        say(&format!("No person has been added yet. The first administrator signs in as {}", operator::FIRST_NAME))?;
        say(&format!("with the password {password}. It works once; then the administrator chooses a new password."))?;
    }
    say(&format!("{} is ready on {}.", app.config.issuer, running.address))?;
    if !identity.authority.is_empty() {
        let path = options.data.join("authority.pem");
        say(&format!("Browsers and phones must trust {}.", path.display()))?;
    }
    let cleaning = tokio::spawn(app.run_maintenance());
    tokio::signal::ctrl_c().await?;
    cleaning.abort();
    running.stop().await;
    Ok(())
}
