//! Making, using and revoking the API tokens of administrators.

use super::authority::Authority;
use crate::audit;
use crate::clock::Time;
use crate::endings::{Ending, end};
use crate::people::person::Person;
use crate::policy::document::TokenScope;
use crate::policy::records::{ApiToken, TOKEN_LIFE};
use crate::prompts::change::Act;
use crate::provenance::Given;
use crate::secrets::{hashed, random_id};
use crate::store::{Brand, StoreError, Tx};
use crate::texts::is_shown;

/// Proof that an administrator may get an API token.
pub struct MakeApiToken<'t> {
    account_id: String,
    name: String,
    scope: TokenScope,
    given: Given,
    _brand: Brand<'t>,
}

/// Checks the authority to make a token. An administrator makes tokens only for themselves; the operator names the
/// administrator.
pub fn check<'t>(
    tx: &mut Tx<'t>,
    authority: &Authority<'t>,
    operators_choice: Option<&str>,
    now: Time,
) -> Result<Option<MakeApiToken<'t>>, StoreError> {
    let Act::MakeApiToken { name, scope } = authority.act().clone() else {
        return Ok(None);
    };
    let Some(owner) = authority.administrator().or(operators_choice) else {
        return Ok(None);
    };
    let person = tx.get::<Person>(owner)?.filter(|person| person.is_administrator && !person.suspended);
    let person = person.filter(|_person| !name.is_empty() && is_shown(&name));
    let given = authority.given(now);
    Ok(person.map(|person| MakeApiToken { account_id: person.account_id, name, scope, given, _brand: tx.brand() }))
}

/// Makes the token, and returns it. The database contains only its hash.
pub fn act<'t>(tx: &mut Tx<'t>, proof: MakeApiToken<'t>, now: Time) -> Result<String, StoreError> {
    let MakeApiToken { account_id, name, scope, given, _brand } = proof;
    let token = random_id()?;
    let id = hashed(token.as_bytes());
    audit::record(tx, &account_id, "api_token_made", &id, now)?;
    tx.insert(&ApiToken { id, account_id, name, scope, expires_at: now + TOKEN_LIFE, given })?;
    Ok(token)
}

/// Proof that a request contains the API token of an administrator.
pub struct ApiAccess<'t> {
    token: ApiToken,
    given: Given,
    _brand: Brand<'t>,
}

impl ApiAccess<'_> {
    /// Returns the account id of the administrator.
    #[must_use]
    pub fn administrator(&self) -> &str {
        &self.token.account_id
    }

    /// Returns the provenance of what the token gives: what gave the token, and the approvals behind the role.
    #[must_use]
    pub fn given(&self) -> Given {
        self.given.clone()
    }

    /// Returns what the token allows.
    #[must_use]
    pub fn scope(&self) -> TokenScope {
        self.token.scope
    }
}

/// Checks an API token. `token` is the hashed token. Returns `None` if the token is unknown or has expired, or if its
/// owner is suspended or no longer an administrator.
pub fn access<'t>(tx: &mut Tx<'t>, token: &str, now: Time) -> Result<Option<ApiAccess<'t>>, StoreError> {
    let Some(token) = tx.get::<ApiToken>(token)?.filter(|token| token.expires_at > now) else {
        return Ok(None);
    };
    let person = tx.get::<Person>(&token.account_id)?;
    // GUARD(policy-api-administrator): j1_w4_policy_api_refuses_non_administrators
    // INSTEAD: let person = person.filter(|person| !person.suspended);
    let person = person.filter(|person| person.is_administrator && !person.suspended);
    Ok(person.map(|person| {
        // GUARD(token-follows-role): a_policy_by_the_operators_token_falls_with_the_role
        // INSTEAD: let given = token.given.clone();
        let given = token.given.clone().by_token(&token.account_id, &person.standing(), now);
        ApiAccess { token, given, _brand: tx.brand() }
    }))
}

/// Proof that an API token may be revoked.
pub struct Revoke<'t> {
    token: ApiToken,
    _brand: Brand<'t>,
}

/// An administrator revokes their own tokens without an approval, because it only takes rights away. The operator
/// revokes every token. `owner`: the administrator, or `None` for the operator.
pub fn check_revocation<'t>(
    tx: &mut Tx<'t>,
    token_id: &str,
    owner: Option<&str>,
) -> Result<Option<Revoke<'t>>, StoreError> {
    let token = tx.get::<ApiToken>(token_id)?;
    let may = token.filter(|token| owner.is_none_or(|owner| token.account_id == owner));
    Ok(may.map(|token| Revoke { token, _brand: tx.brand() }))
}

/// Revokes the token.
pub fn revoke<'t>(tx: &mut Tx<'t>, proof: Revoke<'t>, now: Time) -> Result<(), StoreError> {
    end(tx, &proof.token.account_id, &Ending::ApiTokenRevoked(proof.token.id), now).map(|_ended| ())
}
