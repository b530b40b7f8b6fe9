//! Finds requests and accounts by short names, which a person can type. An ambiguous name is refused.

use countersign::{Account, PromptId};

use crate::error::PhoneError;

/// Length of a short name, in characters. It is very unlikely that two of a few random ids begin with the same six
/// characters.
const SHORT: usize = 6;
/// Minimum length of a prefix. A shorter prefix is refused, because it is more likely a typing mistake.
const SHORTEST: usize = 4;

/// Returns the short name of an id: its first characters.
pub(crate) fn short(id: &str) -> String {
    id.chars().take(SHORT).collect()
}

/// Finds a request by its whole id or by a unique prefix.
pub(crate) fn request<'a>(known: impl Iterator<Item = &'a PromptId>, name: &str) -> Result<PromptId, PhoneError> {
    let known: Vec<_> = known.collect();
    if let Some(exact) = known.iter().find(|id| id.jti == name) {
        return Ok((*exact).clone());
    }
    let fitting: Vec<_> = known.into_iter().filter(|id| name.len() >= SHORTEST && id.jti.starts_with(name)).collect();
    match fitting.as_slice() {
        [] => Err(PhoneError::NoSuchRequest),
        [one] => Ok((*one).clone()),
        [_, _, ..] => Err(PhoneError::SeveralRequests),
    }
}

/// Finds an account by its whole id, a prefix of its id, its host, or its user name.
pub(crate) fn account<'a>(known: &'a [Account], name: &str) -> Result<&'a Account, PhoneError> {
    if let Some(exact) = known.iter().find(|account| account.id.0 == name) {
        return Ok(exact);
    }
    let fits = |account: &&Account| {
        (name.len() >= SHORTEST && account.id.0.starts_with(name)) || account.host == name || account.user_name == name
    };
    let fitting: Vec<_> = known.iter().filter(fits).collect();
    match fitting.as_slice() {
        [] => Err(PhoneError::NoSuchAccount),
        [one] => Ok(one),
        [_, _, ..] => Err(PhoneError::SeveralAccounts),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]

    use countersign::{AccountHealth, AccountId, PhoneSignIn, Timestamp};

    use super::*;

    fn prompt(jti: &str) -> PromptId {
        PromptId { account: AccountId("a".to_owned()), jti: jti.to_owned() }
    }

    fn shown(id: &str, host: &str, user: &str) -> Account {
        Account {
            id: AccountId(id.to_owned()),
            issuer: format!("https://{host}"),
            host: host.to_owned(),
            organization: "Example".to_owned(),
            user_name: user.to_owned(),
            health: AccountHealth::Active,
            phone_sign_in: PhoneSignIn::Off,
            added_at: Timestamp(0),
            muted_until: None,
            quiet_origins: Vec::new(),
        }
    }

    #[test]
    fn request_is_found_by_id_or_unique_prefix() {
        let known = [prompt("abcdefgh"), prompt("abcxyzgh")];
        assert_eq!(request(known.iter(), "abcdef"), Ok(known[0].clone()));
        assert_eq!(request(known.iter(), "abcxyzgh"), Ok(known[1].clone()));
    }

    #[test]
    fn ambiguous_request_prefix_is_refused() {
        let known = [prompt("abcdefgh"), prompt("abcdefxx")];
        assert_eq!(request(known.iter(), "abcdef"), Err(PhoneError::SeveralRequests));
    }

    #[test]
    fn an_unknown_or_too_short_name_is_refused() {
        let known = [prompt("abcdefgh")];
        assert_eq!(request(known.iter(), "abc"), Err(PhoneError::NoSuchRequest));
        assert_eq!(request(known.iter(), ""), Err(PhoneError::NoSuchRequest));
        assert_eq!(request(known.iter(), "zzzzzz"), Err(PhoneError::NoSuchRequest));
    }

    #[test]
    fn account_is_found_by_id_host_or_user_name() {
        let known = [shown("id-one-1", "a.example", "ada"), shown("id-two-2", "b.example", "bob")];
        assert_eq!(account(&known, "id-one").unwrap().user_name, "ada");
        assert_eq!(account(&known, "b.example").unwrap().user_name, "bob");
        assert_eq!(account(&known, "bob").unwrap().host, "b.example");
    }

    #[test]
    fn host_of_two_accounts_is_ambiguous() {
        let known = [shown("id-one-1", "a.example", "ada"), shown("id-two-2", "a.example", "bob")];
        assert_eq!(account(&known, "a.example"), Err(PhoneError::SeveralAccounts));
        assert_eq!(account(&known, "c.example"), Err(PhoneError::NoSuchAccount));
    }
}
