//! Tests which accounts' files the app writes for the notification extension, and when.
#![allow(clippy::unwrap_used, reason = "tests fail by panicking")]

use std::fs;
use std::path::PathBuf;

use tempfile::TempDir;

use crate::authenticator::records::account::StoredState;
use crate::authenticator::store::samples::{NOW, account};
use crate::authenticator::store::{Store, Tables};
use crate::base::points::Point;
use crate::inbox::{Inbox, InboxError};
use crate::testing::FakeKeyStore;
use crate::values::account::{AccountId, RemovalCause};
use crate::values::prompt::PushEffect;

struct Phone {
    folder: TempDir,
    keys: FakeKeyStore,
}

impl Phone {
    /// A phone with the accounts of Anna and Berta, whose files were written by an earlier process.
    fn new() -> Self {
        let phone = Self { folder: tempfile::tempdir().unwrap(), keys: FakeKeyStore::default() };
        fs::create_dir(phone.inbox()).unwrap();
        fs::write(phone.inbox().join("snapshot"), "of version 0.1").unwrap();
        let insert =
            |tables: &Tables<'_>| ["anna", "berta"].iter().try_for_each(|name| tables.insert_account(&account(name)));
        phone.open().write_blocking(Point::Database, insert).unwrap();
        let _marks_removed = phone.open();
        phone
    }

    fn inbox(&self) -> PathBuf {
        self.folder.path().join("inbox")
    }

    fn open(&self) -> Store {
        Store::open(&self.folder.path().join("phone.db"), &self.inbox(), &self.keys).unwrap()
    }

    fn damage(&self) {
        for name in ["anna", "berta"] {
            fs::write(self.file(name), "damaged").unwrap();
        }
    }

    fn file(&self, name: &str) -> PathBuf {
        self.inbox().join(crate::inbox::account_file(&account(name).slot))
    }

    /// Returns whether the extension can read the account's file. If not, the next start would write every file, unless
    /// the mark is removed.
    fn is_read(&self, name: &str) -> bool {
        let inbox = Inbox::open(&self.inbox(), &self.keys).unwrap();
        let found = inbox.push_received(&account(name).slot, b"", NOW);
        assert!(matches!(found, Ok(PushEffect::Nothing) | Err(InboxError::Unreadable)));
        let _not_there = fs::remove_file(self.inbox().join("accounts/damaged"));
        found.is_ok()
    }
}

fn mute(store: &Store, name: &str) {
    let muted =
        |tables: &Tables<'_>| tables.remember(&AccountId(name.to_owned()), |memory| memory.mute(NOW.plus(600), NOW));
    store.write_blocking(Point::Database, muted).unwrap();
}

#[test]
fn a_change_writes_only_the_file_of_its_account() {
    let phone = Phone::new();
    assert!(phone.is_read("anna") && phone.is_read("berta"));
    assert!(!phone.inbox().join("snapshot").exists(), "the snapshot of version 0.1 is still there");
    let store = phone.open();
    phone.damage();
    mute(&store, "anna");
    assert!(phone.is_read("anna") && !phone.is_read("berta"));
}

/// The process is killed, or the power fails, after the commit and before the file is on the disk.
#[test]
fn the_next_start_writes_the_files_of_changed_accounts() {
    let phone = Phone::new();
    mute(&phone.open(), "anna");
    phone.damage();
    phone.open();
    assert!(phone.is_read("anna") && !phone.is_read("berta"));
    phone.damage();
    phone.open();
    assert!(!phone.is_read("anna"), "the file was written again without a change");
}

#[test]
fn the_next_start_repairs_the_files_if_the_extension_found_a_damaged_one() {
    let phone = Phone::new();
    phone.damage();
    let inbox = Inbox::open(&phone.inbox(), &phone.keys).unwrap();
    assert_eq!(inbox.push_received(&account("anna").slot, b"", NOW), Err(InboxError::Unreadable));
    phone.open();
    assert!(phone.is_read("anna") && phone.is_read("berta"));
}

#[test]
fn a_removed_account_has_no_file() {
    let phone = Phone::new();
    let store = phone.open();
    let remove = |tables: &Tables<'_>| {
        tables.set_account_state(&AccountId("anna".to_owned()), StoredState::Removed(RemovalCause::Lost))?;
        tables.delete_account(&AccountId("berta".to_owned()))
    };
    store.write_blocking(Point::Database, remove).unwrap();
    assert!(!phone.file("anna").exists() && !phone.file("berta").exists());
}
