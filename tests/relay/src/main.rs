//! `countersign-relay`: runs the push relay.

use std::io::Write;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use clap::Parser;
use countersign_relay::{Config, Relay, RelayError, Tls};

#[derive(Parser)]
#[command(version, about = "A push relay: accepts Web Push from services, and delivers to terminal and desktop phones")]
struct Cli {
    /// Address to listen on
    #[arg(long, default_value = "127.0.0.1:8444")]
    listen: SocketAddr,
    /// The web origin that services and phones use
    #[arg(long, default_value = "https://localhost:8444")]
    public_url: String,
    /// Folder for the relay's keys
    #[arg(long)]
    data: PathBuf,
    /// Certificate chain in PEM; without a certificate the relay makes a private authority in the data folder
    #[arg(long, requires = "key")]
    certificate: Option<PathBuf>,
    /// Private key of the certificate in PEM
    #[arg(long, requires = "certificate")]
    key: Option<PathBuf>,
    /// For tests: lose every Nth message (1 loses all)
    #[arg(long, default_value_t = 0)]
    lose_one_in: u64,
    /// For tests: deliver every Nth message twice
    #[arg(long, default_value_t = 0)]
    double_one_in: u64,
    /// For tests: delay every message by this many milliseconds
    #[arg(long, default_value_t = 0)]
    delay_ms: u64,
    /// For tests: swap every two successive messages
    #[arg(long)]
    reorder: bool,
}

#[tokio::main]
async fn main() -> Result<(), RelayError> {
    tracing_subscriber::fmt().with_writer(std::io::stderr).with_max_level(tracing::Level::INFO).init();
    let cli = Cli::parse();
    let tls = match (&cli.certificate, &cli.key) {
        (Some(certificate), Some(key)) => {
            Some(Tls { certificate: std::fs::read_to_string(certificate)?, key: std::fs::read_to_string(key)? })
        }
        _ => None,
    };
    let made_here = tls.is_none().then(|| cli.data.join("authority.pem"));
    let config = Config { listen: cli.listen, public_url: Some(cli.public_url), data: cli.data, tls };
    let relay = Relay::start(config).await?;
    relay.faults.lose_one_in(cli.lose_one_in);
    relay.faults.double_one_in(cli.double_one_in);
    relay.faults.delay(Duration::from_millis(cli.delay_ms));
    relay.faults.reorder(cli.reorder);
    let mut out = std::io::stdout();
    writeln!(out, "{} is ready on {}.", relay.url, relay.address)?;
    if let Some(path) = made_here {
        writeln!(out, "Services and phones must trust {}.", path.display())?;
    }
    tokio::signal::ctrl_c().await?;
    relay.stop().await;
    Ok(())
}
