//! Changes between the start of an effect and its last request.

use countersign_service::clock::Time;
use countersign_service::effects::password;
use countersign_service::error::AppError;
use countersign_service::operator;
use countersign_service::passes::pass::Pass;
use countersign_service::passwords::{self, Hash};
use countersign_service::people::person::Person;
use countersign_service::phone_sign_in::records::PhoneToken;
use countersign_service::prompts::change::Act;
use countersign_service::provenance::{Given, Giver};
use countersign_service::secrets::{hashed, random_id};
use serde_json::json;
use std::sync::OnceLock;

use super::flows::Started;
use crate::support::Browser;
use crate::support::given_by;
use crate::world::{World, new_phone, submit};

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Change {
    Nothing,
    Suspended,
    SuspendedAndResumed,
    Deleted,
    PasswordChanged,
    PasswordSet,
    Reset,
    BootstrapByPass,
    AppNotAllowed,
    AppAllowedAgain,
    AppDeniedForAMinute,
    PhoneSignInNotAllowed,
    PhoneAdded,
    PhoneRemoved,
    PhoneLost,
    Reported,
    SignedOut,
    AttemptReplaced,
    NoLongerAdministrator,
    AdministratorAgain,
    SubjectDeleted,
    SubjectSuspended,
    SubjectLeftGroup,
    NameTaken,
}

pub(super) const CHANGES: [Change; 24] = [
    Change::Nothing,
    Change::Suspended,
    Change::SuspendedAndResumed,
    Change::Deleted,
    Change::PasswordChanged,
    Change::PasswordSet,
    Change::Reset,
    Change::BootstrapByPass,
    Change::AppNotAllowed,
    Change::AppAllowedAgain,
    Change::AppDeniedForAMinute,
    Change::PhoneSignInNotAllowed,
    Change::PhoneAdded,
    Change::PhoneRemoved,
    Change::PhoneLost,
    Change::Reported,
    Change::SignedOut,
    Change::AttemptReplaced,
    Change::NoLongerAdministrator,
    Change::AdministratorAgain,
    Change::SubjectDeleted,
    Change::SubjectSuspended,
    Change::SubjectLeftGroup,
    Change::NameTaken,
];

pub(super) const GROUP: &str = "group";

impl Change {
    /// Returns whether the change is possible for this effect.
    pub(super) fn applies(self, to: &Started) -> bool {
        match self {
            Self::PhoneRemoved | Self::PhoneLost => to.new_phone.is_some() || to.account != to.world.carol,
            Self::Reported => to.prompt.is_some(),
            Self::SignedOut => to.has_session,
            Self::AttemptReplaced => to.browser.as_ref().is_some_and(|browser| has(browser, "__Host-attempt")),
            Self::NoLongerAdministrator | Self::AdministratorAgain => to.account == to.world.alice,
            Self::SubjectDeleted | Self::SubjectSuspended | Self::SubjectLeftGroup => to.subject.is_some(),
            Self::NameTaken => to.added.is_some(),
            _ => true,
        }
    }

    pub(super) async fn happens(self, to: &mut Started) {
        let (world, account) = (&to.world, to.account.clone());
        let subject = to.subject.clone().unwrap_or_default();
        match self {
            Self::Nothing => world.service.app.end_pending().await.unwrap(),
            Self::Suspended => command(world, &account, Act::Suspend),
            Self::SuspendedAndResumed => {
                command(world, &account, Act::Suspend);
                command(world, &account, Act::Resume);
            }
            Self::Deleted => command(world, &account, Act::DeletePerson),
            Self::PasswordChanged => change_password(world, &account),
            Self::PasswordSet => {
                let (store, name) = (&world.service.app.store, world.user_name(&account));
                operator::set_password(store, &name, "a password of the operator", world.now()).unwrap();
            }
            Self::Reset => command(world, &account, Act::Reset),
            Self::BootstrapByPass => world.service.set_policy(&json!({"countersign": {"bootstrap": "pass"}})),
            Self::AppNotAllowed => world.service.set_policy(&json!({"state": "disabled"})),
            Self::AppAllowedAgain => {
                world.service.set_policy(&json!({"state": "disabled"}));
                world.service.set_policy(&json!({"state": "enabled"}));
            }
            Self::AppDeniedForAMinute => {
                world.service.set_policy(&json!({"state": "disabled"}));
                world.service.app.end_pending().await.unwrap();
                world.service.set_policy(&json!({"state": "enabled"}));
            }
            Self::PhoneSignInNotAllowed => allow(world, "push"),
            Self::PhoneAdded => add_phone(world, &account).await,
            Self::PhoneRemoved => {
                let state = to.phone().state(&world.service, "device", json!({"message": "unenroll"})).await;
                assert_eq!(state["status"], "removed");
            }
            Self::PhoneLost => {
                let device = to.phone().device_id.clone();
                let lost = |account| Act::ReportLost { account, device: device.clone(), since: Time::MIN };
                command(world, &account, lost);
            }
            Self::Reported => {
                let prompt = to.prompt.clone().unwrap();
                assert_eq!(to.phone().report(&world.service, &prompt).await, "reported");
            }
            Self::SignedOut => {
                submit(to.browser.as_mut().unwrap(), "/sign-out", &[]).await;
            }
            Self::AttemptReplaced => replace_attempt(to.browser.as_mut().unwrap()).await,
            Self::NoLongerAdministrator => command(world, &account, Act::RemoveAdministrator),
            Self::AdministratorAgain => {
                command(world, &account, Act::RemoveAdministrator);
                command(world, &account, Act::MakeAdministrator);
            }
            Self::SubjectDeleted => command(world, &subject, Act::DeletePerson),
            Self::SubjectSuspended => command(world, &subject, Act::Suspend),
            Self::SubjectLeftGroup => {
                command(world, &subject, |account| Act::Member { account, group: GROUP.to_owned(), joins: false });
            }
            Self::NameTaken => {
                let store = &world.service.app.store;
                operator::add_person(store, to.added.as_ref().unwrap(), "Another", "a password", world.now()).unwrap();
            }
        }
    }
}

fn has(browser: &Browser, cookie: &str) -> bool {
    browser.cookies.contains_key(cookie)
}

fn command(world: &World, account: &str, act: impl Fn(String) -> Act) {
    let (store, name) = (&world.service.app.store, world.user_name(account));
    match operator::administer(store, &name, act, world.now()) {
        // For example, the operator makes a person an administrator who is one already.
        Ok(_) | Err(AppError::NotPossible) => {}
        Err(error) => panic!("{error}"),
    }
}

fn allow(world: &World, mode: &str) {
    let target = json!({"targetType": "group", "id": "all_users", "authenticationMode": mode});
    world.service.set_policy(&json!({ "includeTargets": [target] }));
}

/// Changes the password as its owner does after signing in with a password that must change.
fn change_password(world: &World, account: &str) {
    static HASH: OnceLock<Hash> = OnceLock::new();
    let hash = HASH.get_or_init(|| passwords::hash("a new password of the owner").unwrap());
    world.change::<Person>(account, |person| person.must_change_password = true);
    let proof = world.proof(account, world.password(account));
    let (_, attempt) = world.attempt(|attempt| attempt.must_change = Some(proof));
    world.with(|tx| {
        let proof = password::by_owner(tx, &attempt, world.now())?.unwrap();
        password::act(tx, proof, hash, world.now())
    });
}

/// Adds a phone to the account with a pass of its own.
async fn add_phone(world: &World, account: &str) {
    let (phone, now, token, pass) = (new_phone(), world.now(), random_id().unwrap(), random_id().unwrap());
    world.put(&Pass {
        id: pass.clone(),
        account_id: account.to_owned(),
        starts_at: now,
        ends_at: now + 60,
        used_at: Some(now),
        spent_at: None,
        given: Given::by_operator(now),
    });
    world.put(&PhoneToken {
        id: hashed(token.as_bytes()),
        account_id: account.to_owned(),
        jkt: phone.jwk.thumbprint(),
        expires_at: now + 60,
        added: None,
        given: given_by(Giver::Pass(pass), now),
        keys_document: 1,
    });
    let claims = phone.add_claims(&world.service, &json!({ "access_token": token }));
    let answer = phone.add(&world.service, &claims).await;
    assert_eq!(answer.status, 200, "{}", answer.body);
}

/// Starts another sign-in in a second tab of the browser.
async fn replace_attempt(browser: &mut Browser) {
    let flow = browser.flow.take();
    browser.get("/sign-in").await;
    browser.post("/sign-in", &[("user_name", "somebody")]).await;
    browser.flow = flow;
}
