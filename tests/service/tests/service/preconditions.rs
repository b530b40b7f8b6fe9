//! Starts each effect that takes several requests, changes one precondition, and sends the last request. The table says
//! which changes prevent which effects, with the reasons.

mod changes;
mod flows;

use std::collections::BTreeSet;

use countersign_service::policy::records::current;

use crate::phone_endpoints::service::Service;
use crate::world::{World, assert_clean};
use changes::{CHANGES, Change};
use flows::{By, Started, Until};

/// An effect that takes several requests.
#[derive(Debug, Clone, Copy)]
enum Effect {
    PasswordAndNumber,
    PhoneSignIn,
    FirstSessionByPassword,
    FirstSessionByPass,
    NewPassword,
    ApplicationsToken,
    Wizard(By),
    Confirmation,
    BySignIn(By, Until),
    TurnOn(Until),
    /// A change of one's own account: the form that asks for it, and the table that it changes.
    Own(&'static str, &'static str),
    /// An administrative act about another person.
    Act(&'static str, &'static str),
    /// An administrative act about no existing person.
    Page(&'static str, &'static str),
}

impl Effect {
    async fn start(self, world: World) -> Started {
        match self {
            Self::PasswordAndNumber => flows::password_and_number(world).await,
            Self::PhoneSignIn => flows::phone_sign_in(world).await,
            Self::FirstSessionByPassword => flows::first_session(world, false).await,
            Self::FirstSessionByPass => flows::first_session(world, true).await,
            Self::NewPassword => flows::new_password(world).await,
            Self::ApplicationsToken => flows::code(world).await,
            Self::Wizard(by) => flows::wizard(world, by).await,
            Self::Confirmation => flows::confirmation(world).await,
            Self::BySignIn(by, until) => flows::by_sign_in(world, by, until).await,
            Self::TurnOn(until) => flows::turn_on(world, until).await,
            Self::Own(path, table) => flows::own_change(world, path, table).await,
            Self::Act(act, table) => flows::act(world, act, table).await,
            Self::Page(path, table) => flows::page(world, path, table).await,
        }
    }
}

/// Changes, each with the reason why it prevents an effect or does not.
type Cells = &'static [(Change, &'static str)];

/// Effects on which the changes have the same influence. A change that is not possible for an effect is ignored.
struct Row {
    effects: &'static [Effect],
    refused: &'static [Cells],
    takes_effect: &'static [Cells],
}

const ENDS_EVERYTHING: Cells = &[
    (Change::Suspended, "a suspended person can do nothing"),
    (Change::SuspendedAndResumed, "the end of a suspension restores nothing"),
    (Change::Deleted, "the person does not exist"),
    (Change::PasswordSet, "the operator's password ends all that was started"),
    (Change::Reset, "a reset ends all that was started"),
];
const NO_APPROVAL: Cells = &[
    (Change::PhoneRemoved, "the unspent approvals of a removed phone end"),
    (Change::PhoneLost, "the unspent approvals of a lost phone end"),
    (Change::Reported, "a reported approval is no approval"),
];
const NO_SESSION: Cells = &[(Change::SignedOut, "the session holds it")];
const NO_ATTEMPT: Cells = &[(Change::AttemptReplaced, "the browser's new attempt has ended the old one")];
const NO_APP: Cells = &[(Change::AppNotAllowed, "the policy is read again")];
const APP_AGAIN: Cells = &[(Change::AppAllowedAgain, "the policy is read only when a request needs it")];
const DENIED: Cells = &[(Change::AppDeniedForAMinute, "what the policy does not allow ends within a minute")];
const NOT_PENDING: Cells = &[(Change::AppDeniedForAMinute, "a verified password and a session are not pending")];
const OLD_PASSWORD: Cells = &[(Change::PasswordChanged, "what the old password alone has proved or started ends")];
const NO_PASSWORD: Cells = &[(Change::PasswordChanged, "it depends on no password")];
const PASS_NEEDED: Cells = &[(Change::BootstrapByPass, "a password no longer adds the first phone")];
const NO_FIRST_PHONE: Cells = &[(Change::BootstrapByPass, "only a password for the first phone is concerned")];
const OTHER_PHONE: Cells = &[(Change::PhoneAdded, "another phone ends every unfinished adding")];
const PHONE_WELCOME: Cells = &[(Change::PhoneAdded, "what allows it is still valid")];
const NO_PHONE_SIGN_IN: Cells = &[(Change::PhoneSignInNotAllowed, "the policy is read again")];
const ANY_PHONE_SIGN_IN: Cells = &[(Change::PhoneSignInNotAllowed, "it is no phone sign-in")];
const NO_ROLE: Cells =
    &[(Change::NoLongerAdministrator, "it needs no role"), (Change::AdministratorAgain, "it needs no role")];
const REMOVED: Cells = &[
    (Change::PhoneRemoved, "the removal of a phone ends every unfinished adding"),
    (Change::PhoneLost, "the loss of a phone ends every unfinished adding"),
];
const STILL_A_PASS: Cells = &[
    (Change::PhoneRemoved, "the phone has not given the pass"),
    (Change::PhoneLost, "the phone has not given the pass"),
];
const LATER: Cells = &[(Change::PhoneSignInNotAllowed, "the request with the new key is refused")];

const SIGN_IN: &[Row] = &[
    Row {
        effects: &[Effect::PasswordAndNumber],
        refused: &[ENDS_EVERYTHING, DENIED, NO_APPROVAL, NO_ATTEMPT, NO_APP, OLD_PASSWORD],
        takes_effect: &[APP_AGAIN, NO_FIRST_PHONE, PHONE_WELCOME, ANY_PHONE_SIGN_IN, NO_ROLE],
    },
    Row {
        effects: &[Effect::PhoneSignIn],
        refused: &[ENDS_EVERYTHING, DENIED, NO_APPROVAL, NO_ATTEMPT, NO_APP, NO_PHONE_SIGN_IN],
        takes_effect: &[APP_AGAIN, NO_PASSWORD, NO_FIRST_PHONE, PHONE_WELCOME, NO_ROLE],
    },
    Row {
        effects: &[Effect::FirstSessionByPassword],
        refused: &[
            ENDS_EVERYTHING,
            NO_ATTEMPT,
            OLD_PASSWORD,
            PASS_NEEDED,
            &[(Change::PhoneAdded, "the phone must approve")],
        ],
        takes_effect: &[
            APP_AGAIN,
            NOT_PENDING,
            ANY_PHONE_SIGN_IN,
            &[(Change::AppNotAllowed, "the session can't add a phone, and opens no application")],
        ],
    },
    Row {
        effects: &[Effect::FirstSessionByPass],
        refused: &[ENDS_EVERYTHING, NO_ATTEMPT],
        takes_effect: &[
            APP_AGAIN,
            NOT_PENDING,
            NO_PASSWORD,
            NO_FIRST_PHONE,
            PHONE_WELCOME,
            ANY_PHONE_SIGN_IN,
            STILL_A_PASS,
            &[(Change::AppNotAllowed, "the session can't add a phone, and opens no application")],
        ],
    },
    Row {
        effects: &[Effect::NewPassword],
        refused: &[ENDS_EVERYTHING, NO_ATTEMPT, OLD_PASSWORD],
        takes_effect: &[
            APP_AGAIN,
            NOT_PENDING,
            NO_FIRST_PHONE,
            ANY_PHONE_SIGN_IN,
            &[
                (Change::AppNotAllowed, "a password needs no app"),
                (Change::PhoneAdded, "the password must still be changed"),
            ],
        ],
    },
    Row {
        effects: &[Effect::ApplicationsToken],
        refused: &[
            ENDS_EVERYTHING,
            NO_SESSION,
            &[
                (Change::PhoneLost, "what the lost phone gave ends"),
                (Change::Reported, "what the reported approval gave ends"),
            ],
        ],
        takes_effect: &[
            APP_AGAIN,
            NOT_PENDING,
            NO_FIRST_PHONE,
            PHONE_WELCOME,
            ANY_PHONE_SIGN_IN,
            NO_ROLE,
            &[
                (Change::PasswordChanged, "a phone has approved the session"),
                (Change::AppNotAllowed, "the session continues until it expires"),
                (Change::PhoneRemoved, "the session continues until it expires"),
            ],
        ],
    },
];

const ADDING: &[Row] = &[
    Row {
        effects: &[
            Effect::Wizard(By::Password),
            Effect::BySignIn(By::Password, Until::Code),
            Effect::BySignIn(By::Password, Until::Token),
        ],
        refused: &[ENDS_EVERYTHING, DENIED, NO_SESSION, NO_APP, OLD_PASSWORD, PASS_NEEDED, OTHER_PHONE],
        takes_effect: &[APP_AGAIN, ANY_PHONE_SIGN_IN],
    },
    Row {
        effects: &[Effect::BySignIn(By::Password, Until::Consent)],
        refused: &[ENDS_EVERYTHING, NO_ATTEMPT, NO_APP, OLD_PASSWORD, PASS_NEEDED, OTHER_PHONE],
        takes_effect: &[APP_AGAIN, NOT_PENDING, ANY_PHONE_SIGN_IN],
    },
    Row {
        effects: &[
            Effect::Wizard(By::Approval),
            Effect::BySignIn(By::Approval, Until::Code),
            Effect::BySignIn(By::Approval, Until::Token),
        ],
        refused: &[ENDS_EVERYTHING, DENIED, NO_APPROVAL, NO_SESSION, NO_APP, OLD_PASSWORD, OTHER_PHONE],
        takes_effect: &[APP_AGAIN, NO_FIRST_PHONE, ANY_PHONE_SIGN_IN, NO_ROLE],
    },
    Row {
        effects: &[Effect::BySignIn(By::Approval, Until::Consent)],
        refused: &[ENDS_EVERYTHING, DENIED, NO_APPROVAL, NO_ATTEMPT, NO_APP, OLD_PASSWORD, OTHER_PHONE],
        takes_effect: &[APP_AGAIN, NO_FIRST_PHONE, ANY_PHONE_SIGN_IN, NO_ROLE],
    },
    Row {
        effects: &[
            Effect::Wizard(By::Pass),
            Effect::BySignIn(By::Pass, Until::Code),
            Effect::BySignIn(By::Pass, Until::Token),
        ],
        refused: &[ENDS_EVERYTHING, DENIED, REMOVED, NO_SESSION, NO_APP, OLD_PASSWORD, OTHER_PHONE],
        takes_effect: &[APP_AGAIN, NO_FIRST_PHONE, ANY_PHONE_SIGN_IN],
    },
    Row {
        effects: &[Effect::BySignIn(By::Pass, Until::Consent)],
        refused: &[ENDS_EVERYTHING, NO_ATTEMPT, NO_APP],
        takes_effect: &[
            APP_AGAIN,
            NOT_PENDING,
            NO_PASSWORD,
            NO_FIRST_PHONE,
            PHONE_WELCOME,
            ANY_PHONE_SIGN_IN,
            STILL_A_PASS,
        ],
    },
    Row {
        effects: &[Effect::Confirmation],
        refused: &[
            ENDS_EVERYTHING,
            DENIED,
            NO_APPROVAL,
            NO_SESSION,
            NO_APP,
            OLD_PASSWORD,
            &[(Change::PhoneAdded, "another phone ends the sessions by password")],
        ],
        takes_effect: &[APP_AGAIN, NO_FIRST_PHONE, ANY_PHONE_SIGN_IN],
    },
    Row {
        effects: &[Effect::TurnOn(Until::Consent)],
        refused: &[ENDS_EVERYTHING, DENIED, NO_APPROVAL, NO_ATTEMPT, NO_APP, OLD_PASSWORD],
        takes_effect: &[APP_AGAIN, NO_FIRST_PHONE, PHONE_WELCOME, LATER, NO_ROLE],
    },
    Row {
        effects: &[Effect::TurnOn(Until::Code)],
        refused: &[ENDS_EVERYTHING, DENIED, NO_APPROVAL, OLD_PASSWORD, OTHER_PHONE],
        takes_effect: &[
            APP_AGAIN,
            NO_FIRST_PHONE,
            LATER,
            NO_ROLE,
            &[(Change::AppNotAllowed, "the request with the new key is refused")],
        ],
    },
    Row {
        effects: &[Effect::TurnOn(Until::Token)],
        refused: &[ENDS_EVERYTHING, DENIED, NO_APPROVAL, NO_APP, NO_PHONE_SIGN_IN, OLD_PASSWORD, OTHER_PHONE],
        takes_effect: &[APP_AGAIN, NO_FIRST_PHONE, NO_ROLE],
    },
];

const STEP_UP_REFUSED: &[Cells] = &[ENDS_EVERYTHING, DENIED, NO_APPROVAL, NO_SESSION, NO_APP];

const OWN: &[Row] = &[Row {
    effects: &[
        Effect::Own("/security-info/remove", "devices"),
        Effect::Own("/security-info/lost/report", "devices"),
        Effect::Own("/security-info/pass", "passes"),
    ],
    refused: STEP_UP_REFUSED,
    takes_effect: &[APP_AGAIN, NO_PASSWORD, NO_FIRST_PHONE, PHONE_WELCOME, ANY_PHONE_SIGN_IN, NO_ROLE],
}];

const NO_ADMINISTRATOR: Cells = &[
    (Change::NoLongerAdministrator, "only an administrator's approval counts"),
    (Change::AdministratorAgain, "the approval ended with the earlier role"),
];
const SUBJECT_GONE: Cells = &[(Change::SubjectDeleted, "there is no such person")];
const SUBJECT_SUSPENDED: Cells = &[(Change::SubjectSuspended, "a suspended person gets nothing, and is suspended")];
const SUSPENDED_TOO: Cells = &[(Change::SubjectSuspended, "the act is possible for a suspended person")];
const GROUP_LEFT: Cells = &[(Change::SubjectLeftGroup, "the act concerns no group, or joins it")];

const ACTS: &[Row] = &[
    Row {
        effects: &[
            Effect::Act("suspend", "people"),
            Effect::Act("pass", "passes"),
            Effect::Act("administrator", "people"),
        ],
        refused: &[
            ENDS_EVERYTHING,
            DENIED,
            NO_APPROVAL,
            NO_SESSION,
            NO_APP,
            NO_ADMINISTRATOR,
            SUBJECT_GONE,
            SUBJECT_SUSPENDED,
        ],
        takes_effect: &[APP_AGAIN, NO_PASSWORD, NO_FIRST_PHONE, PHONE_WELCOME, ANY_PHONE_SIGN_IN, GROUP_LEFT],
    },
    Row {
        effects: &[
            Effect::Act("resume", "people"),
            Effect::Act("unblock", "people"),
            Effect::Act("join", "people"),
            Effect::Act("no-administrator", "people"),
            Effect::Act("report-lost", "devices"),
            Effect::Act("remove-phones", "devices"),
            Effect::Act("delete", "people"),
        ],
        refused: &[ENDS_EVERYTHING, DENIED, NO_APPROVAL, NO_SESSION, NO_APP, NO_ADMINISTRATOR, SUBJECT_GONE],
        takes_effect: &[
            APP_AGAIN,
            NO_PASSWORD,
            NO_FIRST_PHONE,
            PHONE_WELCOME,
            ANY_PHONE_SIGN_IN,
            SUSPENDED_TOO,
            GROUP_LEFT,
        ],
    },
    Row {
        effects: &[Effect::Act("leave", "people")],
        refused: &[
            ENDS_EVERYTHING,
            DENIED,
            NO_APPROVAL,
            NO_SESSION,
            NO_APP,
            NO_ADMINISTRATOR,
            SUBJECT_GONE,
            &[(Change::SubjectLeftGroup, "there is nothing left to change")],
        ],
        takes_effect: &[APP_AGAIN, NO_PASSWORD, NO_FIRST_PHONE, PHONE_WELCOME, ANY_PHONE_SIGN_IN, SUSPENDED_TOO],
    },
    Row {
        effects: &[
            Effect::Page("/admin/people", "people"),
            Effect::Page("/admin/groups", "groups"),
            Effect::Page("/admin/policy", "policy"),
            Effect::Page("/admin/api-tokens", "api_tokens"),
        ],
        refused: &[
            ENDS_EVERYTHING,
            DENIED,
            NO_APPROVAL,
            NO_SESSION,
            NO_APP,
            NO_ADMINISTRATOR,
            &[(Change::NameTaken, "a user name belongs to one person")],
        ],
        takes_effect: &[APP_AGAIN, NO_PASSWORD, NO_FIRST_PHONE, PHONE_WELCOME, ANY_PHONE_SIGN_IN],
    },
];

impl Row {
    /// Returns whether an effect happens after a change, and the reason.
    fn expected(&self, effect: Effect, change: Change) -> (bool, &'static str) {
        let find = |cells: &[Cells]| {
            let listed: Vec<&str> =
                cells.iter().copied().flatten().filter(|(one, _)| *one == change).map(|(_, why)| *why).collect();
            listed
        };
        let (refused, takes_effect) = (find(self.refused), find(self.takes_effect));
        match (refused.as_slice(), takes_effect.as_slice()) {
            ([why], []) => (false, *why),
            ([], [why]) => (true, *why),
            _ if change == Change::Nothing => (true, "nothing was changed"),
            other => panic!("the table lists {effect:?} after {change:?} not once: {other:?}"),
        }
    }
}

/// Tries each effect of a row after each change. Returns the pairs whose result is not that of the table.
async fn compare(row: &Row) -> Vec<String> {
    let mut wrong = Vec::new();
    for effect in row.effects {
        let service = Service::start().await;
        let usual = service.app.store.global_blocking(current).unwrap().to_json().unwrap();
        for change in CHANGES {
            service.set_policy(&usual);
            let started = effect.start(World::in_service(&service)).await;
            if change.applies(&started) {
                let (expected, why) = row.expected(*effect, change);
                if happens(started, change, expected).await != expected {
                    wrong.push(format!("{effect:?} after {change:?}: expected {expected}, because {why}"));
                }
            }
        }
    }
    wrong
}

/// Makes the change and sends the last request twice. Returns whether the effect has happened.
async fn happens(mut started: Started, change: Change, expected: bool) -> bool {
    change.happens(&mut started).await;
    let before = started.world.dump();
    let (status, text) = started.finish().await;
    let once = (started.done)(&started.world, &before);
    let what = format!("the last request after {change:?}");
    assert_clean(&what, status, if expected { "" } else { &text });
    let (status, text) = started.finish().await;
    assert_clean(&what, status, if expected { "" } else { &text });
    once || (!expected && (started.done)(&started.world, &before))
}

async fn compare_all(rows: &[Row]) {
    let mut wrong = Vec::new();
    for row in rows {
        wrong.extend(compare(row).await);
    }
    assert_eq!(wrong, Vec::<String>::new());
}

#[tokio::test]
async fn change_before_a_sign_in_ends_counts() {
    compare_all(SIGN_IN).await;
}

#[tokio::test]
async fn change_before_a_phone_is_added_or_turned_on_counts() {
    compare_all(ADDING).await;
}

#[tokio::test]
async fn change_before_an_own_change_is_finished_counts() {
    compare_all(OWN).await;
}

#[tokio::test]
async fn change_before_an_administrative_act_is_finished_counts() {
    compare_all(ACTS).await;
}

#[test]
fn every_change_is_tried() {
    let cells = [SIGN_IN, ADDING, OWN, ACTS].into_iter().flatten().flat_map(|row| [row.refused, row.takes_effect]);
    let listed: BTreeSet<Change> = cells.flatten().copied().flatten().map(|(change, _)| *change).collect();
    assert_eq!(listed, CHANGES.into_iter().filter(|change| *change != Change::Nothing).collect());
}
