//! Making a browser known to an account, so that its prompts alert and may offer numbers to choose from.

use super::approval::Approval;
use crate::clock::Time;
use crate::notices;
use crate::prompts::ceremony::Owner;
use crate::provenance::Given;
use crate::sign_in::records::KnownBrowser;
use crate::store::{Brand, StoreError, Tx};

/// Proof that a phone has approved a sign-in or its own enrollment in this browser.
pub struct Known<'t> {
    account_id: String,
    given: Given,
    asked_by: Owner,
    _brand: Brand<'t>,
}

/// Every approval in a browser makes it known.
#[must_use]
pub fn by_approval<'t>(tx: &Tx<'t>, approval: &Approval<'t>) -> Known<'t> {
    let (account_id, asked_by) = (approval.account_id().to_owned(), approval.owner().clone());
    Known { account_id, given: approval.given(), asked_by, _brand: tx.brand() }
}

/// The cookies that may identify a browser from now on.
#[derive(Clone)]
pub struct Cookies {
    /// The cookie that the browser has.
    pub own: Option<String>,
    /// A new random cookie.
    pub fresh: String,
}

impl Cookies {
    /// Returns the cookie under which the account can know the browser. The browser keeps its own cookie, because other
    /// accounts may know it. It gets a new one if the account has forgotten it, because somebody may have copied it.
    fn choose(self, tx: &mut Tx<'_>, account_id: &str) -> Result<String, StoreError> {
        let Some(own) = self.own else {
            return Ok(self.fresh);
        };
        let stored = tx.get::<KnownBrowser>(&KnownBrowser::id_of(&own, account_id))?;
        // GUARD(forgotten-cookie-stays-unknown): a_forgotten_browser_gets_a_new_cookie
        // INSTEAD: let is_forgotten = false;
        let is_forgotten = stored.is_some_and(|browser| browser.forgotten);
        Ok(if is_forgotten { self.fresh } else { own })
    }
}

/// Makes the browser known for 90 days, and returns its cookie. The account's phones are notified of a new browser.
pub fn act<'t>(tx: &mut Tx<'t>, proof: Known<'t>, cookies: Cookies, now: Time) -> Result<String, StoreError> {
    let cookie = cookies.choose(tx, &proof.account_id)?;
    let browser = KnownBrowser::new(&cookie, &proof.account_id, proof.given, Some(proof.asked_by));
    if tx.get::<KnownBrowser>(&browser.id)?.is_none() {
        notices::notify(tx, &proof.account_id, None, notices::Kind::NewBrowser, now)?;
    }
    tx.insert_or_update(&browser, |stored| stored.renew(browser.clone(), now))?;
    Ok(cookie)
}
