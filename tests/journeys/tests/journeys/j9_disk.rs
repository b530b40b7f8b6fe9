//! Journey J9: the phone's situation changes. Here its disk is full or read-only, or its database has unreadable
//! records.
//!
//! Cases: w2, an unreadable record; w4, a full or read-only disk.

use crate::common::{self, use_phone, with_phone_sign_in};
use countersign::{Account, AccountId, Error, FetchReason, Outcome, PhoneSignIn, PromptKind, Step, StoreFault};
use countersign_journeys::people::USER;
use countersign_journeys::{TestPhone, World, a_moment};
use countersign_phone::PhoneError;

const BOB: (&str, &str) = ("bob@example.org", "another battery staple");

/// Adds Bob's account to the phone, which has Ada's account already.
async fn with_bob(world: &World, phone: &TestPhone) -> AccountId {
    world.add_person(BOB.0, BOB.1).unwrap();
    let bob = world.person().unwrap();
    let page = bob.sign_in_as(BOB.0, BOB.1).await.unwrap();
    let page = bob.press(&page, "add-method", &[]).await.unwrap();
    let page = bob.press(&page, "next", &[]).await.unwrap();
    let page = common::added(&bob, phone, &page).await;
    common::approve(phone, PromptKind::ConfirmEnrollment, &page).await;
    named(phone, BOB.0).await.unwrap().id
}

async fn named(phone: &TestPhone, user: &str) -> Option<Account> {
    phone.core().accounts().await.unwrap().into_iter().find(|account| account.user_name == user)
}

/// One table after the other gets an unreadable record of Bob's account. Ada's account continues to work.
#[tokio::test(flavor = "multi_thread")]
async fn j9_w2_an_unreadable_record_affects_no_other_account() {
    let world = World::start().await.unwrap();
    let (person, mut phone) = with_phone_sign_in(&world).await;
    let bob = with_bob(&world, &phone).await;
    let database = phone.home().join("countersign.db");
    for damage in [
        "INSERT INTO prompts (account, jti, jws, received_by, received_at, expires_at, state)
         VALUES (?1, 'x', 'x', 'x', 0, 9000000000, 'open')",
        "INSERT INTO notices (account, id, kind, at) VALUES (?1, 'x', 'x', 0)",
        "INSERT INTO outbox (id, account, speaker, endpoint, body, next_at, give_up_at)
         VALUES ('x', ?1, 'x', 'x', 'x', 0, 9000000000)",
        "INSERT INTO registrations (account, stage) VALUES (?1, x'00')",
        "INSERT INTO sign_in_enrollments (account, record) VALUES (?1 || 'x', x'00')",
        "INSERT INTO enrollments (ticket, account, stage, facts, key, push_keys)
         VALUES ('x', ?1 || 'x', 'x', 'x', x'00', x'00')",
        "UPDATE accounts SET push_keys = x'00' WHERE id = ?1",
    ] {
        let damaged = rusqlite::Connection::open(&database).unwrap();
        assert_eq!(damaged.execute(damage, [&bob.0]).unwrap(), 1, "{damage}");
        drop(damaged);
        phone = phone.restart().await.unwrap();
        assert_eq!(named(&phone, USER).await.unwrap().phone_sign_in, PhoneSignIn::On, "{damage}");
        let page = use_phone(&person).await;
        let prompt = phone.prompt_of(PromptKind::PhoneSignIn).await.unwrap();
        let step = phone.approve_unlocked(&prompt, page.number().unwrap()).await.unwrap();
        assert_eq!(step, Step::Done { outcome: Outcome::Approved }, "{damage}");
        let page = person.open("/sign-in/number").await.unwrap();
        person.press(&page, "finish", &[]).await.unwrap();
        let checked = phone.core().check_for_prompts(FetchReason::Opened).await.unwrap();
        assert!(checked.unreachable.iter().all(|(id, _)| *id == bob), "{damage}: {checked:?}");
    }
    assert_eq!(named(&phone, BOB.0).await, None, "an unreadable account is shown");
}

/// The environment variable with the folder of the small disk. It is set only in the process that
/// `with_small_disk` starts.
const DISK: &str = "COUNTERSIGN_TEST_DISK";

/// Runs the test with the given name again in another process, which has its own disk of 512 KiB. The disk is visible
/// only to that process, and is deleted when that process ends.
#[cfg(target_os = "linux")]
fn with_small_disk(test: &str) {
    let folder = tempfile::tempdir().unwrap();
    let mount = "mount -t tmpfs -o size=512k tmpfs \"$1\" && shift && exec \"$@\"";
    let mut unshare = std::process::Command::new("unshare");
    let ran = unshare
        .args(["--map-root-user", "--mount", "sh", "-c", mount, "sh"])
        .arg(folder.path())
        .arg(std::env::current_exe().unwrap())
        .args(["--exact", test, "--nocapture"])
        .env(DISK, folder.path())
        .output()
        .unwrap();
    let output = String::from_utf8_lossy(&ran.stdout).into_owned() + &String::from_utf8_lossy(&ran.stderr);
    assert!(ran.status.success() && output.contains("1 passed"), "{output}");
}

/// Mounts the disk again, read-only (`ro`) or writable (`rw`).
#[cfg(target_os = "linux")]
fn remount(disk: &std::path::Path, how: &str) {
    let options = format!("remount,{how}");
    let mounted = std::process::Command::new("mount").args(["-o", &options]).arg(disk).status().unwrap();
    assert!(mounted.success());
}

#[cfg(target_os = "linux")]
#[tokio::test(flavor = "multi_thread")]
async fn j9_w4_a_full_or_read_only_disk_is_reported_and_loses_nothing() {
    let Some(disk) = std::env::var_os(DISK).map(std::path::PathBuf::from) else {
        with_small_disk("j9_disk::j9_w4_a_full_or_read_only_disk_is_reported_and_loses_nothing");
        return;
    };
    let world = World::start().await.unwrap();
    let (person, phone) = (world.person().unwrap(), world.phone_in(disk.join("phone"), "phone").await.unwrap());
    common::confirmed(&world, &person, &phone).await;
    phone.set_lock().unwrap();
    common::turned_on(&person, &phone).await;
    phone.ignore_pushes();

    let filler = disk.join("filler");
    std::fs::write(&filler, vec![0; 1 << 20]).unwrap_err();
    let page = use_phone(&person).await;
    let checked = phone.core().check_for_prompts(FetchReason::Opened).await;
    assert_eq!(error_of(checked), Error::Store(StoreFault::DiskFull), "the full disk is not reported");
    std::fs::remove_file(filler).unwrap();
    let checked = phone.core().check_for_prompts(FetchReason::Opened).await.unwrap();
    let prompt = checked.prompts.iter().find(|prompt| prompt.kind() == PromptKind::PhoneSignIn).unwrap();
    let step = phone.approve_unlocked(prompt, page.number().unwrap()).await.unwrap();
    assert_eq!(
        step,
        Step::Done { outcome: Outcome::Approved },
        "the phone does not work again when the disk has space"
    );

    let home = phone.home().to_owned();
    phone.core().shut_down().await;
    drop(phone);
    a_moment().await;
    remount(&disk, "ro");
    let refused = world.phone_in(home.clone(), "phone").await.err().unwrap();
    assert_eq!(refused.downcast_ref(), Some(&PhoneError::Home), "{refused}");
    remount(&disk, "rw");
    let phone = world.phone_in(home, "phone").await.unwrap();
    assert_eq!(named(&phone, USER).await.unwrap().phone_sign_in, PhoneSignIn::On);
}

/// Returns the error of the call of `check_for_prompts`. If the call succeeded, returns the error of the account that
/// could not be reached.
#[cfg(target_os = "linux")]
fn error_of(checked: Result<countersign::Checked, Error>) -> Error {
    match checked {
        Ok(checked) => checked.unreachable.into_iter().map(|(_, error)| error).next().unwrap(),
        Err(error) => error,
    }
}
