//! Models the second half of turning phone sign-in on: a phone redeems an authorization code (here called "code") for a
//! token, and registers a sign-in key with the token.

use countersign::testing::decisions::{accepts_token_response, code_of_redirect};
use countersign_service::clock::Time;
use countersign_service::effects::phone_code::Tokens;
use countersign_service::effects::turn_on::Proved;
use countersign_service::phone_sign_in::acts::{self, register};
use countersign_service::phone_sign_in::registration::{RegistrationCode, RegistrationToken};
use countersign_service::phone_sign_in::rules::{Redemption, TurnedOn};
use countersign_service::secrets::hashed;

use super::{Claim, Event, Request, State, TIMES, Token, TurningOn, account, rename_secret};
use crate::faults::Fault;
use crate::world::{ALICE, ALICES_PHONE, EVIL, ISSUER, MALLORYS_PHONE, device_key, key, sign_in_key};

impl TurningOn {
    /// Alice's phone gets a redirect. The phone must refuse each redirect that does not belong to its newest request.
    pub(super) fn back(&self, state: &mut State, code: Request, answers: Request, issuer: &str) {
        let Some(waits) = state.pushed.iter().rfind(|request| request.phone == ALICES_PHONE).copied() else { return };
        let url = format!(
            "{}?code={}&state={}&iss={issuer}",
            waits.redirect_uri(),
            code.name().replace(' ', "%20"),
            answers.state()
        );
        if code_of_redirect(&url, &waits.redirect_uri(), &waits.state(), ISSUER).is_some() {
            state.took.insert(code);
            if answers != waits || issuer != ISSUER {
                state.faults.insert(Fault::AcceptedForeignAnswer);
            }
        }
    }

    pub(super) fn redeem(&self, state: &mut State, phone: &'static str, code: Request, verifier: Request, now: Time) {
        let before = state.rows.maybe::<RegistrationCode>(&hashed(code.name().as_bytes()));
        let (uri, text, jkt) = (code.redirect_uri(), verifier.verifier(), device_key(phone).thumbprint());
        let by = Redemption { redirect_uri: &uri, verifier: &text, jkt: &jkt };
        let redeemed = state.rows.run(|tx| acts::redeem(tx, &self.sides.app, &code.name(), &by, now));
        let Some(before) = before else { return };
        match redeemed {
            Some(Tokens::TurnOn(tokens)) => {
                let token = Token { of: code, by: phone };
                rename_secret(&mut state.rows, &tokens.access_token, &token.text("token"));
                rename_secret(&mut state.rows, &tokens.nonce, &token.text("nonce"));
                if before.token.is_some() {
                    state.faults.insert(Fault::UsedTwice);
                }
                if before.expires_at <= now {
                    state.faults.insert(Fault::DecidedTooLate);
                }
                if code.phone != phone || verifier != code {
                    state.faults.insert(Fault::TokenForAnother);
                }
                let response = serde_json::to_string(&tokens).expect("a token response");
                if phone != ALICES_PHONE || accepts_token_response(&response, ALICE, u64::try_from(now).unwrap_or(0)) {
                    state.tokens.insert(token);
                }
            }
            Some(Tokens::AddPhone(_)) | None => {
                // If a phone redeems a code for the second time, the service must revoke the token, unless the token
                // was used.
                let given = before.token.and_then(|token| state.rows.maybe::<RegistrationToken>(&token));
                if given.is_some_and(|token| token.spent_by.is_none()) {
                    state.faults.insert(Fault::UsedTwice);
                }
            }
        }
    }

    pub(super) fn register(&self, state: &mut State, by: &str, claim: Claim, now: Time) {
        let (of, signing, claims_of) = match claim.key {
            ALICES_PHONE => (ALICES_PHONE, sign_in_key(ALICES_PHONE), ALICES_PHONE),
            other => (MALLORYS_PHONE, key(other), MALLORYS_PHONE),
        };
        let claims = serde_json::json!({
            "aud": ISSUER, "sub": account(claims_of), "device": claims_of,
            "device_key": device_key(of).thumbprint(), "nonce": claim.nonce_of.text("nonce"),
            "purpose": "turn_on", "uv": claim.uv, "attestation": { "format": "none" },
        });
        let fingerprint = hashed(format!("{claims} {}", signing.thumbprint()).as_bytes());
        let proved = Proved {
            key: signing.clone(),
            claims: serde_json::from_value(claims).expect("the claims can't be read"),
            fingerprint: fingerprint.clone(),
        };
        let token = claim.token.text("token");
        let before = state.rows.maybe::<RegistrationToken>(&hashed(token.as_bytes()));
        let done = state.rows.run(|tx| register(tx, &self.sides.app, by, &token, &proved, now));
        let Some(before) = before.filter(|_token| done == TurnedOn::Done) else { return };
        if before.spent_by.is_none() || before.spent_by.as_ref() != Some(&fingerprint) {
            *state.registered.entry(signing.thumbprint()).or_default() += 1;
            *state.spent.entry(claim.token).or_default() += 1;
            if now >= before.nonce_expires_at {
                state.faults.insert(Fault::DecidedTooLate);
            }
        }
        if claim.token.by != by || claim.nonce_of != claim.token {
            state.faults.insert(Fault::TokenForAnother);
        }
        if claim.uv == "none" {
            state.faults.insert(Fault::UnverifiedKey);
        }
    }

    pub(super) fn phone_actions(&self, state: &State, actions: &mut Vec<Event>) {
        for code in &state.codes {
            for answers in
                state.codes.iter().chain(state.pushed.iter().filter(|request| request.phone == MALLORYS_PHONE))
            {
                actions.extend([ISSUER, EVIL].map(|issuer| Event::Back(*code, *answers, issuer)));
            }
            // Mallory tries the verifier of every pushed request.
            actions.extend(state.pushed.iter().map(|verifier| Event::Redeem(MALLORYS_PHONE, *code, *verifier)));
        }
        if let Some(waits) = state.pushed.iter().rfind(|request| request.phone == ALICES_PHONE) {
            actions.extend(state.took.iter().map(|code| Event::Redeem(ALICES_PHONE, *code, *waits)));
        }
        for token in &state.tokens {
            if token.by == ALICES_PHONE {
                actions.push(Event::TurnOn(*token));
            }
            for key in ["sign-in key of phone-of-mallory", "another key of mallory"] {
                for nonce_of in &state.tokens {
                    actions.extend(
                        ["biometric", "none"]
                            .map(|uv| Event::Claim(Claim { token: *token, nonce_of: *nonce_of, key, uv })),
                    );
                }
            }
            actions.extend(state.proved.iter().map(|proof| {
                Event::Claim(Claim { token: *token, nonce_of: *proof, key: ALICES_PHONE, uv: "biometric" })
            }));
        }
        if state.tick + 1 < TIMES.len() {
            actions.push(Event::Wait);
        }
    }
}
