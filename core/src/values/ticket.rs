//! Defines tickets: the names of acts that need more than one call.

use serde::{Deserialize, Serialize};

use crate::values::account::AccountId;

const SIGN_IN_ENROLLMENT: &str = "sign-in:";
const PHONE_SIGN_IN: &str = "phone-sign-in:";

/// Names an unfinished act, so that the app can continue or abandon it. The core makes tickets. A ticket may contain
/// the `AccountId`, but no secret.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Ticket(pub String);

#[cfg(feature = "uniffi")]
uniffi::custom_newtype!(Ticket, String);

/// The act that a ticket names.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Act {
    /// Adding this account by signing in (section 11 of the protocol).
    SignInEnrollment(AccountId),
    /// Turning phone sign-in on for this account (section 10.1 of the protocol).
    PhoneSignIn(AccountId),
    /// Adding an account by a code, or an approval that waits for user verification. The core finds both by the
    /// complete ticket.
    Other,
}

impl Ticket {
    /// Returns the ticket of an account that is being added by signing in.
    pub(crate) fn of_sign_in_enrollment(account: &AccountId) -> Self {
        Self(format!("{SIGN_IN_ENROLLMENT}{}", account.0))
    }

    /// Returns the ticket of an account for which phone sign-in is being turned on.
    pub(crate) fn of_phone_sign_in(account: &AccountId) -> Self {
        Self(format!("{PHONE_SIGN_IN}{}", account.0))
    }

    /// Returns the act that this ticket names; any unknown text is `Act::Other`.
    pub(crate) fn act(&self) -> Act {
        let account = |prefix| self.0.strip_prefix(prefix).map(|id: &str| AccountId(id.to_owned()));
        match (account(SIGN_IN_ENROLLMENT), account(PHONE_SIGN_IN)) {
            (Some(account), _) => Act::SignInEnrollment(account),
            (None, Some(account)) => Act::PhoneSignIn(account),
            (None, None) => Act::Other,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_ticket_names_the_act_that_it_was_made_for() {
        let account = AccountId("AAECAwQFBgcICQoLDA0ODw".to_owned());
        assert_eq!(Ticket::of_sign_in_enrollment(&account).act(), Act::SignInEnrollment(account.clone()));
        assert_eq!(Ticket::of_phone_sign_in(&account).act(), Act::PhoneSignIn(account.clone()));
        assert_eq!(Ticket(account.0).act(), Act::Other);
        assert_eq!(Ticket("sign-out:x".to_owned()).act(), Act::Other);
    }
}
