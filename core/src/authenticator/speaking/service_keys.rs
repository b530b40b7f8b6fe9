//! Following a service's key chain: when a `kid` is unknown, or a state names a newer document.

use crate::authenticator::error::Error;
use crate::authenticator::records::speaker::Speaker;
use crate::authenticator::speaking::connection::Connection;
use crate::base::points::Point;
use crate::protocol::messages::State;

/// A chain is asked for at most once in this time for each account, in seconds (protocol section 6): messages that name
/// random keys cost no more.
const ASK_INTERVAL: u64 = 300;

/// Follows the service's key chain, at most once in `ASK_INTERVAL`.
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

/// Learns of new keys before they sign; what can't be had now is asked for again, and changes nothing of this answer.
pub(crate) async fn follow_ahead(to: Connection<'_>, speaker: &mut Speaker, state: &State) {
    // GUARD(retired-key): j9_a_prompt_signed_by_a_retired_key_is_not_shown
    // INSTEAD: if state.keys_seq.is_some_and(|newest| false && speaker.service_keys.is_older_than(newest))
    if state.keys_seq.is_some_and(|newest| speaker.service_keys.is_older_than(newest))
        && let Err(error) = refresh_keys(to, speaker).await
    {
        tracing::info!(%error, "the service's keys could not be followed ahead");
    }
}
