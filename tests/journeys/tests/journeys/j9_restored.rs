//! Journey J9: the phone's situation changes. Here a phone's folder is restored on another phone, which does not have
//! the keys.

use std::path::Path;

use crate::common::{self, confirmed, use_phone, with_phone_sign_in};
use countersign::{AccountHealth, Error, NextStep, Outcome, PhoneSignIn, PromptKind, Secret, Step};
use countersign_journeys::people::USER;
use countersign_journeys::phone::PASSPHRASE;
use countersign_journeys::{Person, TestPhone, World};
use countersign_phone::{Keys, Phone, PhoneError, Settings, render};

/// Copies what a backup contains: everything except the key store's file.
fn restored(from: &TestPhone, to: &Path) {
    let mut folders = vec![(from.home().to_owned(), to.to_owned())];
    while let Some((from, to)) = folders.pop() {
        std::fs::create_dir_all(&to).unwrap();
        for entry in std::fs::read_dir(&from).unwrap().map(Result::unwrap) {
            let target = to.join(entry.file_name());
            if entry.path().is_dir() {
                folders.push((entry.path(), target));
            } else if entry.file_name() != "keys" {
                std::fs::copy(entry.path(), target).unwrap();
            }
        }
    }
}

fn keys() -> Keys {
    Keys::SealedFile(Secret::new(PASSPHRASE.to_owned()))
}

fn settings(world: &World, home: &Path) -> Settings {
    let mut settings = Settings::new(home.to_owned());
    settings.relay = Some(world.relay_url());
    settings.ca = Some(world.ca().to_owned());
    settings
}

#[tokio::test(flavor = "multi_thread")]
async fn j9_a_restored_phone_names_its_accounts_and_starts_over() {
    let world = World::start().await.unwrap();
    let (person, first) = with_phone_sign_in(&world).await;
    let folder = tempfile::tempdir().unwrap();
    let home = folder.path().join("second");
    restored(&first, &home);
    let settings = settings(&world, &home);
    let elsewhere = PhoneError::Core(Error::FromAnotherDevice);
    for _time in 0..2 {
        assert_eq!(Phone::open_with(settings.clone(), keys()).await.err(), Some(elsewhere.clone()));
        let accounts = Phone::restored_accounts(&settings).await.unwrap();
        assert_eq!((accounts.len(), accounts[0].user_name.as_str()), (1, USER));
        assert_eq!(
            (accounts[0].health, accounts[0].phone_sign_in),
            (AccountHealth::RestoredElsewhere, PhoneSignIn::On)
        );
        assert_eq!(accounts[0].health.next_step(), NextStep::AddAgain);
        let shown = render::accounts(&accounts, first.core().accounts().await.unwrap()[0].added_at);
        assert!(shown.contains("its key is on another phone"), "{shown}");
    }
    Phone::start_over(&settings, keys()).await.unwrap();
    let second = world.phone_in(home.clone(), "second").await.unwrap();
    assert!(second.core().accounts().await.unwrap().is_empty());
    let database = std::fs::read(home.join("countersign.db")).unwrap();
    assert!(
        !database.windows(USER.len()).any(|window| window == USER.as_bytes()),
        "the user name is still in the database"
    );
    added_again(&person, &first, &second).await;
    // The first phone continues to work.
    let page = use_phone(&person).await;
    let prompt = first.prompt_of(PromptKind::PhoneSignIn).await.unwrap();
    let step = first.approve_unlocked(&prompt, page.number().unwrap()).await.unwrap();
    assert_eq!(step, Step::Done { outcome: Outcome::Approved });
}

/// Ada adds the account to the second phone. The first phone approves this.
async fn added_again(person: &Person, first: &TestPhone, second: &TestPhone) {
    let info = person.open("/security-info").await.unwrap();
    let page = person.press(&info, "add-method", &[]).await.unwrap();
    let prompt = first.prompt_of(PromptKind::AddMethod).await.unwrap();
    let step = first.approve_unlocked(&prompt, page.number().unwrap()).await.unwrap();
    assert_eq!(step, Step::Done { outcome: Outcome::Approved });
    let page = person.open("/security-info/step-up").await.unwrap();
    let page = person.press(&page, "finish", &[]).await.unwrap();
    let page = person.press(&page, "next", &[]).await.unwrap();
    common::added(person, second, &page).await;
    assert_eq!(second.core().accounts().await.unwrap()[0].health, AccountHealth::Active);
}

#[tokio::test(flavor = "multi_thread")]
async fn j9_starting_over_is_refused_while_the_keys_exist() {
    let world = World::start().await.unwrap();
    let (person, phone) = (world.person().unwrap(), world.phone("phone").await.unwrap());
    confirmed(&world, &person, &phone).await;
    let settings = settings(&world, phone.home());
    let told = Phone::start_over(&settings, keys()).await;
    assert_eq!(told, Err(PhoneError::Core(Error::NotFromAnotherDevice)));
    let phone = phone.restart().await.unwrap();
    assert_eq!(phone.core().accounts().await.unwrap()[0].health, AccountHealth::Active);
}
