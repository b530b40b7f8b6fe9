//! What is written once, what is found again, and what is in nobody's way.
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
fn a_push_is_new_once_and_found_by_account_name_and_kind() {
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
    assert_eq!(all, ["one", "one", "two"], "the first of two stays");
}

#[test]
fn what_cannot_be_kept_is_told_and_what_is_in_its_place_is_not_told_again() {
    let (folder, files) = files();
    let push = kept("anna", "one");
    // Nothing can be written where there is no folder: rather told twice than not at all.
    let nowhere = Files::new(&folder.path().join("nowhere"), Sealer::new(vec![7; 32]).unwrap());
    assert_eq!((nowhere.keep("p", Kind::Prompt, &push), nowhere.all()), (Keeping::New, Vec::new()));
    // Another process was faster by a moment: something is there that can't be read yet, nor put out of the way.
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
fn files_go_after_ten_minutes_and_only_ours() {
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
