//! Tests what the store reads when a power failure has interrupted its writes. Whatever part of the log file (SQLite's
//! write-ahead log) is left, the database has only complete transactions.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, reason = "tests fail by panicking")]

use std::path::Path;

use crate::authenticator::error::{Error, StoreFault};
use crate::authenticator::store::Store;
use crate::authenticator::store::samples::{NOW, account};
use crate::base::points::Point;
use crate::testing::FakeKeyStore;
use crate::values::account::{AccountId, Notice, NoticeKind};

const ACCOUNTS: usize = 3;
const SECTOR: usize = 512;

/// The files at the moment of the power failure: the database as of its last checkpoint, and the log of later writes.
struct Written {
    database: Vec<u8>,
    log: Vec<u8>,
}

fn open(folder: &Path) -> Result<Store, Error> {
    Store::open(&folder.join("db"), &folder.join("inbox"), &FakeKeyStore::wrapping_with(7))
}

/// Writes several accounts, each in its own transaction with one notice.
fn written() -> Written {
    let folder = tempfile::tempdir().unwrap();
    // Closing the store writes the tables into the database file, so the log then contains only the accounts.
    drop(open(folder.path()).unwrap());
    let store = open(folder.path()).unwrap();
    for number in 0..ACCOUNTS {
        let record = account(&format!("account-{number}"));
        let notice =
            Notice { id: "added".to_owned(), account: record.id.clone(), kind: NoticeKind::MethodAdded, at: NOW };
        store
            .write_blocking(Point::CleanedUp, |tables| {
                tables.insert_account(&record)?;
                tables.insert_notice(&notice)
            })
            .unwrap();
    }
    let read = |name: &str| std::fs::read(folder.path().join(name)).unwrap();
    Written { database: read("db"), log: read("db-wal") }
}

/// Opens the files and returns the number of accounts. Checks that each account has its notice, and that no earlier
/// account is missing.
fn opened(database: &[u8], log: &[u8]) -> Result<usize, Error> {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("db"), database).unwrap();
    std::fs::write(folder.path().join("db-wal"), log).unwrap();
    let store = open(folder.path())?;
    store.write_blocking(Point::CleanedUp, |tables| {
        let accounts: Vec<AccountId> = tables.accounts()?.into_iter().map(|account| account.id).collect();
        let noticed: Vec<AccountId> = tables.notices()?.into_iter().rev().map(|notice| notice.account).collect();
        let first: Vec<AccountId> = (0..accounts.len()).map(|number| AccountId(format!("account-{number}"))).collect();
        assert_eq!((&accounts, &noticed), (&first, &first), "a transaction is incomplete or missing");
        Ok(accounts.len())
    })
}

#[test]
fn j9_w4_a_truncated_log_opens_with_complete_transactions() {
    let Written { database, log } = written();
    assert_eq!(opened(&database, &log), Ok(ACCOUNTS));
    let mut reached = [false; ACCOUNTS + 1];
    let mut before = 0;
    for end in (0..log.len()).step_by(SECTOR) {
        let accounts = opened(&database, &log[..end]).unwrap();
        assert!(accounts >= before, "{end} bytes of the log gave {accounts} accounts, but fewer bytes gave {before}");
        before = accounts;
        reached[accounts] = true;
    }
    assert!(reached[..ACCOUNTS].iter().all(|reached| *reached), "a number of accounts was never read: {reached:?}");
}

#[test]
fn j9_w4_an_altered_log_sector_gives_no_partial_transaction() {
    let Written { database, log } = written();
    let mut fewer = 0;
    for at in (0..log.len()).step_by(SECTOR) {
        let mut altered = log.clone();
        let end = log.len().min(at + SECTOR);
        altered[at.midpoint(end)] ^= 0xff;
        fewer += usize::from(opened(&database, &altered).unwrap() < ACCOUNTS);
    }
    assert!(fewer > ACCOUNTS, "only {fewer} altered sectors had an effect");
}

#[test]
fn j9_w4_a_damaged_database_is_reported_and_not_changed() {
    let Written { database, .. } = written();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("db");
    let checkpointed = {
        let store = open(folder.path()).unwrap();
        store.write_blocking(Point::CleanedUp, |tables| tables.insert_account(&account("ada"))).unwrap();
        drop(store);
        std::fs::read(&path).unwrap()
    };
    let no_header = [vec![0; 100], checkpointed[100..].to_vec()].concat();
    let no_schema = [checkpointed[..100].to_vec(), vec![0xff; 3_996], checkpointed[4_096..].to_vec()].concat();
    for damaged in [no_header, no_schema, checkpointed[..checkpointed.len() / 2].to_vec(), vec![0xff; 8_192]] {
        std::fs::write(&path, &damaged).unwrap();
        let error = open(folder.path()).err();
        assert_eq!(error, Some(Error::Store(StoreFault::Damaged)));
        assert!(std::fs::read(&path).unwrap() == damaged, "the damaged file was changed");
    }
    std::fs::write(&path, &checkpointed).unwrap();
    assert!(open(folder.path()).is_ok());
    assert!(!database.is_empty());
}
