//! Runs the commands of the command line, and maps their results to output and exit codes.

mod add;
mod answer;
mod ending;
mod input;
mod list;
mod lock;
mod mute;
mod output;
mod start_over;
mod test_push;
mod turn_on;
mod watch;

use countersign::{Error, FetchReason};

use crate::cli::{Cli, Command, Global};
use crate::error::PhoneError;
use crate::home::Home;
use crate::keys::{self, KeyPlace, Keys};
use crate::passphrase;
use crate::phone::{Phone, Settings};
use ending::Ending;
use input::Lines;
use output::Output;

const FAILED: u8 = 1;

/// Runs one command and returns the program's exit code.
#[must_use]
pub fn run(cli: Cli) -> u8 {
    let mut output = Output::standard(cli.global.json);
    let Ok(runtime) = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build() else {
        return FAILED;
    };
    let ended = runtime.block_on(command(cli, &mut output));
    // `shutdown_background` does not wait for blocking work, for example for a dialog of the keyring. This loses
    // nothing, because the core has stored everything already.
    runtime.shutdown_background();
    match ended {
        Ok(ending) => ending.code(),
        Err(error) => {
            // If the error can't be written, only the exit code shows that the command failed.
            let _unwritten = output.error(&error, None, None);
            FAILED
        }
    }
}

async fn command(cli: Cli, output: &mut Output) -> Result<Ending, PhoneError> {
    let (settings, keys) = settings_and_keys(&cli.global)?;
    let unlock_fd = cli.global.unlock_fd;
    let mut lines = Lines::new(unlock_fd);
    let phone = match Phone::open_with(settings.clone(), keys.clone()).await {
        Err(error @ PhoneError::Core(Error::FromAnotherDevice)) => {
            start_over::name_accounts(&settings, output).await?;
            let Command::StartOver { yes } = cli.command else { return Err(error) };
            return start_over::start_over(&settings, keys, yes, output, &mut lines).await;
        }
        opened => opened?,
    };
    match cli.command {
        Command::StartOver { .. } => Err(Error::NotFromAnotherDevice.into()),
        Command::Add(args) => add::add(&phone, &args, output, &mut lines).await,
        Command::Resume { abandon } => add::resume(&phone, abandon, output, &mut lines).await,
        Command::SignIn { address } => turn_on::sign_in(&phone, &address, output, &mut lines).await,
        Command::Accounts => list::accounts(&phone, output).await,
        Command::Requests => list::requests(&phone, FetchReason::Opened, output).await,
        Command::Watch => watch::watch(&phone, output, &mut lines).await,
        Command::Approve { id, number } => {
            answer::by_name(&phone, &id, answer::Act::Approve(number), output, &mut lines).await
        }
        Command::Deny { id } => answer::by_name(&phone, &id, answer::Act::Deny, output, &mut lines).await,
        Command::Report { id } => answer::by_name(&phone, &id, answer::Act::Report, output, &mut lines).await,
        Command::TurnOn { account, yes } => turn_on::turn_on(&phone, &account, yes, output, &mut lines).await,
        Command::TurnOff { account } => turn_on::turn_off(&phone, &account, output).await,
        Command::Lock { act } => lock::lock(&phone, act, unlock_fd, output).await,
        Command::Remove { account, yes } => list::remove(&phone, &account, yes, output, &mut lines).await,
        Command::Mute { account, hours } => mute::mute(&phone, &account, hours, output).await,
        Command::Unmute { account } => mute::unmute(&phone, &account, output).await,
        Command::Unblock { account } => list::unblock(&phone, &account, output).await,
        Command::TestPush { account } => test_push::test_push(&phone, &account, output).await,
    }
}

/// Returns two values: the phone's settings; and its key store, which for a sealed file includes the passphrase.
fn settings_and_keys(global: &Global) -> Result<(Settings, Keys), PhoneError> {
    let home = match &global.home {
        Some(home) => home.clone(),
        None => Home::default_path()?,
    };
    let mut settings = Settings::new(home);
    settings.relay.clone_from(&global.relay);
    if let Some(name) = &global.device_name {
        settings.device_name.clone_from(name);
    }
    if let Some(path) = &global.ca {
        settings.ca = Some(std::fs::read(path).map_err(|_unreadable| PhoneError::Certificates)?);
    }
    let is_new = keys::remembered(&settings.home)?.is_none();
    let keys = match keys::choose(&settings.home, global.key_store)? {
        KeyPlace::Keyring => Keys::Keyring,
        KeyPlace::SealedFile => Keys::SealedFile(passphrase::obtain(global.passphrase_fd, is_new)?),
    };
    Ok((settings, keys))
}
