//! The people of a scene: their browsers, phones and secrets, and the beginning of a scene.

use std::collections::BTreeMap;

use countersign_service::clock::Time;
use countersign_service::devices::device::{Claimed, Device, State as Standing, Subscription};
use countersign_service::devices::records::DeviceKey;
use countersign_service::enrollment::state::Enrollment;
use countersign_service::features::Feature;
use countersign_service::people::person::Person;
use countersign_service::phone_sign_in::acts::{REQUEST_URI, take};
use countersign_service::provenance::Given;
use countersign_service::sign_in::attempt::Attempt;
use countersign_service::sign_in::session::{Session, Used};

use super::Scene;
use crate::answers::Sides;
use crate::codes::{Computed, Wizard};
use crate::rows::Rows;
use crate::steps::{BROWSERS, Browser, Phone, State};
use crate::world::{ALICE, START, add_keys, by_approval, people, service};

impl Scene {
    /// A browser opens the pushed request of a phone, as it does at the service's authorization endpoint.
    pub(super) fn open(state: &mut State, browser: Browser, phone: Phone, now: Time) -> Option<()> {
        let uri = format!("{REQUEST_URI}request of {}", phone.id());
        state.rows.run(|tx| {
            let Some(registration) = take(tx, &uri, now)? else { return Ok(None) };
            let attempt = Attempt { registration: Some(registration), ..Attempt::new(browser.attempt(), now) };
            tx.insert_or_update(&attempt, |stored| *stored = attempt.clone()).map(Some)
        })
    }

    /// A session of an account that begins before the scene.
    #[must_use]
    pub fn session(browser: Browser, account: &str) -> Session {
        let given = by_approval(&format!("sign-in of {browser:?}"));
        Session::new(browser.session(), account.to_owned(), Used::PasswordAndPhone, given)
    }

    /// Creates a scene without steps. `phones`: the phones that are active from the beginning. `sessions`: the sessions
    /// that exist from the beginning. `change`: changes Alice's record.
    #[must_use]
    pub fn new(phones: &[(Phone, &str)], sessions: &[Session], change: impl FnOnce(&mut Person)) -> Self {
        let (app, mut begin) = (service(), people());
        add_keys(&app, &mut begin);
        begin.run(|tx| tx.update(ALICE, change)).granted();
        phones.iter().for_each(|(phone, account)| add_phone(&mut begin, *phone, account));
        for session in sessions {
            begin.run(|tx| tx.insert(session));
        }
        let wizards = BROWSERS.map(|browser| (browser, Wizard::new(&app, browser)));
        Self {
            sides: Sides::new(app),
            begin,
            wizards: BTreeMap::from(wizards),
            moments: vec![0],
            steps: Vec::new(),
            mistakes: 0,
            goals: Vec::new(),
        }
    }

    /// Changes the rows at the beginning of the scene.
    #[must_use]
    pub fn prepared(mut self, prepare: impl FnOnce(&mut Rows)) -> Self {
        prepare(&mut self.begin);
        self
    }

    /// The enrollment that a browser's wizard starts.
    pub(super) fn enrollment(&self, browser: Browser) -> &Enrollment {
        &self.wizards[&browser].enrollment
    }

    /// What a phone computes from the code of a browser's wizard.
    pub(super) fn computed(&self, browser: Browser, phone: Phone) -> &Computed {
        &self.wizards[&browser].computed[&phone]
    }
}

/// The features that every phone of a scene knows.
pub(super) fn features() -> Vec<String> {
    vec![Feature::Administration.name().to_owned()]
}

/// What a phone states about itself.
pub(super) fn claimed(phone: Phone) -> Claimed {
    let nothing = String::new;
    Claimed { name: phone.id().to_owned(), model: nothing(), os: nothing(), app_version: nothing() }
}

fn add_phone(rows: &mut Rows, phone: Phone, account: &str) {
    let push = Subscription { endpoint: String::new(), p256dh: String::new(), auth: String::new() };
    let (id, account) = (phone.id().to_owned(), account.to_owned());
    let given = Given::by_operator(START);
    let mut device = Device::pending(id, account, phone.key().clone(), claimed(phone), push, given, START);
    (device.state, device.push, device.features) = (Standing::Active, None, features());
    rows.run(|tx| tx.insert(&device));
    let key = DeviceKey { thumbprint: device.key.thumbprint(), device_id: device.id };
    rows.run(|tx| tx.insert(&key));
}
