//! Destroying keys that were given up: decided in a transaction, done here, again and again until it is true.

use crate::authenticator::context::Core;
use crate::authenticator::error::Error;
use crate::authenticator::records::account::device_key_alias;
use crate::authenticator::store::retired_keys::RetiredKey;
use crate::base::points::Point;

/// Destroys what may be destroyed now. A device key stays as long as something must still be told with it.
///
/// # Errors
/// Only when this phone's own store fails; a key store that sulks is asked again at the next chance.
pub(crate) async fn destroy(core: &Core) -> Result<(), Error> {
    for key in core.store.read(|tables| tables.retired_keys()).await? {
        if is_needed(core, &key).await? {
            continue;
        }
        match core.ports.delete_key(key.alias.clone()).await {
            Ok(()) => {
                core.store.write(Point::KeyDestroyed, move |tables| tables.forget_retired_key(&key.alias)).await?;
            }
            Err(error) => tracing::info!(%error, "a key could not be destroyed yet"),
        }
    }
    Ok(())
}

async fn is_needed(core: &Core, key: &RetiredKey) -> Result<bool, Error> {
    let account = key.account.clone();
    if key.alias != device_key_alias(&account) {
        return Ok(false);
    }
    core.store.read(move |tables| Ok(!tables.outbox_is_silent_for(&account)?)).await
}
