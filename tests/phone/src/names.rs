//! Short names of requests and accounts, for typing; a name that fits two things fits none.

use countersign::{Account, PromptId};

use crate::error::PhoneError;

/// Characters of a request's or an account's short name; with a handful at a time two never begin alike.
const SHORT: usize = 6;
/// Shorter beginnings are more likely a slip than a name.
const SHORTEST: usize = 4;

/// The name to type.
pub(crate) fn short(id: &str) -> String {
    id.chars().take(SHORT).collect()
}

/// The request that goes by `name`: its whole id, or a beginning that no other has.
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

/// The account that goes by `name`: its id or a beginning of it, its host, or its user name.
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
    fn a_request_goes_by_its_whole_id_or_a_beginning_of_its_own() {
        let known = [prompt("abcdefgh"), prompt("abcxyzgh")];
        assert_eq!(request(known.iter(), "abcdef"), Ok(known[0].clone()));
        assert_eq!(request(known.iter(), "abcxyzgh"), Ok(known[1].clone()));
    }

    #[test]
    fn a_beginning_that_two_requests_share_names_none() {
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
    fn an_account_goes_by_id_host_or_user_name() {
        let known = [shown("id-one-1", "a.example", "ada"), shown("id-two-2", "b.example", "bob")];
        assert_eq!(account(&known, "id-one").unwrap().user_name, "ada");
        assert_eq!(account(&known, "b.example").unwrap().user_name, "bob");
        assert_eq!(account(&known, "bob").unwrap().host, "b.example");
    }

    #[test]
    fn a_host_of_two_accounts_names_none() {
        let known = [shown("id-one-1", "a.example", "ada"), shown("id-two-2", "a.example", "bob")];
        assert_eq!(account(&known, "a.example"), Err(PhoneError::SeveralAccounts));
        assert_eq!(account(&known, "c.example"), Err(PhoneError::NoSuchAccount));
    }
}
