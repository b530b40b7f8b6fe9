//! The steps of adding a phone: by signing in, and by the wizard.

use countersign_service::clock::Time;
use countersign_service::devices::device::Subscription;
use countersign_service::devices::records::DeviceKey;
use countersign_service::effects::phone_code::Tokens;
use countersign_service::enrollment::acts::{BindRequest, bind_in, digits_in};
use countersign_service::enrollment::by_sign_in::{AddRequest, add_in};
use countersign_service::enrollment::rules::LIFE;
use countersign_service::enrollment::state::Enrollment;
use countersign_service::phone_sign_in::acts;
use countersign_service::phone_sign_in::registration::{Purpose, Registration};
use countersign_service::phone_sign_in::rules::{Introduced, Pushed, Redemption};
use countersign_service::secrets::{encode, hashed};
use countersign_service::security_info::wizard::start_in;
use countersign_service::sign_in::consent::{Agreed, agree};

use super::Scene;
use super::people::{claimed, features};
use crate::rows::Rows;
use crate::steps::{AUTH, Browser, Phone, State};

const JTI: [u8; 16] = [7; 16];
const REDIRECT: &str = "http://127.0.0.1:7001/phone-sign-in";

fn digits_of(phone: Phone) -> &'static str {
    if phone.is_mallorys() { "222222" } else { "111111" }
}

fn verifier(phone: Phone) -> String {
    format!("{:_<43}", phone.id())
}

fn text(what: &str, phone: Phone) -> String {
    format!("{what} of {}", phone.id())
}

fn rename_secret(rows: &mut Rows, by_chance: &str, name: &str) {
    rows.rename(&hashed(by_chance.as_bytes()), &hashed(name.as_bytes()));
}

fn subscription(point: &[u8]) -> Subscription {
    Subscription { endpoint: String::new(), p256dh: encode(point), auth: encode(&AUTH) }
}

impl Scene {
    /// A phone that is not added pushes an authorization request.
    pub(super) fn push(&self, state: &mut State, phone: Phone, now: Time) -> Option<()> {
        let name = text("request", phone);
        let digits = digits_of(phone).to_owned();
        let pushed = Pushed {
            redirect_uri: REDIRECT.to_owned(),
            state: name.clone(),
            code_challenge: hashed(verifier(phone).as_bytes()),
            dpop_jkt: phone.key().thumbprint(),
            new_phone: Some(Introduced { name: phone.id().to_owned(), model: "phone".to_owned(), digits }),
        };
        let uri = state.rows.run(|tx| acts::push(tx, &pushed, now))?;
        let by_chance = uri.strip_prefix(acts::REQUEST_URI)?;
        rename_secret(&mut state.rows, by_chance, &name);
        // The stored digits are hashed together with the request's id, which was random.
        let id = hashed(name.as_bytes());
        let hash = hashed(format!("{id} {}", digits_of(phone)).as_bytes());
        let named = |registration: &mut Registration| {
            if let Purpose::AddPhone(phone) = &mut registration.purpose {
                phone.digits = hash;
            }
        };
        state.rows.run(|tx| tx.update(&id, named)).granted()
    }

    /// The person in a browser agrees, and types the digits that a phone shows.
    pub(super) fn agree(state: &mut State, browser: Browser, phone: Phone, now: Time) -> Option<()> {
        match state.rows.run(|tx| agree(tx, &browser.attempt(), digits_of(phone), now)) {
            Agreed::Code(code) => {
                rename_secret(&mut state.rows, &code, &text("code", phone));
                state.codes.insert(phone);
                Some(())
            }
            _ => None,
        }
    }

    /// A phone redeems its authorization code for a token.
    pub(super) fn redeem(&self, state: &mut State, phone: Phone, now: Time) -> Option<()> {
        let (verifier, jkt) = (verifier(phone), phone.key().thumbprint());
        let by = Redemption { redirect_uri: REDIRECT, verifier: &verifier, jkt: &jkt };
        let code = text("code", phone);
        if !state.codes.remove(&phone) {
            return None;
        }
        if let Some(Tokens::AddPhone(tokens)) = state.rows.run(|tx| acts::redeem(tx, &self.sides.app, &code, &by, now))
        {
            rename_secret(&mut state.rows, &tokens.access_token, &text("token", phone));
            state.tokens.insert(phone);
        }
        Some(())
    }

    /// A phone adds itself with its token.
    pub(super) fn use_token(state: &mut State, phone: Phone, now: Time) -> Option<()> {
        if !state.tokens.contains(&phone) {
            return None;
        }
        let request = AddRequest {
            token: text("token", phone),
            key: phone.key().clone(),
            claimed: claimed(phone),
            push: subscription(phone.point()),
            features: features(),
            network: "somewhere".to_owned(),
        };
        let _added = state.rows.run(|tx| add_in(tx, &request, now));
        name_device(&mut state.rows, phone);
        Some(())
    }

    /// Starts the wizard in the session of a browser. `code`: the browser whose code the wizard shows.
    pub(super) fn wizard(&self, state: &mut State, browser: Browser, code: Browser, now: Time) -> Option<()> {
        let enrollment = self.enrollment(code);
        if state.rows.maybe::<Enrollment>(&enrollment.scanned.id).is_some() {
            return None;
        }
        let (session, expires_at) = (browser.session(), now + LIFE);
        let fresh = Enrollment { session: session.clone(), expires_at, ..enrollment.clone() };
        state.rows.run(|tx| start_in(tx, &session, &fresh, now));
        Some(())
    }

    /// A phone binds with the code of a browser's wizard.
    pub(super) fn bind(&self, state: &mut State, phone: Phone, browser: Browser, now: Time) -> Option<()> {
        let (id, point) = (self.enrollment(browser).scanned.id.clone(), phone.point());
        let request = BindRequest {
            id,
            jti: JTI.to_vec(),
            mac: self.computed(browser, phone).mac.clone(),
            key: phone.key().clone(),
            claimed: claimed(phone),
            push: subscription(point),
            push_point: point.to_vec(),
            push_auth: AUTH.to_vec(),
            features: features(),
            network: "somewhere".to_owned(),
        };
        let _bound = state.rows.run(|tx| bind_in(tx, &self.sides.app, &request, now));
        name_device(&mut state.rows, phone);
        Some(())
    }

    /// Types the digits of a phone into a browser's wizard.
    pub(super) fn digits(&self, state: &mut State, browser: Browser, phone: Phone, now: Time) -> Option<()> {
        let id = &self.enrollment(browser).scanned.id;
        let Enrollment { session, device_id, .. } = state.rows.maybe(id)?;
        if Phone::of(&device_id?) != Some(phone) {
            return None;
        }
        let typed = &self.computed(browser, phone).digits;
        state.rows.run(|tx| digits_in(tx, &self.sides.app, id, &session, typed, now));
        Some(())
    }
}

fn name_device(rows: &mut Rows, phone: Phone) {
    if let Some(key) = rows.maybe::<DeviceKey>(&phone.key().thumbprint()) {
        phone.name(rows, &key.device_id);
    }
}
