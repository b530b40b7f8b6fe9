//! Follows a service's key chain (protocol section 6) when this phone does not know the `kid` of a signed message, or
//! when a signed state names a newer key document.

use crate::authenticator::error::Error;
use crate::authenticator::records::speaker::Speaker;
use crate::authenticator::speaking::connection::Connection;
use crate::base::points::Point;
use crate::protocol::messages::State;

/// The shortest time between two fetches of the key chain for an account, in seconds (protocol section 6). Without
/// this limit, an attacker could cause many requests with messages that have random key ids.
const ASK_INTERVAL: u64 = 300;

/// Fetches the service's key chain, verifies that the chain continues the stored keys, and stores the newest keys of
/// the chain.
///
/// Does nothing when the last fetch was less than `ASK_INTERVAL` ago.
///
/// # Errors
/// `IdentityChanged` when the chain does not continue the stored keys: the stored keys then stay. `Busy` for any HTTP
/// status but 200. Other errors are `Offline`, `Untrusted`, `InvalidAnswer` and `Store`.
pub(crate) async fn refresh_keys(to: Connection<'_>, speaker: &mut Speaker) -> Result<(), Error> {
    let account = speaker.account.clone();
    let now = to.ports.clock.now();
    if !to
        .store
        .write(Point::ServiceKeysAsked, move |tables| tables.may_ask_for_keys(&account, now, ASK_INTERVAL))
        .await?
    {
        return Ok(());
    }
    let reply = to.http.get_chain(&speaker.keys_endpoint).await?;
    if reply.status != 200 {
        return Err(Error::Busy);
    }
    let keys = speaker.service_keys.follow(&reply.body, &speaker.issuer)?;
    speaker.service_keys = keys.clone();
    let account = speaker.account.clone();
    to.store.write(Point::ServiceKeysFollowed, move |tables| tables.set_service_keys(&account, &keys)).await
}

/// Follows the key chain when a verified state names a newer key document, so that this phone soon stops accepting the
/// service's old keys. A failure is only logged: the state itself is valid, and a later state names the document again.
pub(crate) async fn follow_keys_early(to: Connection<'_>, speaker: &mut Speaker, state: &State) {
    // GUARD(retired-key): j9_a_prompt_signed_by_a_replaced_key_does_not_alert
    // INSTEAD: if state.keys_seq.is_some_and(|newest| false && speaker.service_keys.is_older_than(newest))
    if state.keys_seq.is_some_and(|newest| speaker.service_keys.is_older_than(newest))
        && let Err(error) = refresh_keys(to, speaker).await
    {
        tracing::info!(%error, "the service's newer keys could not be fetched");
    }
}
