//! Defines the command line: commands, options and their help texts.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};

use crate::keys::KeyPlace;

/// A phone in a terminal: adds accounts and answers sign-in requests.
#[derive(Debug, Parser)]
#[command(name = "countersign-phone", version, about, max_term_width = 80)]
pub struct Cli {
    /// Options of every command.
    #[command(flatten)]
    pub global: Global,
    /// The command to run.
    #[command(subcommand)]
    pub command: Command,
}

/// Options of every command.
#[derive(Debug, Args)]
pub struct Global {
    /// Folder of this phone [default: countersign-phone in the user's data folder]
    #[arg(long, global = true, value_name = "DIR")]
    pub home: Option<PathBuf>,
    /// Also trust the certificate authorities in this PEM file
    #[arg(long, global = true, value_name = "PEM")]
    pub ca: Option<PathBuf>,
    /// Relay that delivers requests to this phone; stored for later runs
    #[arg(long, global = true, value_name = "URL")]
    pub relay: Option<String>,
    /// Name of this phone [default: Terminal on HOST]
    #[arg(long, global = true, value_name = "NAME")]
    pub device_name: Option<String>,
    /// Print one JSON object per line, for programs
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
    /// Log details to standard error
    #[arg(long, global = true)]
    pub verbose: bool,
}

/// The commands.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Add an account: from a picture of the code, its text, or the typed code
    Add(Add),
    /// Add an account by signing in to it in the browser, with a password or a pass
    SignIn {
        /// The service's host name, with a port if it needs one
        #[arg(value_name = "HOST")]
        address: String,
    },
    /// Continue adding an account after an interruption
    Resume {
        /// Stop adding the account, and delete what this phone has stored for it
        #[arg(long)]
        abandon: bool,
    },
    /// List the accounts on this phone
    Accounts,
    /// Check for requests
    Requests,
    /// Wait for requests, and answer each request when it arrives
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
    /// Report a request that was not yours, up to a day after it was made
    Report {
        /// The request's name; its first characters are enough until you have answered it
        #[arg(allow_hyphen_values = true)]
        id: String,
    },
    /// Turn on phone sign-in, to sign in without a password from then on
    TurnOn {
        /// The account's name, host or user name
        #[arg(allow_hyphen_values = true)]
        account: String,
        /// Register without asking for confirmation; the details are still shown
        #[arg(long)]
        yes: bool,
    },
    /// Turn off phone sign-in; you can still sign in with a password and approve the request
    TurnOff {
        /// The account's name, host or user name
        #[arg(allow_hyphen_values = true)]
        account: String,
    },
    /// Show, set or remove the lock, which is a passphrase that you enter at each sign-in without a password
    Lock {
        /// What to do with the lock
        #[command(subcommand)]
        act: LockAct,
    },
    /// Remove an account from this phone
    Remove {
        /// The account's name, host or user name
        #[arg(allow_hyphen_values = true)]
        account: String,
        /// Don't ask for confirmation
        #[arg(long)]
        yes: bool,
    },
    /// Empty a folder that was copied from another phone; then you can add the accounts again
    StartOver {
        /// Don't ask for confirmation
        #[arg(long)]
        yes: bool,
    },
    /// Ask an account's service for a test push, and check that it reaches this phone
    TestPush {
        /// The account's name, host or user name
        #[arg(allow_hyphen_values = true)]
        account: String,
    },
    /// Turn off alerts for an account for some hours; its requests are still listed and can be answered
    Mute {
        /// The account's name, host or user name
        #[arg(allow_hyphen_values = true)]
        account: String,
        /// For how many hours
        #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u8).range(1..=24))]
        hours: u8,
    },
    /// Turn alerts for an account on again
    Unmute {
        /// The account's name, host or user name
        #[arg(allow_hyphen_values = true)]
        account: String,
    },
    /// Let the service send requests again after three wrong numbers
    Unblock {
        /// The account's name, host or user name
        #[arg(allow_hyphen_values = true)]
        account: String,
    },
}

/// What to do with the lock.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Subcommand)]
pub enum LockAct {
    /// Show whether this phone has a lock
    State,
    /// Set or change the lock
    Set,
    /// Remove the lock; this ends phone sign-in
    Remove,
}

/// Where the code comes from. Without any of these options, the program asks for the code.
#[derive(Debug, Default, Args)]
pub struct Add {
    /// A PNG or JPEG picture of the screen with the code
    #[arg(long, value_name = "FILE", conflicts_with_all = ["text", "code"])]
    pub picture: Option<PathBuf>,
    /// The code's text; "-" reads it from standard input
    #[arg(long, value_name = "CODE", conflicts_with = "code", allow_hyphen_values = true)]
    pub text: Option<String>,
    /// The typed code, for a person who can't scan
    #[arg(long, value_name = "XXXX-XXXX-XXXX", requires = "address")]
    pub code: Option<String>,
    /// The address that the page shows next to the typed code
    #[arg(long, value_name = "HOST", requires = "code")]
    pub address: Option<String>,
    /// Add without asking for confirmation; the offer is still shown
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
    fn command_line_definition_is_consistent() {
        Cli::command().debug_assert();
    }

    #[test]
    fn add_takes_a_picture_or_a_text_or_a_typed_code() {
        for line in ["add", "add --picture a.png", "add --text -", "add --code AAAA-BBBB-CCCC --address a.example"] {
            assert!(parse(&format!("countersign-phone {line}")).is_ok(), "{line}");
        }
    }

    #[test]
    fn add_refuses_two_sources_and_incomplete_typed_codes() {
        let both = parse("countersign-phone add --picture a.png --text x").unwrap_err();
        assert_eq!(both, ErrorKind::ArgumentConflict);
        let half = parse("countersign-phone add --code AAAA-BBBB-CCCC").unwrap_err();
        assert_eq!(half, ErrorKind::MissingRequiredArgument);
        let other_half = parse("countersign-phone add --address a.example").unwrap_err();
        assert_eq!(other_half, ErrorKind::MissingRequiredArgument);
    }

    #[test]
    fn request_name_may_begin_with_a_hyphen() {
        let Command::Approve { id, number } = parse("countersign-phone approve -_9xYz --number 47").unwrap().command
        else {
            panic!("parsed as another command");
        };
        assert_eq!((id.as_str(), number.as_str()), ("-_9xYz", "47"));
    }

    #[test]
    fn approving_needs_a_number() {
        assert_eq!(parse("countersign-phone approve abcdef").unwrap_err(), ErrorKind::MissingRequiredArgument);
    }

    #[test]
    fn mute_is_one_hour_by_default_and_24_hours_at_most() {
        let hours = |line: &str| match parse(line).map(|cli| cli.command) {
            Ok(Command::Mute { hours, .. }) => Ok(hours),
            Ok(_other) => panic!("parsed as another command"),
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
    fn global_options_may_precede_or_follow_the_command() {
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
