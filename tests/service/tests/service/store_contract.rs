//! Tests that each database, in memory and SQLite, keeps the contract of a store: transactions are atomic and isolated.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use countersign_service::clock::Time;
use countersign_service::store::{Gone, Record, Scope, Store, StoreError, Table, Tx};
use countersign_service::verdict::Verdict;
use serde::{Deserialize, Serialize};

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Note {
    id: String,
    parent: String,
    ends: Option<Time>,
    count: u64,
}

impl Record for Note {
    const TABLE: Table = Table::Audit;

    fn id(&self) -> &str {
        &self.id
    }

    fn parent(&self) -> &str {
        &self.parent
    }

    fn expires_at(&self) -> Option<Time> {
        self.ends
    }
}

/// A record with the fields of `Note`, in another table.
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Other(Note);

impl Record for Other {
    const TABLE: Table = Table::Keys;

    fn id(&self) -> &str {
        &self.0.id
    }

    fn parent(&self) -> &str {
        &self.0.parent
    }

    fn expires_at(&self) -> Option<Time> {
        self.0.ends
    }
}

/// A record that belongs to an account.
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Owned {
    note: Note,
    account: Option<String>,
}

impl Record for Owned {
    const TABLE: Table = Table::Groups;

    fn id(&self) -> &str {
        &self.note.id
    }

    fn parent(&self) -> &str {
        &self.note.parent
    }

    fn expires_at(&self) -> Option<Time> {
        None
    }

    fn account(&self) -> Option<&str> {
        self.account.as_deref()
    }
}

fn note(id: &str, parent: &str) -> Note {
    Note { id: id.to_owned(), parent: parent.to_owned(), ends: None, count: 0 }
}

fn ending(id: &str, ends: Time) -> Note {
    Note { ends: Some(ends), ..note(id, "") }
}

fn put(store: &Store, notes: &[Note]) {
    let write = |tx: &mut Tx<'_>, note: &Note| tx.insert_or_update(note, |stored| *stored = note.clone());
    store.global_blocking(|tx| notes.iter().try_for_each(|note| write(tx, note))).unwrap();
}

fn get(store: &Store, id: &str) -> Option<Note> {
    store.global_blocking(|tx| tx.get(id)).unwrap()
}

fn ids(store: &Store, parent: &str) -> Vec<String> {
    let notes: Vec<Note> = store.global_blocking(|tx| tx.children(parent)).unwrap();
    notes.into_iter().map(|note| note.id).collect()
}

fn on_both(test: impl Fn(&Store)) {
    test(&Store::memory());
    let folder = tempfile::tempdir().unwrap();
    test(&Store::sqlite(&folder.path().join("service.db")).unwrap());
}

#[test]
fn record_is_read_as_it_was_written() {
    on_both(|store| {
        let full = Note { count: u64::MAX, ends: Some(i64::MAX), ..note("ä'\";--\u{0}", "Eltern 家") };
        put(store, std::slice::from_ref(&full));
        assert_eq!(get(store, &full.id), Some(full));
        assert_eq!(get(store, "another"), None);
    });
}

#[test]
fn insert_replaces_no_record() {
    on_both(|store| {
        put(store, &[note("a", "first")]);
        let taken = store.global_blocking(|tx| {
            tx.insert(&note("b", "first"))?;
            tx.insert(&note("a", "second"))
        });
        assert!(matches!(taken, Err(StoreError::Taken)), "{taken:?}");
        assert_eq!(get(store, "b"), None, "the transaction was not rolled back");
        let inserted = store.global_blocking(|tx| {
            Ok((tx.insert_if_new(&note("a", "second"))?, tx.insert_if_new(&note("b", "second"))?))
        });
        assert_eq!(inserted.unwrap(), (false, true));
        assert_eq!(get(store, "a"), Some(note("a", "first")));
    });
}

#[test]
fn update_changes_the_stored_record_and_restores_no_deleted_one() {
    on_both(|store| {
        put(store, &[note("a", "p")]);
        let counted = |tx: &mut Tx<'_>| {
            tx.update("a", |note: &mut Note| {
                note.count += 1;
                note.count
            })
        };
        assert_eq!(store.global_blocking(counted).unwrap(), Verdict::Granted(1));
        assert_eq!(store.global_blocking(counted).unwrap(), Verdict::Granted(2));
        store.global_blocking(|tx| tx.delete::<Note>("a")).unwrap();
        assert_eq!(store.global_blocking(counted).unwrap(), Verdict::Refused(Gone));
        assert_eq!(get(store, "a"), None);
    });
}

#[test]
fn update_does_not_change_the_id() {
    on_both(|store| {
        put(store, &[note("a", "p"), note("b", "p")]);
        let renamed = store.global_blocking(|tx| tx.update("a", |note: &mut Note| note.id = "b".to_owned()));
        assert!(renamed.is_err());
        assert_eq!(ids(store, "p"), ["a", "b"]);
    });
}

/// A transaction on the account `ours` neither reads nor changes a record of the account `theirs`.
#[test]
fn transaction_on_one_account_uses_no_record_of_another_account() {
    on_both(|store| {
        let owned = |id: &str, account: &str| Owned { note: note(id, "p"), account: Some(account.to_owned()) };
        store.global_blocking(|tx| tx.insert(&owned("a", "ours"))).unwrap();
        let scope = Scope::Account("ours".to_owned());
        let counted = |tx: &mut Tx<'_>| tx.update("a", |stored: &mut Owned| stored.note.count += 1);
        assert_eq!(store.run_blocking(&scope, counted).unwrap(), Verdict::Granted(()));
        let free = Owned { note: note("b", "q"), account: None };
        store.run_blocking(&scope, |tx| tx.insert(&free)).unwrap();
        store.global_blocking(|tx| tx.insert(&owned("c", "theirs"))).unwrap();
        let refused = [
            store.run_blocking(&scope, |tx| tx.get::<Owned>("c").map(|_read| ())),
            store.run_blocking(&scope, |tx| tx.children::<Owned>("p").map(|_read| ())),
            store.run_blocking(&scope, |tx| tx.insert(&owned("d", "theirs"))),
            store.run_blocking(&scope, |tx| tx.delete::<Owned>("c").map(|_deleted| ())),
            store.run_blocking(&scope, |tx| {
                tx.update("a", |stored: &mut Owned| stored.account = Some("theirs".to_owned())).map(|_moved| ())
            }),
        ];
        for refused in refused {
            assert!(matches!(refused, Err(StoreError::OtherAccount)), "{refused:?}");
        }
    });
}

/// The memory store runs each transaction twice; SQLite runs it once.
#[test]
fn work_after_the_commit_runs_once_and_not_after_a_failure() {
    on_both(|store| {
        let runs = Arc::new(AtomicUsize::new(0));
        let counting = |tx: &mut Tx<'_>| {
            let runs = Arc::clone(&runs);
            tx.after_commit(move || {
                runs.fetch_add(1, Ordering::SeqCst);
            });
        };
        let failed: Result<(), StoreError> = store.global_blocking(|tx| {
            counting(tx);
            Err(StoreError::Stopped)
        });
        assert!(failed.is_err());
        assert_eq!(runs.load(Ordering::SeqCst), 0);
        store
            .global_blocking(|tx| {
                counting(tx);
                Ok(())
            })
            .unwrap();
        assert_eq!(runs.load(Ordering::SeqCst), 1);
    });
}

#[test]
fn tables_do_not_share_ids() {
    on_both(|store| {
        put(store, &[note("a", "x")]);
        store.global_blocking(|tx| tx.insert(&Other(note("a", "y")))).unwrap();
        let deleted = store.global_blocking(|tx| tx.delete::<Other>("a")).unwrap();
        assert!(deleted);
        assert_eq!(get(store, "a"), Some(note("a", "x")));
    });
}

#[test]
fn children_are_in_the_order_of_first_writing() {
    on_both(|store| {
        put(store, &[note("c", "p"), note("a", "p"), note("x", "q"), note("b", "p")]);
        put(store, &[Note { count: 1, ..note("c", "p") }]);
        assert_eq!(ids(store, "p"), ["c", "a", "b"]);
        put(store, &[note("a", "q")]);
        assert_eq!(ids(store, "p"), ["c", "b"]);
        assert_eq!(ids(store, "q"), ["a", "x"]);
        assert!(ids(store, "nobody").is_empty());
        let every: Vec<Note> = store.global_blocking(|tx| tx.every()).unwrap();
        assert_eq!(every.into_iter().map(|note| note.id).collect::<Vec<_>>(), ["c", "a", "x", "b"]);
    });
}

#[test]
fn delete_returns_whether_a_record_existed() {
    on_both(|store| {
        put(store, &[note("a", "p")]);
        let deleted = store.global_blocking(|tx| Ok((tx.delete::<Note>("a")?, tx.delete::<Note>("a")?)));
        assert_eq!(deleted.unwrap(), (true, false));
        assert!(ids(store, "p").is_empty());
    });
}

#[test]
fn sweep_deletes_exactly_the_expired_records() {
    on_both(|store| {
        put(store, &[ending("past", 99), ending("now", 100), ending("next", 101), note("never", "")]);
        store.global_blocking(|tx| tx.sweep(100)).unwrap();
        assert_eq!(ids(store, ""), ["next", "never"]);
    });
}

#[test]
fn transaction_sees_its_own_writes() {
    on_both(|store| {
        let seen = store.global_blocking(|tx| {
            tx.insert(&note("a", "p"))?;
            let listed = tx.children::<Note>("p")?.len();
            tx.delete::<Note>("a")?;
            Ok((listed, tx.get::<Note>("a")?))
        });
        assert_eq!(seen.unwrap(), (1, None));
    });
}

#[test]
fn error_rolls_back_the_transaction() {
    on_both(|store| {
        put(store, &[note("kept", "p"), ending("old", 1)]);
        let failed: Result<(), StoreError> = store.global_blocking(|tx| {
            let _moved = tx.update("kept", |note: &mut Note| note.parent = "elsewhere".to_owned())?;
            tx.insert(&note("new", "p"))?;
            tx.delete::<Note>("old")?;
            tx.sweep(1_000)?;
            Err(StoreError::Stopped)
        });
        assert!(failed.is_err());
        assert_eq!(ids(store, "p"), ["kept"]);
        assert_eq!(get(store, "old"), Some(ending("old", 1)));
    });
}

#[test]
fn panic_rolls_back_and_the_store_still_works() {
    on_both(|store| {
        put(store, &[note("kept", "p")]);
        let panicked = catch_unwind(AssertUnwindSafe(|| {
            store.global_blocking(|tx| -> Result<(), StoreError> {
                tx.delete::<Note>("kept")?;
                panic!("in the middle")
            })
        }));
        assert!(panicked.is_err());
        assert_eq!(get(store, "kept"), Some(note("kept", "p")));
        put(store, &[note("after", "p")]);
        assert_eq!(ids(store, "p"), ["kept", "after"]);
    });
}

#[test]
fn parallel_transactions_lose_no_update() {
    on_both(|store| {
        put(store, &[note("counter", "")]);
        std::thread::scope(|scope| {
            for _thread in 0..4 {
                scope.spawn(|| (0..25).for_each(|_turn| increment(store)));
            }
        });
        assert_eq!(get(store, "counter").unwrap().count, 100);
    });
}

fn increment(store: &Store) {
    store.global_blocking(|tx| tx.update("counter", |counter: &mut Note| counter.count += 1)).unwrap().granted();
}

#[test]
fn changes_are_signaled_only_after_commit() {
    on_both(|store| {
        let changes = store.changes();
        let failed: Result<(), StoreError> = store.global_blocking(|tx| {
            tx.insert(&note("a", ""))?;
            Err(StoreError::Stopped)
        });
        assert!(failed.is_err());
        assert!(!changes.has_changed().unwrap());
        put(store, &[note("a", "")]);
        assert!(changes.has_changed().unwrap());
    });
}

/// If a read signaled a change, a task that reads after each change would wake itself in an endless loop.
#[test]
fn reading_does_not_signal_a_store_change() {
    on_both(|store| {
        put(store, &[note("a", "p")]);
        let changes = store.changes();
        assert!(get(store, "a").is_some());
        assert_eq!(ids(store, "p"), ["a"]);
        assert!(!changes.has_changed().unwrap());
    });
}

#[tokio::test]
async fn asynchronous_work_is_one_transaction() {
    let folder = tempfile::tempdir().unwrap();
    for store in [Store::memory(), Store::sqlite(&folder.path().join("service.db")).unwrap()] {
        store.global(|tx| tx.insert(&note("a", "p"))).await.unwrap();
        let failed: Result<(), StoreError> = store
            .global(|tx| {
                tx.delete::<Note>("a")?;
                Err(StoreError::Stopped)
            })
            .await;
        assert!(failed.is_err());
        assert_eq!(get(&store, "a"), Some(note("a", "p")));
    }
}

#[test]
fn sqlite_keeps_records_across_a_restart() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("service.db");
    put(&Store::sqlite(&path).unwrap(), &[note("a", "p")]);
    assert_eq!(get(&Store::sqlite(&path).unwrap(), "a"), Some(note("a", "p")));
}

#[test]
fn two_stores_on_one_file_lose_no_writes() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("service.db");
    let (one, other) = (Store::sqlite(&path).unwrap(), Store::sqlite(&path).unwrap());
    put(&one, &[note("counter", "")]);
    std::thread::scope(|scope| {
        scope.spawn(|| (0..25).for_each(|_turn| increment(&one)));
        scope.spawn(|| (0..25).for_each(|_turn| increment(&other)));
    });
    assert_eq!(get(&one, "counter").unwrap().count, 50);
}

#[test]
fn database_of_a_newer_version_is_refused_and_not_changed() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("service.db");
    put(&Store::sqlite(&path).unwrap(), &[note("a", "p")]);
    let raw = rusqlite::Connection::open(&path).unwrap();
    raw.pragma_update(None, "user_version", 1_000).unwrap();
    assert!(Store::sqlite(&path).is_err());
    let version: i64 = raw.pragma_query_value(None, "user_version", |row| row.get(0)).unwrap();
    assert_eq!(version, 1_000);
}

#[test]
fn unreadable_record_is_an_error() {
    on_both(|store| {
        put(store, &[note("a", "")]);
        #[derive(Debug, Serialize, Deserialize)]
        struct Newer {
            id: String,
            needed: String,
        }
        impl Record for Newer {
            const TABLE: Table = Table::Audit;
            fn id(&self) -> &str {
                &self.id
            }
            fn parent(&self) -> &str {
                &self.needed
            }
            fn expires_at(&self) -> Option<Time> {
                None
            }
        }
        assert!(matches!(store.global_blocking(|tx| tx.get::<Newer>("a")), Err(StoreError::Record(_))));
    });
}
