//! Notices: shown until the person has seen them, then the service is told.

use crate::authenticator::context::Core;
use crate::authenticator::error::Error;
use crate::authenticator::records::outbox_entry::Entry;
use crate::base::points::Point;
use crate::protocol::messages::Message;
use crate::values::account::AccountId;

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
