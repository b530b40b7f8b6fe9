//! Compares the phone and the service when nothing is pending, and checks the phone's keys at the end of its `Life`.

use countersign::{SealedFileKeyStore, Secret};
use countersign_journeys::phone::PASSPHRASE;
use countersign_service::audit;
use countersign_service::devices::device::{Device, State};
use countersign_service::prompts::ceremony::{Ceremony, Kind, Outcome};
use rusqlite::{Connection, OpenFlags};

use crate::fault::Fault;
use crate::life::Life;
use crate::orders::Order;

/// Tables that must be empty when nothing is pending.
const UNDER_WAY: [&str; 5] = ["outbox", "retired_keys", "enrollments", "registrations", "sign_in_enrollments"];

impl Life<'_> {
    fn database(&self) -> Result<Connection, Fault> {
        let path = self.surroundings.home.join("countersign.db");
        Connection::open_with_flags(path, OpenFlags::SQLITE_OPEN_READ_ONLY).map_err(Fault::broken)
    }

    fn counted(&self, query: &str) -> Result<usize, Fault> {
        let count: i64 = self.database()?.query_row(query, [], |row| row.get(0)).map_err(Fault::broken)?;
        usize::try_from(count).map_err(Fault::broken)
    }

    /// The number of messages in the outbox.
    pub(crate) fn outbox(&self) -> Result<usize, Fault> {
        self.counted("SELECT count(*) FROM outbox")
    }

    pub(crate) fn outbox_tried(&self) -> Result<bool, Fault> {
        Ok(self.counted("SELECT count(*) FROM outbox WHERE attempts > 0")? > 0)
    }

    pub(crate) fn address_is_due(&self) -> Result<bool, Fault> {
        Ok(self.counted("SELECT count(*) FROM accounts WHERE push_renew_at = 0")? > 0)
    }

    /// Returns the first table of the phone that contains pending work, or `None` when nothing is pending.
    pub(crate) fn phone_rests(&self) -> Result<Option<&'static str>, Fault> {
        for table in UNDER_WAY {
            if self.counted(&format!("SELECT count(*) FROM {table}"))? > 0 {
                return Ok(Some(table));
            }
        }
        Ok(None)
    }

    /// Waits until nothing is pending, then compares phone and service. Skips both if the phone has lost its keys.
    pub(crate) async fn settle(&mut self) -> Result<(), Fault> {
        if self.expected.parted {
            return Ok(());
        }
        self.until("nothing is pending", async |life| {
            life.ask(Order::Look).await?;
            Ok(life.phone_rests()?.is_none().then_some(()))
        })
        .await?;
        if let Some(twice) = self.stage.wire.doubled().into_iter().next() {
            return Err(Fault::Doubled(twice));
        }
        self.compare_phones()?;
        self.compare_requests()?;
        self.compare_audit()
    }

    fn compare_phones(&self) -> Result<(), Fault> {
        let wanted = usize::from(self.expected.account);
        let on_phone = self.state.accounts.len();
        let devices = self.devices()?;
        if devices.iter().any(|device| device.state == State::Pending) {
            return Err(Fault::Stuck("the service has a pending device".to_owned()));
        }
        let active: Vec<Device> = devices.into_iter().filter(Device::is_active).collect();
        for (side, found) in [("accounts on the phone", on_phone), ("active devices at the service", active.len())] {
            if found < wanted {
                return Err(Fault::Lost(format!("{found} {side}, not {wanted}")));
            }
            if found > wanted {
                return Err(Fault::Doubled(format!("{found} {side}, not {wanted}")));
            }
        }
        let Some(device) = active.first() else {
            return Ok(());
        };
        let query = "SELECT device_id, sign_in_key FROM accounts";
        let (id, key): (String, Option<Vec<u8>>) =
            self.database()?.query_row(query, [], |row| Ok((row.get(0)?, row.get(1)?))).map_err(Fault::broken)?;
        let theirs = device.sign_in.as_ref().map(|sign_in| sign_in.key.point()).transpose().map_err(Fault::broken)?;
        if id != device.id || key != theirs || key.is_some() != self.expected.on {
            let shown = |key: Option<Vec<u8>>| if key.is_some() { "on" } else { "off" };
            let wanted = if self.expected.on { "on" } else { "off" };
            let (here, there) = (shown(key), shown(theirs));
            return Err(Fault::Lost(format!(
                "device ids, sign-in keys or states differ: phone sign-in is {here} on the phone, {there} at the \
                 service, and must be {wanted}"
            )));
        }
        match self.state.requests.iter().find(|shown| matches!(shown.state.as_str(), "Open" | "Answering")) {
            Some(shown) => Err(Fault::Stuck(format!("a prompt is still open: {shown:?}"))),
            None => Ok(()),
        }
    }

    /// Checks that the service has one ceremony with its outcome for each decision of the person, and no other
    /// ceremony.
    fn compare_requests(&self) -> Result<(), Fault> {
        let ceremonies = self.service(|tx, account| tx.children::<Ceremony>(account))?;
        let outcome = |ceremony: &Ceremony| ceremony.outcome.map(|outcome| (ceremony.kind, outcome));
        let mut found: Vec<Option<(Kind, Outcome)>> = ceremonies.iter().map(outcome).collect();
        for decided in &self.expected.decided {
            let place = found.iter().position(|found| *found == Some(*decided));
            match place {
                Some(place) => drop(found.remove(place)),
                None => {
                    return Err(Fault::Lost(format!("the service lacks the ceremony {decided:?}, and has {found:?}")));
                }
            }
        }
        match found.first() {
            Some(other) => Err(Fault::Doubled(format!("the service has one ceremony too many: {other:?}"))),
            None => Ok(()),
        }
    }

    /// Checks the audit log. Each added phone and each report must have one entry. The number of entries for turning
    /// phone sign-in on must not be greater than the number of times that the person turned phone sign-in on.
    fn compare_audit(&self) -> Result<(), Fault> {
        let entries = self.service(|tx, account| tx.children::<audit::Entry>(account))?;
        let count = |what: &[&str]| entries.iter().filter(|entry| what.contains(&entry.what.as_str())).count();
        let decided = self.expected.decided.iter();
        let once = [
            ("added phones", count(&["device_activated", "device_added"]), self.expected.added),
            ("reports", count(&["reported"]), decided.filter(|(_, outcome)| *outcome == Outcome::Reported).count()),
        ];
        for (what, found, wanted) in once {
            if found < wanted {
                return Err(Fault::Lost(format!("the audit log has {found} {what}, not {wanted}")));
            }
            if found > wanted {
                return Err(Fault::Doubled(format!("the audit log has {found} {what}, not {wanted}")));
            }
        }
        let (on, limit) = (count(&["phone_sign_in_on"]), self.expected.turned_on);
        if on > limit {
            return Err(Fault::Doubled(format!("phone sign-in was turned on {on} times, more than {limit}")));
        }
        Ok(())
    }

    /// Ends the process. Then checks that the key store has exactly the keys of the account, unless the phone has lost
    /// its keys.
    pub(crate) async fn ends(&mut self) -> Result<(), Fault> {
        self.end_process().await;
        if self.expected.parted {
            return Ok(());
        }
        let query = "SELECT key_alias, sign_in_alias FROM accounts";
        let database = self.database()?;
        let mut wanted: Vec<String> = Vec::new();
        let mut statement = database.prepare(query).map_err(Fault::broken)?;
        let rows = statement
            .query_map([], |row| Ok([row.get::<_, Option<String>>(0)?, row.get::<_, Option<String>>(1)?]))
            .map_err(Fault::broken)?;
        for row in rows {
            wanted.extend(row.map_err(Fault::broken)?.into_iter().flatten());
        }
        let path = self.surroundings.home.join("keys");
        let opened = SealedFileKeyStore::open(&path, &Secret::new(PASSPHRASE.to_owned())).map_err(Fault::broken)?;
        let mut found = opened.aliases().map_err(Fault::broken)?;
        wanted.sort();
        found.sort();
        if found.len() < wanted.len() {
            return Err(Fault::Lost("a key of the account is missing from the key store".to_owned()));
        }
        if found != wanted {
            return Err(Fault::Stuck("an unused key is still in the key store".to_owned()));
        }
        Ok(())
    }
}
