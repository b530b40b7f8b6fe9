//! J6 when somebody wants to wear the person down: the phone's own guard, muting, and what a notification extension does.

use std::time::Duration;

use crate::common::{use_phone, with_phone_sign_in};
use countersign::{
    Account, Clock, FetchReason, Inbox, Origin, Outcome, Prompt, PushEffect, Quiet, SealedFileKeyStore, Secret, Step,
};
use countersign_journeys::phone::PASSPHRASE;
use countersign_journeys::{PageView, Person, TestPhone, World};
use countersign_phone::Message;
use tokio::sync::mpsc;

struct Scene {
    world: World,
    /// Ada in her own browser.
    person: Person,
    phone: TestPhone,
    pushes: mpsc::Receiver<Message>,
}

async fn scene() -> Scene {
    let world = World::start().await.unwrap();
    let (person, phone) = with_phone_sign_in(&world).await;
    let pushes = phone.takes_its_pushes();
    Scene { world, person, phone, pushes }
}

impl Scene {
    /// Somebody signs in with Ada's password in a browser that nobody knows; the service may ring once in two minutes,
    /// so that long has passed, and Ada has looked, which ends what the service itself holds back.
    async fn password_proved(&mut self) -> (PageView, Message) {
        self.world.clock.advance(121);
        self.phone.clock.advance(121);
        self.phone.core().check_for_prompts(FetchReason::Opened).await.unwrap();
        let page = self.world.person().unwrap().sign_in().await.unwrap();
        (page, self.push().await)
    }

    /// Ada uses her own browser.
    async fn known_browser(&mut self) -> (PageView, Message) {
        let page = use_phone(&self.person).await;
        (page, self.push().await)
    }

    async fn push(&mut self) -> Message {
        tokio::time::timeout(Duration::from_secs(10), self.pushes.recv()).await.unwrap().unwrap()
    }

    /// What the app makes of a push.
    async fn app(&self, push: Message) -> PushEffect {
        self.phone.core().push_received(push.slot, push.body).await.unwrap()
    }

    /// What an extension makes of a push, in a process that knows nothing but the folder.
    fn extension(&self, push: &Message) -> PushEffect {
        let keys = Secret::new(PASSPHRASE.to_owned());
        let keys = SealedFileKeyStore::open(&self.phone.home().join("keys"), &keys).unwrap();
        let inbox = Inbox::open(&self.phone.home().join("inbox"), &keys).unwrap();
        inbox.push_received(&push.slot, &push.body, self.phone.clock.now())
    }

    async fn account(&self) -> Account {
        self.phone.core().accounts().await.unwrap().remove(0)
    }

    async fn restart(mut self) -> Self {
        self.phone = self.phone.restart().await.unwrap();
        self.pushes = self.phone.takes_its_pushes();
        self
    }
}

fn loud(effect: PushEffect) -> Box<Prompt> {
    match effect {
        PushEffect::Alert(prompt) => prompt,
        other => panic!("alerts nobody: {other:?}"),
    }
}

fn quiet(effect: PushEffect) -> (Box<Prompt>, Quiet) {
    match effect {
        PushEffect::Quiet(prompt) => {
            let why = prompt.quiet().unwrap();
            (prompt, why)
        }
        other => panic!("not quiet: {other:?}"),
    }
}

fn is_worn(why: Quiet) -> bool {
    matches!(why, Quiet::TooManyInVain { .. })
}

/// A service that rings again and again, as a careless or hostile one does: the third time nobody is alerted. It is
/// found by looking, touches no browser of Ada's own, lasts over a restart, and ends with an approval.
#[tokio::test(flavor = "multi_thread")]
async fn j6_w9_requests_in_vain_of_one_origin_come_quietly_until_something_is_approved() {
    let mut scene = scene().await;
    let (_, first) = scene.password_proved().await;
    let first = loud(scene.app(first).await);
    let denied = scene.phone.core().deny(first.id().clone()).await.unwrap();
    assert_eq!(denied, Step::Done { outcome: Outcome::Denied });
    let (_, second) = scene.password_proved().await;
    loud(scene.app(second).await);
    assert_eq!(scene.account().await.quiet_origins.len(), 1, "said before the next one comes");
    let mut scene = scene.restart().await;

    let (page, third) = scene.password_proved().await;
    let (third, why) = quiet(scene.app(third).await);
    assert!(is_worn(why), "{why:?}");
    let origins: Vec<Origin> = scene.account().await.quiet_origins.iter().map(|quiet| quiet.origin).collect();
    assert_eq!(origins, [Origin::PasswordProved]);
    assert!(scene.phone.shows_accounts().await.unwrap().contains("too many were in"), "the screen says so");
    assert!(scene.phone.shows(&third).await.unwrap().contains("quietly: too many like it"));
    let checked = scene.phone.core().check_for_prompts(FetchReason::Opened).await.unwrap();
    assert!(checked.prompts.iter().any(|prompt| prompt.id() == third.id()), "opening the app finds it");

    let (_, own) = scene.known_browser().await;
    assert_eq!(loud(scene.app(own).await).origin(), Origin::KnownBrowser, "Ada's own browser rings all the same");

    let step = scene.phone.core().approve(third.id().clone(), page.number().unwrap()).await.unwrap();
    assert_eq!(step, Step::Done { outcome: Outcome::Approved });
    assert_eq!(scene.account().await.quiet_origins, []);
    let (_, fourth) = scene.password_proved().await;
    loud(scene.app(fourth).await);
}

/// The extension knows what the app saw, and what it saw itself.
#[tokio::test(flavor = "multi_thread")]
async fn j6_w9_a_notification_extension_keeps_the_guard_alone_and_with_the_app() {
    let mut scene = scene().await;
    for _time in 0..2 {
        let (_, push) = scene.password_proved().await;
        loud(scene.extension(&push));
    }
    let (_, third) = scene.password_proved().await;
    let (third_prompt, why) = quiet(scene.extension(&third));
    assert!(is_worn(why), "by what it saw itself: {why:?}");
    assert_eq!(scene.extension(&third), PushEffect::Nothing, "doubled");
    scene.phone.core().foregrounded().await.unwrap();
    let shown = scene.phone.core().snapshot().await.unwrap().prompts;
    let shown = shown.iter().find(|prompt| prompt.id() == third_prompt.id()).unwrap();
    assert_eq!(shown.quiet(), Some(why), "the app takes over what the extension decided");
    // Its own memory is gone, as after ten minutes; the app's is in the snapshot.
    for entry in std::fs::read_dir(scene.phone.home().join("inbox")).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_some() {
            std::fs::remove_file(path).unwrap();
        }
    }
    let (_, fourth) = scene.password_proved().await;
    assert!(is_worn(quiet(scene.extension(&fourth)).1), "by what the app remembers");
    let (_, own) = scene.known_browser().await;
    loud(scene.extension(&own));
}

/// Muted: kept, listed, answered as ever, and nobody is alerted, in the app, in an extension, after a restart.
#[tokio::test(flavor = "multi_thread")]
async fn j6_a_muted_account_alerts_nobody_until_it_ends_and_is_answered_all_the_same() {
    let scene = scene().await;
    let account = scene.account().await.id;
    let now = scene.phone.clock.now();
    let until = scene.phone.core().mute(account.clone(), now.plus(3_600)).await.unwrap();
    assert!(scene.phone.shows_accounts().await.unwrap().contains("muted for another"));
    let longest = scene.phone.core().mute(account.clone(), now.plus(1_000_000)).await.unwrap();
    assert!(longest.since(now) <= 24 * 3_600 + 60, "never for ever");
    assert_eq!(scene.phone.core().mute(account.clone(), until).await.unwrap(), until);
    let mut scene = scene.restart().await;
    assert_eq!(scene.account().await.muted_until, Some(until));

    let (page, own) = scene.known_browser().await;
    assert_eq!(quiet(scene.extension(&own)).1, Quiet::Muted { until });
    assert_eq!(scene.app(own).await, PushEffect::Nothing, "the app has it from the extension");
    let open = scene.phone.open_prompts().await.unwrap();
    let prompt = open.iter().find(|prompt| prompt.origin() == Origin::KnownBrowser).unwrap();
    assert_eq!(prompt.quiet(), Some(Quiet::Muted { until }));
    assert!(scene.phone.shows(prompt).await.unwrap().contains("you have muted this account"));
    let checked = scene.phone.core().check_for_prompts(FetchReason::Opened).await.unwrap();
    assert!(checked.prompts.iter().any(|found| found.id() == prompt.id()), "opening the app finds it");
    let step = scene.phone.approve_unlocked(prompt, page.number().unwrap()).await.unwrap();
    assert_eq!(step, Step::Done { outcome: Outcome::Approved });
    let (_, own) = scene.known_browser().await;
    let (prompt, _) = quiet(scene.app(own).await);
    let step = scene.phone.core().report(prompt.id().clone()).await.unwrap();
    assert_eq!(
        step,
        Step::Done { outcome: Outcome::Reported },
        "an approval does not end a mute, and reporting is never muted"
    );

    scene.phone.core().unmute(account.clone()).await.unwrap();
    assert_eq!(scene.account().await.muted_until, None);
    let (_, again) = scene.password_proved().await;
    loud(scene.extension(&again));
    scene.phone.core().mute(account, scene.phone.clock.now().plus(60)).await.unwrap();
    scene.phone.clock.advance(61);
    scene.world.clock.advance(61);
    assert_eq!(scene.account().await.muted_until, None, "it ends by itself");
}
