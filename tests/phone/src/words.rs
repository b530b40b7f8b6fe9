//! Gives the text of each error, outcome and cause. The text of an error says what happened, what is not affected, and
//! what to do next.
//!
//! The code matches each enum of the core without a catch-all arm. Therefore this crate does not compile while a new
//! variant in the core has no text here.

mod accounts;
mod core_errors;
mod endings;
mod error;

use countersign::OtherCode;

use crate::error::PhoneError;
pub use accounts::{alerts, health, notice, phone_sign_in};
pub(crate) use accounts::{health_name, phone_sign_in_name};
pub use endings::{Verdict, cause, delivery, outcome, quiet, withdrawal};
pub(crate) use endings::{cause_name, kind_name, origin_name};
pub use error::Words;
use error::{NOTHING_CHANGED, words};

/// Returns the texts of an error.
#[must_use]
pub fn of(error: &PhoneError) -> Words {
    match error {
        PhoneError::Core(error) => core_errors::of(error),
        PhoneError::Home => words(
            "home_unusable",
            "The folder of this phone can't be used.",
            NOTHING_CHANGED,
            "Check that you own the folder and that the disk has room, or give another folder with --home.",
        ),
        PhoneError::NoHome => {
            words("no_home", "This phone has no folder for its data.", NOTHING_CHANGED, "Give a folder with --home.")
        }
        PhoneError::NoRelay => words(
            "no_relay",
            "This phone does not know its relay yet.",
            NOTHING_CHANGED,
            "Give the relay once with --relay; this phone stores it.",
        ),
        PhoneError::RelayAddress => words(
            "relay_address",
            "This is not the address of a relay.",
            NOTHING_CHANGED,
            "Give --relay an address that begins with https://",
        ),
        PhoneError::Certificates => words(
            "certificates",
            "The certificates that this phone should trust can't be read.",
            NOTHING_CHANGED,
            "Check the PEM file given with --ca.",
        ),
        PhoneError::NoPassphrase => words(
            "no_passphrase",
            "No passphrase was given.",
            NOTHING_CHANGED,
            "Run this in a terminal, or pass the passphrase with --passphrase-fd or --unlock-fd.",
        ),
        PhoneError::NoKeyring => words(
            "no_keyring",
            "This desktop has no working key store.",
            "No phone was set up yet.",
            "Log in to a desktop session. Or keep the keys in a file sealed under a passphrase: --key-store sealed-file",
        ),
        PhoneError::KeysElsewhere => words(
            "keys_elsewhere",
            "This phone keeps its keys in another key store, and keys can't be moved.",
            NOTHING_CHANGED,
            "Leave out --key-store, or set up another phone with --home.",
        ),
        PhoneError::PassphrasesDiffer => words(
            "passphrases_differ",
            "The two passphrases are not the same.",
            NOTHING_CHANGED,
            "Run this again and type the same passphrase twice.",
        ),
        PhoneError::PassphraseTooShort => words(
            "passphrase_too_short",
            "The new passphrase is too short.",
            NOTHING_CHANGED,
            "Choose a passphrase of at least 8 characters.",
        ),
        PhoneError::PictureFile => {
            words("picture_file", "The picture can't be opened.", NOTHING_CHANGED, "Check the name of the file.")
        }
        PhoneError::OtherCode(code) => other_code(*code),
        PhoneError::NotConfirmed => {
            words("not_confirmed", "You did not say yes.", NOTHING_CHANGED, "Run this again when you are sure.")
        }
        PhoneError::NoSuchRequest => words(
            "no_such_request",
            "No waiting request has this name.",
            "Your accounts are unchanged.",
            "To see the waiting requests: countersign-phone requests",
        ),
        PhoneError::SeveralRequests => words(
            "several_requests",
            "The names of several requests begin like this.",
            "Nothing was sent.",
            "Type more characters of the name.",
        ),
        PhoneError::NoSuchAccount => words(
            "no_such_account",
            "No account on this phone has this name.",
            NOTHING_CHANGED,
            "To see the names: countersign-phone accounts",
        ),
        PhoneError::SeveralAccounts => words(
            "several_accounts",
            "More than one account fits this name.",
            NOTHING_CHANGED,
            "Use the account's short name, from: countersign-phone accounts",
        ),
        PhoneError::Ended(_) => words(
            "enrollment_ended",
            "The account was not added.",
            "Nothing of the enrollment is left on this phone; your other accounts are unchanged.",
            "Start again on the page, with a fresh code.",
        ),
        PhoneError::NotAllowed(why) => accounts::not_allowed(why),
        PhoneError::MissingLock => words(
            "missing_lock",
            "This phone has no lock to protect the key.",
            NOTHING_CHANGED,
            "Set one: countersign-phone lock set",
        ),
        PhoneError::NoBrowserAnswer => words(
            "no_browser_answer",
            "The browser did not return to this program.",
            NOTHING_CHANGED,
            "Start again: countersign-phone turn-on, or countersign-phone sign-in",
        ),
        PhoneError::NoPush => words(
            "no_push",
            "The test push did not arrive within 20 seconds.",
            "Requests are still found by checking: countersign-phone requests",
            "Check that the relay can be reached from here, then try again in a minute.",
        ),
        PhoneError::TestedLately => words(
            "tested_lately",
            "The service sent a test push less than a minute ago; it sends one per minute.",
            NOTHING_CHANGED,
            "Try again in a minute.",
        ),
        PhoneError::NoPushAddress => words(
            "no_push_address",
            "The service no longer has a push address of this phone.",
            "Requests are still found by checking: countersign-phone requests",
            "This phone is sending its address again. Try again in a minute.",
        ),
        PhoneError::NothingToResume => words(
            "nothing_to_resume",
            "No enrollment is unfinished.",
            NOTHING_CHANGED,
            "To add an account: countersign-phone add",
        ),
        PhoneError::NotUnderstood => words(
            "not_understood",
            "This line is not an order.",
            "Nothing was sent.",
            "Type the number, d to deny, r if it wasn't you, m to mute, c to check, q to stop.",
        ),
        PhoneError::Output => {
            words("output", "The output was closed.", "Your answers are stored.", "Run the command again.")
        }
    }
}

/// The texts for a code that is not a Countersign code.
fn other_code(code: OtherCode) -> Words {
    let next = "Use the code that your sign-in service shows under \"Add sign-in method\".";
    let (name, happened, next) = match code {
        OtherCode::NewerVersion => (
            "code_newer_version",
            "This code needs a newer version of this program.",
            "Update Countersign, then use the code again.",
        ),
        OtherCode::OneTimeCode => {
            ("code_one_time", "This code sets up one-time codes, which this phone does not support.", next)
        }
        OtherCode::OtherAuthenticator => ("code_other_app", "This code is for another authenticator app.", next),
        OtherCode::Passkey => ("code_passkey", "This is a passkey code. Scan it with a phone's camera.", next),
        OtherCode::WebAddress => ("code_web_address", "This code is a web address. It was not opened.", next),
        OtherCode::Wifi => ("code_wifi", "This code is for a wireless network.", next),
        OtherCode::Contact => ("code_contact", "This code is a contact card.", next),
        OtherCode::Unknown => ("code_unknown", "This code is not from a sign-in service.", next),
    };
    words(name, happened, NOTHING_CHANGED, next)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use countersign::{NotAllowed, RemovalCause};

    use super::*;

    const OTHER: [OtherCode; 8] = [
        OtherCode::NewerVersion,
        OtherCode::OneTimeCode,
        OtherCode::OtherAuthenticator,
        OtherCode::Passkey,
        OtherCode::WebAddress,
        OtherCode::Wifi,
        OtherCode::Contact,
        OtherCode::Unknown,
    ];

    #[test]
    fn each_phone_error_has_its_own_texts() {
        let mut errors = vec![
            PhoneError::Home,
            PhoneError::NoHome,
            PhoneError::NoKeyring,
            PhoneError::KeysElsewhere,
            PhoneError::NoRelay,
            PhoneError::RelayAddress,
            PhoneError::Certificates,
            PhoneError::NoPassphrase,
            PhoneError::PassphrasesDiffer,
            PhoneError::PassphraseTooShort,
            PhoneError::PictureFile,
            PhoneError::NotConfirmed,
            PhoneError::NoSuchRequest,
            PhoneError::SeveralRequests,
            PhoneError::NoSuchAccount,
            PhoneError::SeveralAccounts,
            PhoneError::Ended(RemovalCause::Expired),
            PhoneError::MissingLock,
            PhoneError::NoBrowserAnswer,
            PhoneError::NotAllowed(NotAllowed::Policy),
            PhoneError::NotAllowed(NotAllowed::AnotherAccount { user_name: "ada".to_owned() }),
            PhoneError::NotAllowed(NotAllowed::ByPerson),
            PhoneError::NotAllowed(NotAllowed::TooLate),
            PhoneError::NotAllowed(NotAllowed::Refused),
            PhoneError::NoPush,
            PhoneError::TestedLately,
            PhoneError::NoPushAddress,
            PhoneError::NothingToResume,
            PhoneError::NotUnderstood,
            PhoneError::Output,
        ];
        errors.extend(OTHER.map(PhoneError::OtherCode));
        let said: Vec<Words> = errors.iter().map(of).collect();
        assert_all_differ(&said);
    }

    pub(super) fn assert_all_differ(said: &[Words]) {
        let codes: BTreeSet<_> = said.iter().map(|words| words.code).collect();
        let happened: BTreeSet<_> = said.iter().map(|words| words.happened).collect();
        assert_eq!((codes.len(), happened.len()), (said.len(), said.len()), "{said:#?}");
        for words in said {
            for text in [words.happened, words.fine, words.next] {
                assert!(!text.is_empty() && !text.contains('!'), "{words:?}");
            }
        }
    }
}
