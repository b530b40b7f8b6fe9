//! The revoking acts: what each act is about, and how it is done.

use std::sync::OnceLock;

use countersign_service::app::App;
use countersign_service::devices::device::{Cause, Device};
use countersign_service::effects::{api_token, password, remove_method, turn_off};
use countersign_service::endings::Ending;
use countersign_service::enrollment::acts as enrollment;
use countersign_service::operator;
use countersign_service::passwords::{self, Hash};
use countersign_service::prompts::answers;
use countersign_service::prompts::change::Act;
use countersign_service::store::{StoreError, Tx};

use super::world::{NOW, Root, SINCE, World, prompt_of};
use crate::support;

/// One case of an act.
pub struct Case {
    /// The row of the table.
    pub act: &'static str,
    pub ending: fn(&World) -> Ending,
    /// The effect of the service, where it needs no browser.
    pub effect: Option<fn(&World)>,
    /// Whose grants the condition `given` means.
    pub given: &'static [Root],
    /// The browser that asked for the reported approval.
    pub asking: &'static [&'static str],
    /// The records that the act names.
    pub named: &'static [&'static str],
    /// The phone that the act is about.
    pub phone: Option<&'static str>,
    /// The session of the wizard, or the session in which a loss is reported.
    pub own_session: Option<&'static str>,
}

const CASE: Case = Case {
    act: "",
    ending: |_world| Ending::Deleted,
    effect: None,
    given: &[],
    asking: &[],
    named: &[],
    phone: None,
    own_session: None,
};

/// Every act of the table. An act with several cases has one row.
pub const CASES: [Case; 22] = [
    Case {
        act: REPORT,
        ending: |world| reported(world, "reported approval"),
        effect: Some(report),
        given: &[Root::Reported],
        asking: &["asking attempt", "asking browser"],
        ..CASE
    },
    Case {
        act: REPORT,
        ending: |world| reported(world, "reported approval in a session"),
        asking: &["asking session"],
        ..CASE
    },
    Case {
        act: "password changed by the owner",
        ending: |_world| Ending::PasswordChanged,
        effect: Some(change_password),
        ..CASE
    },
    Case {
        act: "password set by the operator",
        ending: |_world| Ending::PasswordSet,
        effect: Some(|world| {
            act(world, |tx| operator::set_password_in(tx, "alice", hash(), NOW).map(|done| assert!(done)));
        }),
        ..CASE
    },
    Case {
        act: "methods reset",
        ending: |_world| Ending::Reset,
        effect: Some(|world| administer(world, Act::Reset)),
        ..CASE
    },
    Case {
        act: "suspended",
        ending: |_world| Ending::Suspended,
        effect: Some(|world| administer(world, Act::Suspend)),
        ..CASE
    },
    Case {
        act: "deleted",
        ending: |_world| Ending::Deleted,
        effect: Some(|world| administer(world, Act::DeletePerson)),
        ..CASE
    },
    Case {
        act: LOST,
        ending: |_world| lost(SINCE, Some("session that reports the loss")),
        given: &[Root::Later],
        phone: Some("lost phone"),
        own_session: Some("session that reports the loss"),
        ..CASE
    },
    Case {
        act: LOST,
        ending: |_world| lost(SINCE, None),
        effect: Some(|world| {
            administer(world, |account| Act::ReportLost { account, device: "lost phone".to_owned(), since: SINCE });
        }),
        given: &[Root::Later],
        phone: Some("lost phone"),
        ..CASE
    },
    Case {
        act: LOST,
        ending: |_world| lost(i64::MIN, None),
        given: &[Root::Later, Root::Earlier],
        phone: Some("lost phone"),
        ..CASE
    },
    Case {
        act: "phone removed",
        ending: |_world| Ending::Removed { device: "lost phone".to_owned(), cause: Cause::RemovedByPhone },
        effect: Some(remove),
        phone: Some("lost phone"),
        ..CASE
    },
    Case {
        act: "phone sign-in turned off",
        ending: |_world| Ending::TurnedOff("lost phone".to_owned()),
        effect: Some(turn_phone_sign_in_off),
        phone: Some("lost phone"),
        ..CASE
    },
    Case {
        act: "phone added",
        ending: |_world| Ending::MethodAdded {
            device: "other phone".to_owned(),
            wizard: Some("wizard's session".to_owned()),
        },
        phone: Some("other phone"),
        own_session: Some("wizard's session"),
        ..CASE
    },
    Case {
        act: "signed out",
        ending: |_world| Ending::SignedOut("other session".to_owned()),
        named: &["other session"],
        ..CASE
    },
    Case {
        act: CODE_TWICE,
        ending: |_world| Ending::CodeUsedTwice("turn-on token of the other phone".to_owned()),
        named: &["turn-on token of the other phone"],
        ..CASE
    },
    Case {
        act: CODE_TWICE,
        ending: |_world| Ending::CodeUsedTwice("phone token".to_owned()),
        named: &["phone token"],
        ..CASE
    },
    Case {
        act: "pass replaced",
        ending: |_world| Ending::PassReplaced,
        effect: Some(|world| administer(world, Act::MakePass)),
        ..CASE
    },
    Case {
        act: "administrator role removed",
        ending: |_world| Ending::NoLongerAdministrator,
        effect: Some(|world| administer(world, Act::RemoveAdministrator)),
        ..CASE
    },
    Case {
        act: "API token revoked",
        ending: |_world| Ending::ApiTokenRevoked("other API token".to_owned()),
        effect: Some(revoke_api_token),
        named: &["other API token"],
        ..CASE
    },
    Case {
        act: "policy or groups changed",
        ending: |world| Ending::PolicyChanged(world.named(&FORBIDDEN)),
        named: &FORBIDDEN,
        ..CASE
    },
    Case {
        act: "browser forgotten",
        ending: |_world| Ending::BrowserForgotten("other browser".to_owned()),
        named: &["other browser"],
        ..CASE
    },
    Case {
        act: "enrollment ended",
        ending: |_world| Ending::EnrollmentEnded { enrollment: "bound enrollment".to_owned(), cause: Cause::Cancelled },
        effect: Some(|world| act(world, |tx| enrollment::end_in(tx, "bound enrollment", Cause::Cancelled, NOW))),
        named: &["bound enrollment"],
        ..CASE
    },
];

/// One grant of each kind that a change of the policy can end.
const FORBIDDEN: [&str; 6] = [
    "registration of the other phone",
    "code of the other phone",
    "turn-on token of the other phone",
    "phone token",
    "bound enrollment",
    "unspent of adding",
];

const REPORT: &str = "approval reported";
const LOST: &str = "phone lost";
const CODE_TWICE: &str = "phone's code used twice";

/// Returns the act of an ending. A new kind of ending does not compile until it has an act here and a row in the table.
pub fn act_of(ending: &Ending) -> &'static str {
    match ending {
        Ending::Reported(_) => REPORT,
        Ending::PasswordChanged => "password changed by the owner",
        Ending::PasswordSet => "password set by the operator",
        Ending::Reset => "methods reset",
        Ending::Suspended => "suspended",
        Ending::Deleted => "deleted",
        Ending::Lost { .. } => LOST,
        Ending::Removed { .. } => "phone removed",
        Ending::TurnedOff(_) => "phone sign-in turned off",
        Ending::MethodAdded { .. } => "phone added",
        Ending::SignedOut(_) => "signed out",
        Ending::BrowserForgotten(_) => "browser forgotten",
        Ending::EnrollmentEnded { .. } => "enrollment ended",
        Ending::CodeUsedTwice(_) => CODE_TWICE,
        Ending::PassReplaced => "pass replaced",
        Ending::NoLongerAdministrator => "administrator role removed",
        Ending::ApiTokenRevoked(_) => "API token revoked",
        Ending::PolicyChanged(_) => "policy or groups changed",
    }
}

fn act<T>(world: &World, work: impl Fn(&mut Tx<'_>) -> Result<T, StoreError>) {
    world.store.global_blocking(work).unwrap();
}

pub fn administer(world: &World, what: impl Fn(String) -> Act) {
    operator::administer(&world.store, "alice", what, NOW).unwrap();
}

fn reported(world: &World, ceremony: &str) -> Ending {
    Ending::Reported(Box::new(world.store.global_blocking(|tx| tx.get(ceremony)).unwrap().unwrap()))
}

fn lost(since: i64, reported_in: Option<&str>) -> Ending {
    Ending::Lost { device: "lost phone".to_owned(), since, reported_in: reported_in.map(str::to_owned) }
}

fn app() -> &'static App {
    static APP: OnceLock<App> = OnceLock::new();
    APP.get_or_init(|| support::service().0)
}

fn hash() -> &'static Hash {
    static HASH: OnceLock<Hash> = OnceLock::new();
    HASH.get_or_init(|| passwords::hash("the new password").unwrap())
}

fn report(world: &World) {
    act(world, |tx| {
        let device: Device = tx.get("other phone")?.unwrap();
        let done = answers::report(tx, app(), &device, &prompt_of("reported approval"), NOW)?;
        assert!(done.is_some());
        Ok(())
    });
}

fn change_password(world: &World) {
    act(world, |tx| {
        let proof = password::by_owner(tx, "attempt with a first password", NOW)?.unwrap();
        password::act(tx, proof, hash(), NOW)
    });
}

fn remove(world: &World) {
    act(world, |tx| {
        let proof = remove_method::by_device(tx, "lost phone", NOW)?.unwrap();
        remove_method::act(tx, proof, NOW)
    });
}

fn turn_phone_sign_in_off(world: &World) {
    act(world, |tx| {
        let device: Device = tx.get("lost phone")?.unwrap();
        let proof = turn_off::by_device(tx, &device.id, &device.sign_in.unwrap().key.thumbprint())?.unwrap();
        turn_off::act(tx, proof, NOW)
    });
}

fn revoke_api_token(world: &World) {
    act(world, |tx| {
        let proof = api_token::check_revocation(tx, "other API token", None)?.unwrap();
        api_token::revoke(tx, proof, NOW)
    });
}
