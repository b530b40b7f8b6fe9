//! Deletes retired keys from the key store. The transaction that ends the use of a key retires the key. This module
//! deletes the key later, and retries until the key store confirms that the key is gone.

use crate::authenticator::context::Core;
use crate::authenticator::error::Error;
use crate::authenticator::records::account::device_key_alias;
use crate::authenticator::store::retired_keys::RetiredKey;
use crate::base::points::Point;

/// Deletes the retired keys that are no longer needed. A device key stays while the outbox has messages that it must
/// sign.
///
/// # Errors
/// `Store`. A key that the key store could not delete is retried at the next call.
pub(crate) async fn destroy(core: &Core) -> Result<(), Error> {
    for key in core.store.read(|tables| tables.retired_keys()).await? {
        if is_needed(core, &key).await? {
            continue;
        }
        match core.ports.delete_key(key.alias.clone()).await {
            Ok(()) => {
                core.store.write(Point::KeyDestroyed, move |tables| tables.forget_retired_key(&key.alias)).await?;
            }
            Err(error) => tracing::info!(%error, "a retired key could not be deleted yet"),
        }
    }
    Ok(())
}

/// Whether the outbox still needs a retired device key. Other retired keys are not needed.
async fn is_needed(core: &Core, key: &RetiredKey) -> Result<bool, Error> {
    let account = key.account.clone();
    if key.alias != device_key_alias(&account) {
        return Ok(false);
    }
    core.store.read(move |tables| Ok(!tables.outbox_is_empty_for(&account)?)).await
}
