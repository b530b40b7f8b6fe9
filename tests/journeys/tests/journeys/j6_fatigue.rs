//! Tests journey J6 (signing in with the phone) during prompt bombing: the phone's fatigue guard, muting, and the
//! notification extension.
//!
//! Case: w9, attackers start many sign-ins.

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
    /// Ada with a known browser.
    person: Person,
    phone: TestPhone,
    pushes: mpsc::Receiver<Message>,
}

async fn scene() -> Scene {
    let world = World::start().await.unwrap();
    let (person, phone) = with_phone_sign_in(&world).await;
    let pushes = phone.take_pushes();
    Scene { world, person, phone, pushes }
}

impl Scene {
    /// An attacker enters Ada's password in an unknown browser. After a password, the service sends an alerting prompt
    /// at most once in two minutes, so the clocks advance first. Ada opens the app, so that the service does not count
    /// earlier strikes.
    async fn password_proved(&mut self) -> (PageView, Message) {
        self.world.clock.advance(121);
        self.phone.clock.advance(121);
        self.phone.core().check_for_prompts(FetchReason::Opened).await.unwrap();
        let page = self.world.person().unwrap().sign_in().await.unwrap();
        (page, self.push().await)
    }

    /// Ada starts a sign-in in the known browser.
    async fn known_browser(&mut self) -> (PageView, Message) {
        let page = use_phone(&self.person).await;
        (page, self.push().await)
    }

    async fn push(&mut self) -> Message {
        tokio::time::timeout(Duration::from_secs(10), self.pushes.recv()).await.unwrap().unwrap()
    }

    /// The app receives a push.
    async fn app(&self, push: Message) -> PushEffect {
        self.phone.core().push_received(push.slot, push.body).await.unwrap()
    }

    /// A notification extension receives a push. The extension has only the phone's folder and key store.
    fn extension(&self, push: &Message) -> PushEffect {
        let keys = Secret::new(PASSPHRASE.to_owned());
        let keys = SealedFileKeyStore::open(&self.phone.home().join("keys"), &keys).unwrap();
        let inbox = Inbox::open(&self.phone.home().join("inbox"), &keys).unwrap();
        inbox.push_received(&push.slot, &push.body, self.phone.clock.now()).unwrap()
    }

    async fn account(&self) -> Account {
        self.phone.core().accounts().await.unwrap().remove(0)
    }

    async fn restart(mut self) -> Self {
        self.phone = self.phone.restart().await.unwrap();
        self.pushes = self.phone.take_pushes();
        self
    }
}

fn loud(effect: PushEffect) -> Box<Prompt> {
    match effect {
        PushEffect::Alert(prompt) => prompt,
        other => panic!("the push did not alert: {other:?}"),
    }
}

fn quiet(effect: PushEffect) -> (Box<Prompt>, Quiet) {
    match effect {
        PushEffect::Quiet(prompt) => {
            let why = prompt.quiet().unwrap();
            (prompt, why)
        }
        other => panic!("the push did not give a quiet prompt: {other:?}"),
    }
}

fn is_unapproved(why: Quiet) -> bool {
    matches!(why, Quiet::TooManyStrikes { .. })
}

/// The first prompt with the origin `password_proved` is denied, and the second prompt is not answered. From then on,
/// prompts of this origin are quiet on the phone, although the service lets them alert. Opening the app shows the quiet
/// third prompt. Prompts of Ada's known browser still alert. After a restart of the phone, prompts of the origin stay
/// quiet. After an approval, they alert again.
#[tokio::test(flavor = "multi_thread")]
async fn j6_w9_prompts_after_two_unapproved_ones_are_quiet() {
    let mut scene = scene().await;
    let (_, first) = scene.password_proved().await;
    let first = loud(scene.app(first).await);
    let denied = scene.phone.core().deny(first.id().clone()).await.unwrap();
    assert_eq!(denied, Step::Done { outcome: Outcome::Denied });
    let (_, second) = scene.password_proved().await;
    loud(scene.app(second).await);
    assert_eq!(
        scene.account().await.quiet_origins.len(),
        1,
        "the account does not show the restriction before the next prompt"
    );
    let mut scene = scene.restart().await;

    let (page, third) = scene.password_proved().await;
    let (third, why) = quiet(scene.app(third).await);
    assert!(is_unapproved(why), "{why:?}");
    let origins: Vec<Origin> = scene.account().await.quiet_origins.iter().map(|quiet| quiet.origin).collect();
    assert_eq!(origins, [Origin::PasswordProved]);
    assert!(
        scene.phone.shows_accounts().await.unwrap().contains("too many were not approved"),
        "the screen does not show the restriction"
    );
    assert!(scene.phone.shows(&third).await.unwrap().contains("quietly: too many similar requests"));
    let checked = scene.phone.core().check_for_prompts(FetchReason::Opened).await.unwrap();
    assert!(
        checked.prompts.iter().any(|prompt| prompt.id() == third.id()),
        "opening the app does not show the quiet prompt"
    );

    let (_, own) = scene.known_browser().await;
    assert_eq!(
        loud(scene.app(own).await).origin(),
        Origin::KnownBrowser,
        "the prompt does not come from Ada's known browser"
    );

    let step = scene.phone.core().approve(third.id().clone(), page.number().unwrap()).await.unwrap();
    assert_eq!(step, Step::Done { outcome: Outcome::Approved });
    assert_eq!(scene.account().await.quiet_origins, []);
    let (_, fourth) = scene.password_proved().await;
    loud(scene.app(fourth).await);
}

/// The extension counts two kinds of prompts: prompts that it received itself, and prompts that the app has recorded.
#[tokio::test(flavor = "multi_thread")]
async fn j6_w9_the_notification_extension_applies_the_fatigue_guard() {
    let mut scene = scene().await;
    for _time in 0..2 {
        let (_, push) = scene.password_proved().await;
        loud(scene.extension(&push));
    }
    let (_, third) = scene.password_proved().await;
    let (third_prompt, why) = quiet(scene.extension(&third));
    assert!(is_unapproved(why), "the extension did not count its own prompts: {why:?}");
    assert_eq!(scene.extension(&third), PushEffect::Nothing, "a push that was delivered twice took effect twice");
    scene.phone.core().foregrounded().await.unwrap();
    let shown = scene.phone.core().snapshot().await.unwrap().prompts;
    let shown = shown.iter().find(|prompt| prompt.id() == third_prompt.id()).unwrap();
    assert_eq!(shown.quiet(), Some(why), "the app does not show why the extension made the prompt quiet");
    // Delete the extension's own records, as happens after ten minutes. The file with the app's records remains.
    for entry in std::fs::read_dir(scene.phone.home().join("inbox")).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_some() {
            std::fs::remove_file(path).unwrap();
        }
    }
    let (_, fourth) = scene.password_proved().await;
    assert!(is_unapproved(quiet(scene.extension(&fourth)).1), "the extension did not use the app's count");
    let (_, own) = scene.known_browser().await;
    loud(scene.extension(&own));
}

/// Prompts of a muted account do not alert, but the phone stores and lists them, and they can be answered. This is
/// tested in the app, in an extension, and after a restart.
#[tokio::test(flavor = "multi_thread")]
async fn j6_a_muted_account_gets_quiet_but_answerable_prompts() {
    let scene = scene().await;
    let account = scene.account().await.id;
    let now = scene.phone.clock.now();
    let until = scene.phone.core().mute(account.clone(), now.plus(3_600)).await.unwrap();
    assert!(scene.phone.shows_accounts().await.unwrap().contains("muted for another"));
    let longest = scene.phone.core().mute(account.clone(), now.plus(1_000_000)).await.unwrap();
    assert!(longest.since(now) <= 24 * 3_600 + 60, "the account is muted for more than a day");
    assert_eq!(scene.phone.core().mute(account.clone(), until).await.unwrap(), until);
    let mut scene = scene.restart().await;
    assert_eq!(scene.account().await.muted_until, Some(until));

    let (page, own) = scene.known_browser().await;
    assert_eq!(quiet(scene.extension(&own)).1, Quiet::Muted { until });
    assert_eq!(scene.app(own).await, PushEffect::Nothing, "the app did not import the prompt from the extension");
    let open = scene.phone.open_prompts().await.unwrap();
    let prompt = open.iter().find(|prompt| prompt.origin() == Origin::KnownBrowser).unwrap();
    assert_eq!(prompt.quiet(), Some(Quiet::Muted { until }));
    assert!(scene.phone.shows(prompt).await.unwrap().contains("you have muted this account"));
    let checked = scene.phone.core().check_for_prompts(FetchReason::Opened).await.unwrap();
    assert!(
        checked.prompts.iter().any(|found| found.id() == prompt.id()),
        "opening the app does not show the quiet prompt"
    );
    let step = scene.phone.approve_unlocked(prompt, page.number().unwrap()).await.unwrap();
    assert_eq!(step, Step::Done { outcome: Outcome::Approved });
    let (_, own) = scene.known_browser().await;
    let (prompt, _) = quiet(scene.app(own).await);
    let step = scene.phone.core().report(prompt.id().clone()).await.unwrap();
    assert_eq!(step, Step::Done { outcome: Outcome::Reported }, "a quiet prompt of a muted account can't be reported");

    scene.phone.core().unmute(account.clone()).await.unwrap();
    assert_eq!(scene.account().await.muted_until, None);
    let (_, again) = scene.password_proved().await;
    loud(scene.extension(&again));
    scene.phone.core().mute(account, scene.phone.clock.now().plus(60)).await.unwrap();
    scene.phone.clock.advance(61);
    scene.world.clock.advance(61);
    assert_eq!(scene.account().await.muted_until, None, "the mute did not end after its time");
}
