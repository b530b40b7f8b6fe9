//! Notices: shown until the person has seen them, then the service is told.

use crate::account::AccountId;
use crate::context::Core;
use crate::error::Error;
use crate::outbox::entry::Entry;
use crate::points::Point;
use crate::service::messages::Message;

/// Takes a notice off the screen, and tells the service in the same transaction's outbox.
///
/// # Errors
/// `UnknownAccount`.
pub(crate) async fn dismiss(core: &Core, account: AccountId, id: String) -> Result<(), Error> {
    let wanted = account.clone();
    let record = core.store.read(move |tables| tables.account(&wanted)).await?;
    let message = Message::Ack { notices: vec![id.clone()] };
    let entry = Entry::new(&record, record.endpoints.device.clone(), message, core.ports.clock.now())?;
    core.change(Point::NoticeDismissed, move |tables| {
        if tables.dismiss_notice(&account, &id)? && !record.is_removed() {
            tables.insert_outbox(&entry)?;
        }
        Ok(())
    })
    .await?;
    core.wake_outbox();
    Ok(())
}
