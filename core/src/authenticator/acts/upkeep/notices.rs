//! Dismisses notices: the app no longer shows a dismissed notice, and the core acknowledges it to the service.

use crate::authenticator::context::Core;
use crate::authenticator::error::Error;
use crate::authenticator::records::outbox_entry::Entry;
use crate::base::points::Point;
use crate::protocol::messages::Message;
use crate::values::account::AccountId;

/// Dismisses a notice. The same transaction stores the message that acknowledges the notice to the service.
///
/// # Errors
/// `UnknownAccount`, `Store`. An unknown notice is ignored.
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
