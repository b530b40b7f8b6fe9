//! Tests how the app and its notification extension share prompts through the inbox.

use std::path::PathBuf;

use crate::common::confirmed;
use countersign::{
    FetchReason, Inbox, InboxError, Outcome, PromptState, PushEffect, SealedFileKeyStore, Secret, Step, Timestamp,
};
use countersign_journeys::{Person, TestPhone, World};
use countersign_phone::Message;

struct Scene {
    world: World,
    phone: TestPhone,
    home: PathBuf,
}

async fn scene() -> Scene {
    let world = World::start().await.unwrap();
    let phone = world.phone("phone").await.unwrap();
    confirmed(&world, &world.person().unwrap(), &phone).await;
    let home = phone.home().to_owned();
    Scene { world, phone, home }
}

impl Scene {
    /// Opens the inbox as a notification extension does: with only the folder and the key store.
    fn extension(&self) -> Result<Inbox, InboxError> {
        let passphrase = Secret::new("a passphrase for tests".to_owned());
        let keys = SealedFileKeyStore::open(&self.home.join("keys"), &passphrase).unwrap();
        Inbox::open(&self.home.join("inbox"), &keys)
    }

    fn now(&self) -> Timestamp {
        use countersign::Clock;
        countersign::SystemClock.now()
    }

    /// Ada enters the password. The test, and not the app, receives the push. The test gives the push to the extension
    /// later. Returns Ada's browser, the number on the page, and the push.
    async fn pushed(&self) -> (Person, String, Message) {
        let mut messages = self.phone.take_pushes();
        let person = self.world.person().unwrap();
        let number = person.sign_in().await.unwrap().number().unwrap();
        let message = tokio::time::timeout(std::time::Duration::from_secs(10), messages.recv()).await.unwrap().unwrap();
        (person, number, message)
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_prompt_received_by_extension_and_app_is_shown_once() {
    let scene = scene().await;
    let (_person, number, message) = scene.pushed().await;
    let inbox = scene.extension().unwrap();
    let PushEffect::Alert(prompt) = inbox.push_received(&message.slot, &message.body, scene.now()).unwrap() else {
        panic!("the prompt does not alert")
    };
    assert_eq!(
        (prompt.user_name(), prompt.host()),
        ("ada@example.org", scene.world.issuer().trim_start_matches("https://"))
    );
    // The relay delivers the push again. The second delivery has no effect. The same is true for an extension that is
    // started later.
    assert_eq!(inbox.push_received(&message.slot, &message.body, scene.now()).unwrap(), PushEffect::Nothing);
    let another = scene.extension().unwrap();
    assert_eq!(another.push_received(&message.slot, &message.body, scene.now()).unwrap(), PushEffect::Nothing);
    // The app receives the same push. The app still shows only one prompt.
    let core = scene.phone.core();
    assert_eq!(core.push_received(message.slot.clone(), message.body.clone()).await.unwrap(), PushEffect::Nothing);
    let open = scene.phone.open_prompts().await.unwrap();
    assert_eq!(open.len(), 1);
    assert_eq!(open.first(), Some(prompt.as_ref()));
    assert_eq!(core.approve(prompt.id().clone(), number).await.unwrap(), Step::Done { outcome: Outcome::Approved });
    // The prompt's inbox file still exists, but the answered prompt does not open again.
    assert!(core.check_for_prompts(FetchReason::Opened).await.unwrap().prompts.is_empty());
    let shown = core.snapshot().await.unwrap().prompts;
    let states = shown.iter().filter(|shown| shown.id() == prompt.id()).map(|shown| shown.state());
    assert_eq!(states.collect::<Vec<_>>(), [PromptState::Done { outcome: Outcome::Approved }]);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_app_imports_the_extensions_prompt_at_its_next_start() {
    let mut scene = scene().await;
    let (_person, _number, message) = scene.pushed().await;
    let effect = scene.extension().unwrap().push_received(&message.slot, &message.body, scene.now()).unwrap();
    assert!(matches!(effect, PushEffect::Alert(_)));
    scene.phone = scene.phone.restart().await.unwrap();
    assert_eq!(scene.phone.open_prompts().await.unwrap().len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn damaged_inbox_files_are_ignored_and_written_again() {
    let scene = scene().await;
    let (_person, _number, message) = scene.pushed().await;
    let inbox = scene.extension().unwrap();
    let folder = scene.home.join("inbox");
    let prompt_file = || {
        let mut entries = std::fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().path());
        entries.find(|path| path.extension().is_some_and(|extension| extension == "prompt"))
    };
    assert!(matches!(inbox.push_received(&message.slot, &message.body, scene.now()).unwrap(), PushEffect::Alert(_)));
    let file = prompt_file().unwrap();
    let whole = std::fs::read(&file).unwrap();
    for damaged in [Vec::new(), whole.iter().take(40).copied().collect(), vec![0; 20_000]] {
        std::fs::write(&file, damaged).unwrap();
        let again = inbox.push_received(&message.slot, &message.body, scene.now()).unwrap();
        assert!(matches!(again, PushEffect::Alert(_)), "the prompt did not alert again after its file was damaged");
        assert_eq!(inbox.push_received(&message.slot, &message.body, scene.now()).unwrap(), PushEffect::Nothing);
    }
    // A renamed file does not count as this prompt's file, so the prompt alerts again.
    std::fs::rename(&file, folder.join("another.prompt")).unwrap();
    assert!(matches!(inbox.push_received(&message.slot, &message.body, scene.now()).unwrap(), PushEffect::Alert(_)));
    // The next push deletes files that are older than ten minutes.
    assert_eq!(inbox.push_received(&[0; 16], b"", scene.now().plus(3_600)).unwrap(), PushEffect::Nothing);
    assert_eq!(prompt_file(), None);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_removed_account_gets_no_prompts_by_push() {
    let scene = scene().await;
    let (_person, _number, message) = scene.pushed().await;
    let account = scene.phone.core().accounts().await.unwrap().first().unwrap().id.clone();
    scene.phone.core().remove(account).await.unwrap();
    let effect = scene.extension().unwrap().push_received(&message.slot, &message.body, scene.now()).unwrap();
    assert_eq!(effect, PushEffect::Nothing);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_prompt_that_arrives_after_its_withdrawal_is_not_shown() {
    let scene = scene().await;
    let mut messages = scene.phone.take_pushes();
    let person = scene.world.person().unwrap();
    let page = person.sign_in().await.unwrap();
    let prompt = messages.recv().await.unwrap();
    person.press(&page, "cancel", &[]).await.unwrap();
    let withdrawal = messages.recv().await.unwrap();
    let inbox = scene.extension().unwrap();
    assert!(matches!(
        inbox.push_received(&withdrawal.slot, &withdrawal.body, scene.now()).unwrap(),
        PushEffect::Withdrawn(_, countersign::WithdrawalReason::Cancelled)
    ));
    assert_eq!(inbox.push_received(&prompt.slot, &prompt.body, scene.now()).unwrap(), PushEffect::Nothing);
    assert!(scene.phone.core().check_for_prompts(FetchReason::Opened).await.unwrap().prompts.is_empty());
}
