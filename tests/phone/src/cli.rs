//! The command line: what can be asked, and how it is written.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};

use crate::keys::KeyPlace;

/// A phone that lives in a terminal: adds accounts and answers sign-in requests.
#[derive(Debug, Parser)]
#[command(name = "countersign-phone", version, about, max_term_width = 80)]
pub struct Cli {
    /// What holds for every command.
    #[command(flatten)]
    pub global: Global,
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// What holds for every command.
#[derive(Debug, Args)]
pub struct Global {
    /// Folder of this phone [default: countersign-phone in the user's data folder]
    #[arg(long, global = true, value_name = "DIR")]
    pub home: Option<PathBuf>,
    /// Also trust the certificate authorities in this PEM file
    #[arg(long, global = true, value_name = "PEM")]
    pub ca: Option<PathBuf>,
    /// Relay that carries requests to this phone; remembered
    #[arg(long, global = true, value_name = "URL")]
    pub relay: Option<String>,
    /// What this phone calls itself [default: Terminal on HOST]
    #[arg(long, global = true, value_name = "NAME")]
    pub device_name: Option<String>,
    /// Print one JSON object a line, for programs
    #[arg(long, global = true)]
    pub json: bool,
    /// Where this phone keeps its keys; chosen at the first start [default: keyring]
    #[arg(long, global = true, value_name = "WHERE", value_enum)]
    pub key_store: Option<KeyPlace>,
    /// Read the passphrase of the sealed file from this file descriptor, one line
    #[arg(long, global = true, value_name = "N")]
    pub passphrase_fd: Option<u32>,
    /// Read the passphrase of the lock from this file descriptor, one line for each use
    #[arg(long, global = true, value_name = "N")]
    pub unlock_fd: Option<u32>,
    /// Log to standard error what happens inside
    #[arg(long, global = true)]
    pub verbose: bool,
}

/// What to do.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Add an account: from a picture of the code, its text, or the typed code
    Add(Add),
    /// Add an account by signing in, in the browser, with a password or a pass
    SignIn {
        /// The service's address
        #[arg(value_name = "HOST")]
        address: String,
    },
    /// Go on with adding an account that was cut off
    Resume {
        /// Give it up instead
        #[arg(long)]
        give_up: bool,
    },
    /// List the accounts on this phone
    Accounts,
    /// Check for requests
    Requests,
    /// Wait for requests and answer them as they come
    Watch,
    /// Approve a request with the number that the page shows
    Approve {
        /// The request's name; its first characters are enough
        #[arg(allow_hyphen_values = true)]
        id: String,
        /// The number that the page shows
        #[arg(long, value_name = "NN")]
        number: String,
    },
    /// Deny a request
    Deny {
        /// The request's name; its first characters are enough
        #[arg(allow_hyphen_values = true)]
        id: String,
    },
    /// Say that it wasn't you, up to a day later
    Report {
        /// The request's name; once answered, the whole name
        #[arg(allow_hyphen_values = true)]
        id: String,
    },
    /// Turn on phone sign-in: sign in without a password from then on
    TurnOn {
        /// The account's name, host or user name
        #[arg(allow_hyphen_values = true)]
        account: String,
        /// Register without asking; what is registered with whom is still shown
        #[arg(long)]
        yes: bool,
    },
    /// Turn off phone sign-in; requests after a password go on working
    TurnOff {
        /// The account's name, host or user name
        #[arg(allow_hyphen_values = true)]
        account: String,
    },
    /// The lock of this phone: a passphrase asked for at each sign-in without a password
    Lock {
        /// What to do with it
        #[command(subcommand)]
        act: LockAct,
    },
    /// Take an account off this phone
    Remove {
        /// The account's name, host or user name
        #[arg(allow_hyphen_values = true)]
        account: String,
        /// Don't ask again
        #[arg(long)]
        yes: bool,
    },
    /// Empty this folder, which was copied from another phone, to add the accounts again
    StartOver {
        /// Don't ask again
        #[arg(long)]
        yes: bool,
    },
    /// Have an account's service send a test, and see whether it reaches this phone
    TestPush {
        /// The account's name, host or user name
        #[arg(allow_hyphen_values = true)]
        account: String,
    },
    /// Let an account's requests come without an alert for a while; they are listed and answered as ever
    Mute {
        /// The account's name, host or user name
        #[arg(allow_hyphen_values = true)]
        account: String,
        /// For how many hours
        #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u8).range(1..=24))]
        hours: u8,
    },
    /// Let an account alert again
    Unmute {
        /// The account's name, host or user name
        #[arg(allow_hyphen_values = true)]
        account: String,
    },
    /// Let an account be asked again after three wrong numbers
    Unblock {
        /// The account's name, host or user name
        #[arg(allow_hyphen_values = true)]
        account: String,
    },
}

/// What to do with the lock.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Subcommand)]
pub enum LockAct {
    /// Say whether there is one
    State,
    /// Set it, or change it
    Set,
    /// Remove it; phone sign-in ends with it
    Remove,
}

/// Where the code comes from; asked for when nothing is given.
#[derive(Debug, Default, Args)]
pub struct Add {
    /// A PNG or JPEG picture of the screen with the code
    #[arg(long, value_name = "FILE", conflicts_with_all = ["text", "code"])]
    pub picture: Option<PathBuf>,
    /// The code's text; "-" reads it from standard input
    #[arg(long, value_name = "CODE", conflicts_with = "code", allow_hyphen_values = true)]
    pub text: Option<String>,
    /// The code to type, when you can't scan
    #[arg(long, value_name = "XXXX-XXXX-XXXX", requires = "address")]
    pub code: Option<String>,
    /// The address shown beside the code to type
    #[arg(long, value_name = "HOST", requires = "code")]
    pub address: Option<String>,
    /// Add without asking; who is asking is still shown
    #[arg(long)]
    pub yes: bool,
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::panic, reason = "tests")]

    use clap::CommandFactory;
    use clap::error::ErrorKind;

    use super::*;

    fn parse(line: &str) -> Result<Cli, ErrorKind> {
        Cli::try_parse_from(line.split(' ')).map_err(|error| error.kind())
    }

    #[test]
    fn the_definition_is_consistent() {
        Cli::command().debug_assert();
    }

    #[test]
    fn add_takes_a_picture_or_a_text_or_a_typed_code() {
        for good in ["add", "add --picture a.png", "add --text -", "add --code AAAA-BBBB-CCCC --address a.example"] {
            assert!(parse(&format!("countersign-phone {good}")).is_ok(), "{good}");
        }
    }

    #[test]
    fn add_refuses_two_sources_and_half_a_typed_code() {
        let both = parse("countersign-phone add --picture a.png --text x").unwrap_err();
        assert_eq!(both, ErrorKind::ArgumentConflict);
        let half = parse("countersign-phone add --code AAAA-BBBB-CCCC").unwrap_err();
        assert_eq!(half, ErrorKind::MissingRequiredArgument);
        let other_half = parse("countersign-phone add --address a.example").unwrap_err();
        assert_eq!(other_half, ErrorKind::MissingRequiredArgument);
    }

    #[test]
    fn a_request_may_begin_with_a_hyphen() {
        let Command::Approve { id, number } = parse("countersign-phone approve -_9xYz --number 47").unwrap().command
        else {
            panic!("another command");
        };
        assert_eq!((id.as_str(), number.as_str()), ("-_9xYz", "47"));
    }

    #[test]
    fn approving_needs_a_number() {
        assert_eq!(parse("countersign-phone approve abcdef").unwrap_err(), ErrorKind::MissingRequiredArgument);
    }

    #[test]
    fn an_account_is_muted_for_an_hour_and_never_for_more_than_a_day() {
        let hours = |line: &str| match parse(line).map(|cli| cli.command) {
            Ok(Command::Mute { hours, .. }) => Ok(hours),
            Ok(_other) => panic!("another command"),
            Err(kind) => Err(kind),
        };
        assert_eq!(hours("countersign-phone mute ada"), Ok(1));
        assert_eq!(hours("countersign-phone mute ada --hours 24"), Ok(24));
        for wrong in ["0", "25", "-1", "99999", "ever"] {
            let refused = hours(&format!("countersign-phone mute ada --hours={wrong}"));
            assert_eq!(refused, Err(ErrorKind::ValueValidation), "{wrong}");
        }
    }

    #[test]
    fn global_options_stand_before_or_after_the_command() {
        let cli = parse("countersign-phone --json watch --home /tmp/phone --passphrase-fd 3").unwrap();
        assert!(cli.global.json);
        assert_eq!(cli.global.home.unwrap().to_str(), Some("/tmp/phone"));
        assert_eq!(cli.global.passphrase_fd, Some(3));
    }

    #[test]
    fn an_unknown_command_is_refused() {
        assert_eq!(parse("countersign-phone sign").unwrap_err(), ErrorKind::InvalidSubcommand);
    }
}
