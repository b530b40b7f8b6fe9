//! Tests which prompts alert, what the inbox stores, and that app and extension can read each other's files.
#![allow(clippy::unwrap_used, reason = "tests fail by panicking")]

use tempfile::TempDir;

use super::*;
use crate::authenticator::store::samples::{NOW, account, prompt, push_keys};
use crate::inbox::keeper::Keeper;
use crate::testing::FakeKeyStore;
use crate::values::account::AccountId;
use crate::values::fatigue::{Memory, Quiet};

/// How many prompts of an origin may wait. The next one is held back.
const MOST: usize = 8;

struct Scene {
    inbox: Inbox,
    recipient: Recipient,
    _folder: TempDir,
}

fn scene() -> Scene {
    let folder = tempfile::tempdir().unwrap();
    let recipient = Recipient {
        slot: b"slot".to_vec(),
        push_keys: push_keys(),
        audience: account("anna").audience(),
        memory: Memory::default(),
    };
    let inbox = Inbox {
        files: Files::new(folder.path(), Sealer::new(vec![7; 32]).unwrap()),
        older: Some(vec![recipient.clone()]),
    };
    Scene { inbox, recipient, _folder: folder }
}

fn came(jti: &str, origin: Origin, expires_at: Timestamp, quiet: Option<Quiet>) -> Kept {
    let seen = Some(Seen { jti: jti.to_owned(), origin, expires_at });
    Kept { account: AccountId("anna".to_owned()), jws: String::new(), received_at: NOW, seen, quiet }
}

impl Scene {
    fn keep(&self, kind: Kind, jti: &str, kept: &Kept) {
        assert_eq!(self.inbox.files.keep(jti, kind, kept), Keeping::New);
    }

    fn judge(&self, origin: Origin) -> Loudness {
        self.inbox.loudness(&self.recipient, origin, NOW)
    }
}

#[test]
fn ninth_waiting_prompt_of_one_account_and_origin_is_held_back() {
    let waits = |jti: &str| came(jti, Origin::SignedIn, NOW.plus(1), Some(Quiet::JustAsked));
    let names: Vec<String> = (0..MOST).map(|index| format!("p{index}")).collect();
    for (what, last, is_held_back) in [
        ("after eight waiting prompts of the same origin", waits("last"), true),
        (
            "after seven waiting prompts and one that has expired",
            came("last", Origin::SignedIn, NOW, Some(Quiet::JustAsked)),
            false,
        ),
        (
            "after seven waiting prompts and one of another origin",
            came("last", Origin::KnownBrowser, NOW.plus(1), Some(Quiet::JustAsked)),
            false,
        ),
        (
            "after seven waiting prompts and one of another account",
            Kept { account: AccountId("berta".to_owned()), ..waits("last") },
            false,
        ),
    ] {
        let scene = scene();
        for jti in names.iter().skip(1) {
            scene.keep(Kind::Prompt, jti, &waits(jti));
        }
        assert_eq!(
            scene.judge(Origin::SignedIn),
            Loudness::Alert,
            "after seven waiting prompts, a prompt did not alert"
        );
        scene.keep(Kind::Prompt, "last", &last);
        assert_eq!(scene.judge(Origin::SignedIn) == Loudness::HeldBack, is_held_back, "{what}");
        if is_held_back {
            scene.keep(Kind::Withdrawal, "last", &came("last", Origin::SignedIn, NOW.plus(1), None));
            assert_ne!(
                scene.judge(Origin::SignedIn),
                Loudness::HeldBack,
                "a prompt was held back after one of eight was withdrawn"
            );
        }
    }
}

#[test]
fn a_recent_alert_makes_the_next_prompt_quiet() {
    for (quiet, expected) in [(None, Loudness::Quiet(Quiet::JustAsked)), (Some(Quiet::JustAsked), Loudness::Alert)] {
        let scene = scene();
        scene.keep(Kind::Prompt, "p", &came("p", Origin::Unknown, NOW.plus(60), quiet));
        assert_eq!(scene.judge(Origin::Unknown), expected, "{quiet:?}");
        assert_eq!(scene.judge(Origin::KnownBrowser), Loudness::Alert, "a prompt of another origin did not alert");
    }
}

#[test]
fn a_prompt_is_stored_once_with_its_reason_to_be_quiet() {
    let scene = scene();
    let arrives = |jti: &str| {
        let record = prompt(&account("anna"), jti, "unknown");
        let kept = Kept { seen: None, ..came(jti, Origin::Unknown, NOW, None) };
        let shown = record.shown(&scene.recipient.audience).unwrap();
        scene.inbox.keep_prompt(&scene.recipient, Box::new(shown), Kept { jws: record.jws, ..kept }, NOW)
    };
    for (jti, quiet) in [("first", None), ("second", Some(Quiet::JustAsked))] {
        let (PushEffect::Alert(shown) | PushEffect::Quiet(shown)) = arrives(jti) else {
            unreachable!("{jti} was not shown");
        };
        assert_eq!(shown.quiet(), quiet, "{jti}");
        let kept =
            scene.inbox.files.all().into_iter().find(|kept| kept.seen.as_ref().is_some_and(|seen| seen.jti == jti));
        assert_eq!(kept.unwrap().quiet, quiet, "{jti}");
        assert_eq!(arrives(jti), PushEffect::Nothing, "{jti} had an effect when it arrived again");
    }
}

#[test]
fn app_and_extension_read_each_others_files() {
    let (folder, key_store, scene) = (tempfile::tempdir().unwrap(), FakeKeyStore::default(), scene());
    let wrapped = key_store.wrap(vec![7; 32]).unwrap();
    let keeper = Keeper::new(folder.path(), Sealer::new(vec![7; 32]).unwrap(), wrapped);
    assert!(keeper.needs_all());
    keeper.leave_all(std::slice::from_ref(&scene.recipient)).unwrap();
    assert!(!keeper.needs_all());
    let inbox = Inbox::open(folder.path(), &key_store).unwrap();
    assert!(inbox.recipient(b"another slot").unwrap().is_none());
    let recipient = inbox.recipient(&scene.recipient.slot).unwrap().unwrap();
    assert_eq!(recipient.slot, scene.recipient.slot);
    assert_eq!(recipient.push_keys.point(), scene.recipient.push_keys.point());
    assert_eq!(recipient.audience.account, scene.recipient.audience.account);
    let found = came("p", Origin::Unknown, NOW.plus(60), None);
    assert_eq!(inbox.files.keep("p", Kind::Prompt, &found), Keeping::New);
    assert_eq!(keeper.kept(NOW), [found]);
    let another = Inbox::open(folder.path(), &FakeKeyStore::default()).err();
    assert_eq!(another, Some(InboxError::Unreadable), "opened on another device, which does not have the key");
}

#[test]
fn a_folder_without_a_snapshot_is_reported() {
    let folder = tempfile::tempdir().unwrap();
    let open = || Inbox::open(folder.path(), &FakeKeyStore::default()).err();
    assert_eq!(open(), Some(InboxError::NoSnapshot));
    std::fs::create_dir(folder.path().join(snapshot::NAME)).unwrap();
    assert_eq!(open(), Some(InboxError::Unreadable), "an unreadable snapshot must not be reported as missing");
}
