//! The steps that change accounts: step-up in a session, the operator's commands and a new password.

use std::sync::LazyLock;

use countersign_service::admin::approve;
use countersign_service::clock::Time;
use countersign_service::effects::password;
use countersign_service::operator::{administer_in, set_password_in};
use countersign_service::passes::pass::Pass;
use countersign_service::passwords::{self, Hash};
use countersign_service::policy::records::ApiToken;
use countersign_service::prompts::ceremony::{Ceremony, Origin, Owner};
use countersign_service::prompts::change::Change;
use countersign_service::security_info::acts::redeem;
use countersign_service::security_info::step_up::asked_of;
use countersign_service::sign_in::attempt::{Attempt, Proven};
use countersign_service::sign_in::session::Session;

use super::Scene;
use crate::answers::Start;
use crate::rows::Rows;
use crate::steps::{Act, Browser, State, Wish};
use crate::world::ALICE;

/// Hashing a password is slow, so all new passwords have the same hash.
static NEW_PASSWORD: LazyLock<Hash> =
    LazyLock::new(|| passwords::hash("another test password").expect("a password can't be hashed"));

impl Scene {
    /// `by` asks for a change in the session of `browser`. The pages of the service ask only in a session that a phone
    /// has approved lately; the scene asks in every session.
    pub(super) fn step_up(
        &self,
        state: &mut State,
        by: Browser,
        browser: Browser,
        wish: &Wish,
        now: Time,
    ) -> Option<()> {
        let session = state.rows.maybe::<Session>(&browser.session())?;
        let (name, change) = (by.next_ceremony(&state.rows), wish.change());
        let start = Start {
            name: &name,
            account: &session.account_id,
            owner: Owner::Session(session.id.clone()),
            kind: change.kind(),
            origin: Origin::SignedIn,
            proven: None,
            only: asked_of(&change),
            change: Some(change),
            number: None,
        };
        self.sides.start(&mut state.rows, start, now).then_some(())?;
        let waits = |session: &mut Session| session.ceremony = Some(name.clone());
        state.rows.run(|tx| tx.update(&session.id, waits)).granted()
    }

    /// The session of a browser makes the change for which it waits.
    pub(super) fn finish(state: &mut State, browser: Browser, now: Time) -> Option<()> {
        let session = state.rows.maybe::<Session>(&browser.session())?;
        let ceremony = state.rows.maybe::<Ceremony>(&session.ceremony?)?;
        match ceremony.change? {
            Change::Administer(_) => {
                state.rows.run(|tx| approve::redeem(tx, &session.id, None, now))?;
            }
            _ => {
                state.rows.run(|tx| redeem(tx, &session.id, now))?;
            }
        }
        name_made(state);
        Some(())
    }

    /// The operator makes an act.
    pub(super) fn operate(state: &mut State, act: &Act, now: Time) -> Option<()> {
        state.rows.run(|tx| administer_in(tx, ALICE, |_account| act.made(), now))?;
        name_made(state);
        Some(())
    }

    /// The operator sets the password of Alice's account.
    pub(super) fn set_password(state: &mut State, now: Time) -> Option<()> {
        state.rows.run(|tx| set_password_in(tx, ALICE, &NEW_PASSWORD, now)).then_some(())
    }

    /// The person in a browser changes the password, as the page for a new password does.
    pub(super) fn change_password(state: &mut State, browser: Browser, now: Time) -> Option<()> {
        let attempt = state.rows.maybe::<Attempt>(&browser.attempt())?;
        state.rows.run(|tx| {
            let Some(proof) = password::by_owner(tx, &attempt.id, now)? else { return Ok(None) };
            let given = password::act(tx, proof, &NEW_PASSWORD, now)?;
            let proven = Some(Proven { account_id: ALICE.to_owned(), given });
            let fresh = Attempt { proven, must_change: None, ..attempt };
            tx.insert_or_update(&fresh, |stored| *stored = fresh.clone()).map(Some)
        })
    }
}

/// Gives a new pass and a new API token their names.
fn name_made(state: &mut State) {
    for pass in state.rows.all::<Pass>() {
        if !state.ledger.knows_pass(&pass.id) {
            let text = state.ledger.next_pass();
            let id = Pass::id_of(&pass.account_id, &text);
            state.rows.rename(&pass.id, &id);
            state.ledger.add_pass(text, &pass);
        }
    }
    name_tokens(&mut state.rows);
}

fn name_tokens(rows: &mut Rows) {
    for token in rows.all::<ApiToken>() {
        if !token.id.starts_with("token ") {
            let count = rows.all::<ApiToken>().len();
            rows.rename(&token.id, &format!("token {count} of {}", token.account_id));
        }
    }
}
