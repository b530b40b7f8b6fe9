//! Tests that a file is written once, found again, and deleted when it is old.
#![allow(clippy::unwrap_used, reason = "tests fail by panicking")]

use std::time::Duration;

use tempfile::TempDir;

use super::*;

const NOW: Timestamp = Timestamp(1_790_000_000);

fn files() -> (TempDir, Files) {
    let folder = tempfile::tempdir().unwrap();
    let files = Files::new(folder.path(), Sealer::new(vec![7; 32]).unwrap());
    (folder, files)
}

fn kept(account: &str, jws: &str) -> Kept {
    Kept { account: AccountId(account.to_owned()), jws: jws.to_owned(), received_at: NOW, seen: None, quiet: None }
}

#[test]
fn push_is_new_once_per_account_jti_and_kind() {
    let (_folder, files) = files();
    let (anna, berta) = (kept("anna", "one"), kept("berta", "two"));
    assert_eq!(files.keep("p", Kind::Prompt, &anna), Keeping::New);
    assert_eq!(files.keep("p", Kind::Prompt, &kept("anna", "another")), Keeping::Known);
    assert_eq!(files.keep("p", Kind::Withdrawal, &anna), Keeping::New);
    assert_eq!(files.keep("p", Kind::Prompt, &berta), Keeping::New);
    assert!(files.has(&anna.account, "p", Kind::Prompt) && files.has(&anna.account, "p", Kind::Withdrawal));
    assert!(!files.has(&anna.account, "p", Kind::Test) && !files.has(&anna.account, "q", Kind::Prompt));
    assert!(!files.has(&berta.account, "p", Kind::Withdrawal));
    let mut all: Vec<String> = files.all().into_iter().map(|kept| kept.jws).collect();
    all.sort_unstable();
    assert_eq!(all, ["one", "one", "two"], "a stored push was replaced");
}

#[test]
fn a_push_that_cannot_be_stored_counts_as_new() {
    let (folder, files) = files();
    let push = kept("anna", "one");
    // Nothing can be written, because the folder does not exist. Showing a prompt twice is better than not showing it.
    let nowhere = Files::new(&folder.path().join("nowhere"), Sealer::new(vec![7; 32]).unwrap());
    assert_eq!((nowhere.keep("p", Kind::Prompt, &push), nowhere.all()), (Keeping::New, Vec::new()));
    // A folder with the file's name can't be read or removed. This imitates another process that has just created the
    // file.
    fs::create_dir(folder.path().join(name(&push.account, "p", Kind::Prompt))).unwrap();
    assert_eq!(files.keep("p", Kind::Prompt, &push), Keeping::Known);
}

#[test]
fn a_file_is_read_up_to_sixteen_kibibytes() {
    let (folder, files) = files();
    let size =
        |jti: &str| fs::metadata(folder.path().join(name(&kept("anna", "").account, jti, Kind::Test))).unwrap().len();
    files.keep("empty", Kind::Test, &kept("anna", ""));
    let room = usize::try_from(MAX_FILE - size("empty")).unwrap();
    for (jti, more, is_read) in [("full", 0, true), ("too much", 1, false)] {
        let push = kept("anna", &"x".repeat(room + more));
        files.keep(jti, Kind::Test, &push);
        assert_eq!((size(jti) > MAX_FILE, files.has(&push.account, jti, Kind::Test)), (!is_read, is_read), "{jti}");
    }
}

#[test]
fn sweep_deletes_only_inbox_files_after_ten_minutes() {
    let (folder, files) = files();
    let push = kept("anna", "one");
    files.keep("p", Kind::Prompt, &push);
    let names = [name(&push.account, "p", Kind::Prompt), "snapshot".to_owned(), "notes.txt".to_owned()];
    for name in &names {
        let file = OpenOptions::new().create(true).append(true).open(folder.path().join(name)).unwrap();
        file.set_modified(UNIX_EPOCH + Duration::from_secs(NOW.0)).unwrap();
    }
    let left = || names.iter().filter(|name| folder.path().join(name).exists()).count();
    files.sweep(NOW.plus(600));
    assert_eq!(left(), 3);
    files.sweep(NOW.plus(601));
    assert_eq!((left(), files.all()), (2, Vec::new()));
}
