//! Shows, sets or removes the lock. The lock is a passphrase that the person enters at each sign-in without a password.

use countersign::{Error, Secret};
use serde_json::json;

use super::ending::Ending;
use super::output::Output;
use crate::cli::LockAct;
use crate::error::PhoneError;
use crate::passphrase;
use crate::phone::Phone;
use crate::render::wrap;

pub(super) async fn lock(
    phone: &Phone,
    act: LockAct,
    unlock_fd: Option<u32>,
    output: &mut Output,
) -> Result<Ending, PhoneError> {
    let guard = phone.guard();
    let has_lock = guard.has_lock().map_err(Error::Platform)?;
    match act {
        LockAct::State => {}
        LockAct::Set => {
            let old = if has_lock { Some(current(unlock_fd)?) } else { None };
            let new = passphrase::new_lock(unlock_fd)?;
            guard.set_lock(&new, old.as_ref()).map_err(Error::Platform)?;
        }
        LockAct::Remove if has_lock => guard.remove_lock(&current(unlock_fd)?).map_err(Error::Platform)?,
        LockAct::Remove => {}
    }
    phone.authenticator().foregrounded().await?;
    say(guard.has_lock().map_err(Error::Platform)?, output)?;
    Ok(Ending::Done)
}

fn current(unlock_fd: Option<u32>) -> Result<Secret<String>, PhoneError> {
    match unlock_fd {
        Some(descriptor) => passphrase::from_descriptor(descriptor),
        None => passphrase::ask("Passphrase of the lock: "),
    }
}

fn say(has_lock: bool, output: &mut Output) -> Result<(), PhoneError> {
    let text = if has_lock {
        "This phone has a lock. You enter its passphrase at each sign-in without a password."
    } else {
        "This phone has no lock, so it can't sign in without a password. To set a lock: countersign-phone lock set"
    };
    output.tell(&wrap(text), &json!({ "event": "lock", "set": has_lock }))?;
    Ok(())
}
