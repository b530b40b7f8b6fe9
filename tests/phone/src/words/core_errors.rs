//! Gives the texts of the core's errors, one set for each variant.

use countersign::{CodeError, EnrollmentFault, Error, MetadataFault, PictureError, PlatformError, StoreFault};

use super::error::{NOTHING_CHANGED, Words, words};

const ACCOUNTS_FINE: &str = "Your accounts are unchanged.";
const AGAIN_SOON: &str = "Try again in a moment.";
const FRESH_CODE: &str = "Start again on the page, with a fresh code.";
const ASK_HELP: &str = "Ask the operator of the sign-in service.";
const NOTHING_KEPT: &str = "Nothing was stored on this phone.";

pub(super) fn of(error: &Error) -> Words {
    match error {
        Error::Store(fault) => store(*fault),
        Error::Platform(fault) => platform(*fault),
        Error::Code(fault) => code(*fault),
        Error::Picture(fault) => picture(*fault),
        Error::NotASignInService(fault) => metadata(*fault),
        Error::Enrollment(fault) => enrollment(*fault),
        Error::NotYetUnlocked
        | Error::FromAnotherDevice
        | Error::NotFromAnotherDevice
        | Error::NewerSchema(_)
        | Error::Closed => opening(error),
        Error::Offline | Error::Untrusted | Error::Busy | Error::InvalidAnswer | Error::Refused => service(error),
        Error::UnknownPrompt | Error::PromptExpired | Error::AlreadyAnswered | Error::NumberForm => prompt(error),
        Error::IdentityChanged
        | Error::PhoneSignInOff
        | Error::NotAllowedNow
        | Error::ForeignRedirect
        | Error::WrongReply => phone_sign_in(error),
        Error::UnsupportedVersion => words(
            "unsupported_version",
            "This service needs a newer version of this program.",
            ACCOUNTS_FINE,
            "Update Countersign, then try again.",
        ),
        Error::Impostor => words(
            "impostor",
            "The reply did not come from the service that made this code.",
            NOTHING_KEPT,
            "Check the address in your browser. If it is right, start again with a fresh code.",
        ),
        Error::ClockWrong => words(
            "clock_wrong",
            "This computer's clock is wrong by more than a day.",
            ACCOUNTS_FINE,
            "Set date and time, then try again.",
        ),
        Error::AlreadyHere => words(
            "already_here",
            "This account is on this phone already.",
            "It works as before.",
            "To add it again, remove it first.",
        ),
        Error::Removed => words(
            "removed",
            "The service removed this phone from the account.",
            "Your other accounts are unchanged.",
            "To use it here, add the account again.",
        ),
        Error::UnknownAccount => words(
            "unknown_account",
            "This account is no longer on this phone.",
            "Your other accounts are unchanged.",
            "To see your accounts: countersign-phone accounts",
        ),
        Error::UnknownTicket => words(
            "unknown_ticket",
            "The operation that you continued has finished or was stopped.",
            ACCOUNTS_FINE,
            "To see your accounts: countersign-phone accounts",
        ),
    }
}

fn phone_sign_in(error: &Error) -> Words {
    match error {
        Error::IdentityChanged => words(
            "identity_changed",
            "The service's keys changed, and the old keys did not sign the change.",
            "The new keys were not accepted.",
            "Ask your administrator. If the change is real, add the account again.",
        ),
        Error::PhoneSignInOff => words(
            "phone_sign_in_off",
            "Phone sign-in is off for this account.",
            ACCOUNTS_FINE,
            "To turn it on: countersign-phone turn-on",
        ),
        Error::NotAllowedNow => words(
            "not_allowed_now",
            "Your organization does not allow this at present.",
            ACCOUNTS_FINE,
            "Ask your administrator.",
        ),
        Error::ForeignRedirect => words(
            "foreign_redirect",
            "A browser returned with a reply that does not belong to this sign-in.",
            "The reply was not used; this phone still waits for the right reply.",
            "Continue in the browser that was opened.",
        ),
        _ => words("wrong_reply", "This reply does not fit the current step.", NOTHING_CHANGED, AGAIN_SOON),
    }
}

fn opening(error: &Error) -> Words {
    match error {
        Error::NotYetUnlocked => {
            words("not_yet_unlocked", "The key store is not unlocked yet.", ACCOUNTS_FINE, "Unlock it, then try again.")
        }
        Error::FromAnotherDevice => words(
            "from_another_device",
            "This folder was copied from another phone; its keys are not here.",
            "The other phone is not affected.",
            "To empty the folder and add your accounts again: countersign-phone start-over",
        ),
        Error::NotFromAnotherDevice => words(
            "not_from_another_device",
            "This phone's keys are here; there is no reason to start over.",
            ACCOUNTS_FINE,
            "To remove an account from this phone: countersign-phone remove",
        ),
        Error::NewerSchema(_) => words(
            "newer_schema",
            "A newer version of this program has written this folder.",
            "The folder was not changed.",
            "Use the newer version.",
        ),
        _ => words("closed", "This phone was closed.", "Your answers are stored.", "Start the program again."),
    }
}

fn service(error: &Error) -> Words {
    match error {
        Error::Offline => {
            words("offline", "The service can't be reached.", ACCOUNTS_FINE, "Check the network, then try again.")
        }
        Error::Untrusted => words(
            "untrusted",
            "The connection to the service can't be trusted, so nothing was sent.",
            ACCOUNTS_FINE,
            "Try another network. If the service has a private certificate authority, pass its certificate with --ca.",
        ),
        Error::Busy => words("busy", "The service is busy.", ACCOUNTS_FINE, "Try again in a minute."),
        Error::InvalidAnswer => words(
            "invalid_answer",
            "The service's reply could not be verified, so it was not used.",
            NOTHING_CHANGED,
            AGAIN_SOON,
        ),
        _ => words(
            "refused",
            "The service refused without saying why.",
            NOTHING_CHANGED,
            "Try again. If this happens again, remove the account and add it again.",
        ),
    }
}

fn prompt(error: &Error) -> Words {
    match error {
        Error::UnknownPrompt => words(
            "unknown_request",
            "This request is no longer listed.",
            "Nothing was sent.",
            "If you are still signing in, start again on the page.",
        ),
        Error::PromptExpired => words(
            "request_expired",
            "This request has expired.",
            "Nothing was sent.",
            "If you are still signing in, ask for a new request on the page.",
        ),
        Error::AlreadyAnswered => words(
            "already_answered",
            "This phone has answered this request already.",
            "The first answer is not changed.",
            "If it wasn't you: countersign-phone report, with the request's whole name.",
        ),
        _ => words(
            "number_form",
            "That number does not have the right form.",
            "Nothing was sent; the request still waits.",
            "Type the number exactly as the page shows it.",
        ),
    }
}

fn store(fault: StoreFault) -> Words {
    let fine = "What was stored before is still there.";
    match fault {
        StoreFault::DiskFull => words("disk_full", "The disk is full.", fine, "Make room, then try again."),
        StoreFault::ReadOnly => {
            words("read_only", "The folder of this phone can't be written.", fine, "Check who owns the folder.")
        }
        StoreFault::Busy => words(
            "store_busy",
            "Another program is using this phone's folder.",
            fine,
            "Stop the other countersign-phone, or wait for it.",
        ),
        StoreFault::Damaged => words(
            "store_damaged",
            "This phone's database is damaged.",
            "The database was not changed.",
            "Restore a copy of the folder. Or set up another phone with --home and add your accounts again.",
        ),
        StoreFault::Record => words(
            "unreadable_record",
            "An entry in this phone's folder can't be read.",
            "The other entries can be read.",
            AGAIN_SOON,
        ),
        StoreFault::Other => words("store", "This phone's folder can't be read or written.", fine, "Check the disk."),
    }
}

fn platform(fault: PlatformError) -> Words {
    match fault {
        PlatformError::Locked => {
            words("key_store_locked", "The key store is locked.", ACCOUNTS_FINE, "Unlock it, then try again.")
        }
        PlatformError::Transient => words(
            "platform_transient",
            "The key store or the relay did not respond.",
            ACCOUNTS_FINE,
            "Check that the relay can be reached, then try again.",
        ),
        PlatformError::Cancelled => {
            words("platform_cancelled", "You cancelled the dialog of the key store.", NOTHING_CHANGED, AGAIN_SOON)
        }
        PlatformError::Invalidated => words(
            "key_invalidated",
            "The key of this account can no longer be used.",
            "Your other accounts are unchanged.",
            "Remove the account, then add it again.",
        ),
        PlatformError::Gone => words(
            "key_gone",
            "A key of this phone no longer exists.",
            "The key was not disclosed.",
            "Remove the account that no longer works, then add it again.",
        ),
        PlatformError::WrongPassphrase => words(
            "wrong_passphrase",
            "That is not the passphrase of this phone.",
            "Nothing was changed; your accounts are still here.",
            "Try again. Check the keyboard layout and Caps Lock.",
        ),
        PlatformError::Unusable => words(
            "platform_unusable",
            "The key store or the relay refused the request, or a file is damaged.",
            "What was stored before is still there.",
            "Check the folder of this phone and the relay's address.",
        ),
    }
}

fn code(fault: CodeError) -> Words {
    match fault {
        CodeError::Damaged => words("code_damaged", "The code is damaged or incomplete.", NOTHING_CHANGED, FRESH_CODE),
        CodeError::Address => words(
            "code_address",
            "The address in the code is not the address of a sign-in service.",
            "Nothing was sent there.",
            "Check the address in your browser before you start again.",
        ),
        CodeError::TypedForm => words(
            "code_form",
            "A typed code has 12 letters and digits.",
            NOTHING_CHANGED,
            "Type the code as the page shows it; case and hyphens don't matter.",
        ),
    }
}

fn picture(fault: PictureError) -> Words {
    match fault {
        PictureError::TooLarge => {
            words("picture_too_large", "The picture is too large.", NOTHING_CHANGED, "Crop it to the code.")
        }
        PictureError::NotAPicture => {
            words("not_a_picture", "The file is not a PNG or JPEG picture.", NOTHING_CHANGED, "Use a screenshot.")
        }
        PictureError::Damaged => {
            words("picture_damaged", "The picture is damaged.", NOTHING_CHANGED, "Take the screenshot again.")
        }
        PictureError::NoCode => words(
            "picture_no_code",
            "No code was found in the picture.",
            NOTHING_CHANGED,
            "Take the picture again, with the whole code and its white border. Or type the code.",
        ),
        PictureError::TwoCodes => words(
            "picture_two_codes",
            "Two codes were found in the picture.",
            NOTHING_CHANGED,
            "Crop it to the code that you mean.",
        ),
        PictureError::TookTooLong => words(
            "picture_too_long",
            "Looking for a code in the picture took too long.",
            NOTHING_CHANGED,
            "Crop it to the code, or type the code.",
        ),
        PictureError::NotSupported => words(
            "picture_not_supported",
            "This app does not read pictures.",
            NOTHING_CHANGED,
            "Scan the code with the camera, or type the code.",
        ),
    }
}

fn metadata(fault: MetadataFault) -> Words {
    match fault {
        MetadataFault::Missing => words(
            "not_a_service",
            "There is no sign-in service at this address.",
            NOTHING_KEPT,
            "Check the address next to the code.",
        ),
        MetadataFault::Unreadable => {
            words("service_unreadable", "The metadata of this service can't be read.", NOTHING_KEPT, ASK_HELP)
        }
        MetadataFault::OtherIssuer => words(
            "service_other_issuer",
            "The service at this address says that it has another address.",
            NOTHING_KEPT,
            "Compare this address with the address in your browser; don't continue if they differ.",
        ),
        MetadataFault::NoPhoneSignIn => {
            words("service_no_phone", "This sign-in service does not support phones.", NOTHING_KEPT, ASK_HELP)
        }
        MetadataFault::EndpointElsewhere => {
            words("service_elsewhere", "This service sends phones to another address.", NOTHING_KEPT, ASK_HELP)
        }
        MetadataFault::PushKey => {
            words("service_push_key", "The push key of this service can't be used.", NOTHING_KEPT, ASK_HELP)
        }
    }
}

fn enrollment(fault: EnrollmentFault) -> Words {
    match fault {
        EnrollmentFault::Unknown => words(
            "enrollment_unknown",
            "The service does not know this code.",
            NOTHING_KEPT,
            "Check what you typed, or start again with a fresh code.",
        ),
        EnrollmentFault::Expired => words(
            "enrollment_expired",
            "This code has expired; it was valid for ten minutes.",
            NOTHING_KEPT,
            FRESH_CODE,
        ),
        EnrollmentFault::Used => words(
            "enrollment_used",
            "This code was used already, by this or another phone.",
            NOTHING_KEPT,
            "If that wasn't you, report it on the page. Then start again with a fresh code.",
        ),
        EnrollmentFault::Cancelled => {
            words("enrollment_cancelled", "This code was cancelled on the page.", NOTHING_KEPT, FRESH_CODE)
        }
        EnrollmentFault::TooManyLookUps => {
            words("too_many_look_ups", "This code was looked up too often.", NOTHING_KEPT, FRESH_CODE)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::assert_all_differ;
    use super::*;

    fn every_error() -> Vec<Error> {
        use {EnrollmentFault as E, MetadataFault as M, PictureError as P, PlatformError as F, StoreFault as S};
        let mut errors = vec![
            Error::NotYetUnlocked,
            Error::FromAnotherDevice,
            Error::NotFromAnotherDevice,
            Error::NewerSchema(9),
            Error::Offline,
            Error::Untrusted,
            Error::Busy,
            Error::UnsupportedVersion,
            Error::Impostor,
            Error::ClockWrong,
            Error::AlreadyHere,
            Error::InvalidAnswer,
            Error::Refused,
            Error::Removed,
            Error::UnknownAccount,
            Error::UnknownPrompt,
            Error::PromptExpired,
            Error::AlreadyAnswered,
            Error::NumberForm,
            Error::UnknownTicket,
            Error::Closed,
        ];
        errors.extend([S::DiskFull, S::ReadOnly, S::Busy, S::Damaged, S::Record, S::Other].map(Error::Store));
        errors.extend([F::Locked, F::Transient, F::Cancelled, F::Invalidated].map(Error::Platform));
        errors.extend([F::Gone, F::WrongPassphrase, F::Unusable].map(Error::Platform));
        errors.extend([CodeError::Damaged, CodeError::Address, CodeError::TypedForm].map(Error::Code));
        errors.extend(
            [P::TooLarge, P::NotAPicture, P::Damaged, P::NoCode, P::TwoCodes, P::TookTooLong].map(Error::Picture),
        );
        errors.extend([M::Missing, M::Unreadable, M::OtherIssuer, M::NoPhoneSignIn].map(Error::NotASignInService));
        errors.extend([M::EndpointElsewhere, M::PushKey].map(Error::NotASignInService));
        errors.extend([E::Unknown, E::Expired, E::Used, E::Cancelled, E::TooManyLookUps].map(Error::Enrollment));
        errors
    }

    #[test]
    fn each_core_error_has_its_own_texts() {
        let said: Vec<Words> = every_error().iter().map(of).collect();
        assert_all_differ(&said);
        assert!(said.iter().all(|words| words.code != "unknown"));
    }
}
