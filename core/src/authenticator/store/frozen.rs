//! Tests that this version reads the database files of all released schemas, each of which was made once.
//!
//! `COUNTERSIGN_FREEZE=1 cargo test -p countersign --lib frozen` makes the file of the current schema when it is released.
//! Never replace the file of a released schema.
#![allow(clippy::unwrap_used, clippy::panic, reason = "tests fail by panicking")]

use std::path::PathBuf;

use serde_json::json;

use crate::authenticator::error::Error;
use crate::authenticator::records::account::{AccountRecord, SignInKey, StoredState, Trouble};
use crate::authenticator::records::enrollment::{EnrollmentRecord, Facts, Stage};
use crate::authenticator::records::outbox_entry::{Entry, EntryId};
use crate::authenticator::records::sign_in_enrollment::SignInEnrollment;
use crate::authenticator::records::stage;
use crate::authenticator::store::samples::{NOW, account, point, prompt, push_keys};
use crate::authenticator::store::{SCHEMA_VERSION, Store, Tables};
use crate::base::points::Point;
use crate::protocol::messages::Message;
use crate::protocol::proofs::EnrollmentKey;
use crate::testing::FakeKeyStore;
use crate::values::account::{AccountId, Notice, NoticeKind, RemovalCause};
use crate::values::fatigue::Quiet;
use crate::values::origin::Origin;
use crate::values::platform::KeyGuard;
use crate::values::prompt::{Outcome, PromptId, PromptState};
use crate::values::ticket::Ticket;

/// The wrapping key of the fake key store that has wrapped the sealing keys in the file.
const MARK: u8 = 0x5a;

fn file(schema: i64) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join(format!("tests/frozen/version-{schema}.db"))
}

/// An account in which every optional field has a value.
fn ada() -> AccountRecord {
    let mut ada = account("ada");
    let guard = KeyGuard::BiometricOrCredential;
    ada.sign_in = Some(SignInKey { alias: "countersign-sign-in-ada".to_owned(), key: point(), guard });
    ada.policy = Some(
        serde_json::from_value(json!({
            "phone_sign_in": true, "key_guard": "biometric_or_credential", "accounts_on_phone": 1,
        }))
        .unwrap(),
    );
    ada.trouble = Some(Trouble::Suspended);
    ada.memory.alerted("alerted", Origin::Unknown, NOW);
    ada.memory.reported("reported", Origin::PasswordProved, NOW);
    ada.memory.mute(NOW.plus(3_600), NOW);
    ada
}

fn removed() -> AccountRecord {
    AccountRecord { state: StoredState::Removed(RemovalCause::Lost), ..account("removed") }
}

fn pending() -> AccountRecord {
    AccountRecord { state: StoredState::Pending, ..account("pending") }
}

fn enrollment() -> EnrollmentRecord {
    let pending = pending();
    EnrollmentRecord {
        ticket: Ticket("ticket".to_owned()),
        stage: Stage::Bound { point: point().as_sec1().to_vec(), until: NOW.plus(600) },
        facts: Facts {
            account: pending.id,
            issuer: pending.issuer,
            invite_id: "invite".to_owned(),
            account_id: pending.account_id,
            user_name: pending.user_name,
            organization: pending.organization,
            endpoints: pending.endpoints,
            service_keys: pending.service_keys,
            slot: pending.slot,
            clock_offset: 3,
        },
        key: EnrollmentKey::from_bytes(&[9; 16]).unwrap(),
        push_keys: push_keys(),
    }
}

/// An enrollment by signing in, before any key was made.
fn entered() -> SignInEnrollment {
    let account = account("entered");
    serde_json::from_value(json!({
        "account": account.id, "issuer": account.issuer, "endpoints": account.endpoints,
        "redirect_uri": "https://app.example/back", "slot": account.slot, "push_keys": vec![7; 48],
        "clock_offset": 3, "stage": "starting",
    }))
    .unwrap()
}

fn registration() -> stage::Stage {
    stage::Stage::Confirming { redirect_uri: "https://app.example/back".to_owned() }
}

fn notice(id: &str) -> Notice {
    Notice { id: id.to_owned(), account: ada().id, kind: NoticeKind::NewBrowser, at: NOW }
}

fn entry() -> Entry {
    let message = Message::TurnOff { sign_in_key: "thumbprint".to_owned() };
    let entry = Entry::new(&ada(), ada().endpoints.device, message, NOW).unwrap();
    Entry { id: EntryId("entry".to_owned()), ..entry.about(prompt_id("answered"), NOW.plus(120)) }
}

fn prompt_id(jti: &str) -> PromptId {
    PromptId { account: ada().id, jti: jti.to_owned() }
}

fn fill(tables: &Tables<'_>) -> Result<(), Error> {
    for account in [ada(), removed(), pending()] {
        tables.insert_account(&account)?;
    }
    assert!(tables.push_came(&ada().id, NOW, NOW)?);
    tables.insert_enrollment(&enrollment())?;
    tables.set_sign_in_enrollment(&entered())?;
    tables.set_registration(&ada().id, &registration())?;
    for jti in ["open", "answered", "done"] {
        let mut record = prompt(&ada(), jti, "known_browser");
        record.quiet = (jti == "open").then_some(Quiet::Muted { until: NOW.plus(3_600) });
        assert!(tables.insert_prompt(&record)?);
    }
    assert!(tables.begin_answering(&prompt_id("answered"))?);
    tables.finish_prompt(&prompt_id("done"), Outcome::Approved, NOW)?;
    tables.insert_withdrawn(&prompt_id("withdrawn"), NOW.plus(120))?;
    tables.insert_outbox(&entry())?;
    assert!(tables.lease_outbox(&entry().id, entry().lease_until, NOW, NOW.plus(45))?.is_some());
    tables.postpone_outbox(&entry().id, NOW.plus(2), false)?;
    tables.insert_notice(&notice("seen"))?;
    assert!(tables.dismiss_notice(&ada().id, "seen")?);
    tables.insert_notice(&notice("new"))?;
    tables.retire_key("countersign-sign-in-older", &ada().id)
}

/// Checks that everything that `fill` wrote is read.
fn check(tables: &Tables<'_>) -> Result<(), Error> {
    let found: Vec<AccountId> = tables.accounts()?.into_iter().map(|account| account.id).collect();
    assert_eq!(found, [ada().id, removed().id, pending().id]);
    for expected in [ada(), removed(), pending()] {
        assert_eq!(facts(&tables.account(&expected.id)?), facts(&expected));
    }
    assert_eq!(tables.account_by_slot(&ada().slot)?.unwrap().id, ada().id);
    assert_eq!(tables.push_record(&ada().id, NOW)?, (Some(NOW), true));

    let enrolled = tables.enrollment_of(&pending().id)?.unwrap();
    assert_eq!((&enrolled.ticket, &enrolled.stage), (&enrollment().ticket, &enrollment().stage));
    let secrets = |record: &EnrollmentRecord| {
        // EXPOSE: compared with the frozen values.
        (record.key.to_bytes().expose().clone(), record.push_keys.to_bytes().expose().clone())
    };
    assert_eq!(secrets(&enrolled), secrets(&enrollment()));
    assert_eq!(text(&enrolled.facts), text(&enrollment().facts));
    assert_eq!(text(&tables.sign_in_enrollment(&entered().account)?.unwrap()), text(&entered()));
    assert_eq!(text(&tables.registration(&ada().id)?.unwrap()), text(&registration()));

    let open = tables.prompt(&prompt_id("open"))?;
    let expected = prompt(&ada(), "open", "known_browser");
    assert_eq!((open.jws, open.received_by), (expected.jws, expected.received_by));
    assert_eq!((open.received_at, open.expires_at), (NOW, expected.expires_at));
    assert_eq!((open.state, open.quiet), (PromptState::Open, Some(Quiet::Muted { until: NOW.plus(3_600) })));
    assert!(matches!(tables.prompt(&prompt_id("answered"))?.state, PromptState::Answering { .. }));
    assert_eq!(tables.prompt(&prompt_id("done"))?.state, PromptState::Done { outcome: Outcome::Approved });
    assert!(!tables.insert_prompt(&prompt(&ada(), "withdrawn", "unknown"))?, "a withdrawn prompt was stored");

    let sent = tables.outbox_entry(&entry().id)?.unwrap();
    assert_eq!((sent.account, sent.prompt, sent.endpoint), (entry().account, entry().prompt, entry().endpoint));
    assert_eq!(text(&sent.message), text(&entry().message));
    assert_eq!(text(&sent.speaker), text(&entry().speaker));
    assert_eq!((sent.attempts, sent.next_at, sent.abandon_at), (1, NOW.plus(2), NOW.plus(24 * 3_600)));

    assert_eq!(tables.notices()?, [notice("new")]);
    let retired: Vec<String> = tables.retired_keys()?.into_iter().map(|key| key.alias).collect();
    assert_eq!(retired, ["countersign-sign-in-older"]);
    Ok(())
}

/// Returns all fields of an account as text. The push keys are exposed for the comparison.
fn facts(account: &AccountRecord) -> String {
    format!(
        "{:?} {:?} {} {} {} {} {:?} {} {:?} {:?} {:?} {:?} {:?} {:?} {} {:?} {:?} {:?} {:?} {:?}",
        account.id,
        account.issuer.as_str(),
        account.account_id,
        account.user_name,
        account.organization,
        account.device_id,
        account.state,
        account.key_alias,
        account.device_key.as_sec1(),
        account.slot,
        // EXPOSE: compared with the frozen values.
        account.push_keys.to_bytes().expose(),
        account.push_keys.point(),
        account.endpoints,
        account.service_keys,
        account.clock_offset,
        account.added_at,
        account.sign_in,
        account.policy,
        account.trouble,
        account.memory,
    )
}

/// Returns a value as the JSON text that is stored.
fn text(value: &impl serde::Serialize) -> String {
    serde_json::to_string(value).unwrap()
}

#[test]
fn the_databases_of_all_schemas_are_read_completely() {
    let folder = tempfile::tempdir().unwrap();
    let (path, inbox) = (folder.path().join("db"), folder.path().join("inbox"));
    let open = |mark| Store::open(&path, &inbox, &FakeKeyStore::wrapping_with(mark));
    let store = open(MARK).unwrap();
    store.write_blocking(Point::CleanedUp, fill).unwrap();
    drop(store);
    let current = folder.path().join("current");
    std::fs::copy(&path, &current).unwrap();
    if std::env::var_os("COUNTERSIGN_FREEZE").is_some() {
        std::fs::copy(&path, file(SCHEMA_VERSION)).unwrap();
    }
    for file in [file(1), current] {
        std::fs::copy(file, &path).unwrap();
        open(MARK).unwrap().write_blocking(Point::CleanedUp, check).unwrap();
        // Another device's keys can't open the database.
        assert_eq!(open(0x33).err(), Some(Error::FromAnotherDevice));
    }
}
