//! Models adding a phone by a code, with two phones and two wizards: either two wizards of Alice's account, or one of
//! Alice and one of Mallory.
//!
//! In the second case Mallory has seen Alice's code (`leaks`). Mallory's phone may then bind with this code before
//! Alice's phone does, and Mallory may send a forged bind response to Alice's phone. The real functions of core and
//! service compute the MACs and digits. Mallory can't send Alice's session cookie, and can't make Alice type digits
//! that Alice's own phone does not show.

use std::collections::{BTreeSet, HashMap};

use countersign::testing::decisions::Code;
use countersign_service::app::App;
use countersign_service::clock::{MINUTE, Time};
use countersign_service::devices::device::{Cause, Claimed, Device, State as Standing, Subscription};
use countersign_service::enrollment::acts::{BindRequest, bind_in, digits_in, end_in, fresh, scanned_text, start_in};
use countersign_service::enrollment::rules::Digits;
use countersign_service::enrollment::state::{Enrollment, State as Stage};
use countersign_service::jose::{Jwk, SigningKey};
use countersign_service::provenance::Given;
use countersign_service::secrets::{decode, encode};
use countersign_service::sign_in::session::{Session, Used};
use stateright::{Model, Property};

use crate::faults::{Fault, always};
use crate::rows::Rows;
use crate::world::{ALICE, ISSUER, MALLORY, START, add_keys, people, service};

/// The moments of the model, in seconds: before and after a code expires.
const TIMES: [Time; 2] = [0, 10 * MINUTE + 1];
const JTI: [u8; 16] = [7; 16];
const AUTH: [u8; 16] = [9; 16];

/// What gives the first phone of each account.
fn by_password() -> Given {
    Given::by_password(START, START)
}

/// A wizard. Each wizard has its own session.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Wizard {
    /// The wizard in Alice's browser.
    Alice,
    /// Another wizard of Alice's account.
    Other,
    /// Mallory's wizard, for Mallory's account.
    Mallory,
}

impl Wizard {
    fn account(self) -> &'static str {
        match self {
            Self::Alice | Self::Other => ALICE,
            Self::Mallory => MALLORY,
        }
    }

    fn session(self) -> Session {
        Session::new(format!("{self:?}"), self.account().to_owned(), Used::Password, by_password())
    }
}

/// A phone, by its owner.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Phone {
    /// Alice's phone.
    Alice,
    /// Mallory's phone.
    Mallory,
}

/// A step of the model.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Event {
    /// A phone binds with the code of the first wizard. The MAC uses the secret of the second wizard's code.
    Bind(Phone, Wizard, Wizard),
    /// A bind response for the wizard's code reaches the phone. The service or Mallory has made the response.
    Answer(Phone, Wizard),
    /// Digits are typed in the session of the first wizard, for the enrollment of the second wizard. They are the
    /// digits that this phone computes for this wizard's code, or wrong digits (`None`).
    Type(Wizard, Wizard, Option<(Phone, Wizard)>),
    /// "That's not my phone" is pressed in a wizard.
    Cancel(Wizard),
    /// Time advances to the next moment of `TIMES`.
    Wait,
}

/// A state of the model.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct State {
    rows: Rows,
    tick: usize,
    answered: BTreeSet<(Phone, Wizard)>,
    shows: BTreeSet<(Phone, Wizard)>,
    faults: BTreeSet<Fault>,
}

/// The model of adding a phone by a code.
pub struct Adding {
    app: App,
    begin: Rows,
    codes: Vec<(Wizard, String, [u8; 16])>,
    keys: Vec<(Phone, Jwk, [u8; 65])>,
    /// The MAC of each bind, by the phone, the wizard of the code, and the wizard whose secret is used. MACs and digits
    /// are computed once, because reading elliptic-curve points is slow.
    macs: HashMap<(Phone, Wizard, Wizard), Vec<u8>>,
    /// The digits, by the phone and the wizard of the code.
    digits: HashMap<(Phone, Wizard), String>,
    leaks: bool,
    wizards: Vec<Wizard>,
}

impl Adding {
    /// If `leaks`, the model has one wizard of Alice and one of Mallory, and Mallory has seen Alice's code. Otherwise
    /// it has two wizards of Alice, and Mallory has seen no code.
    #[must_use]
    pub fn new(leaks: bool) -> Self {
        let app = service();
        let (mut begin, mut codes) = (people(), Vec::new());
        add_keys(&app, &mut begin);
        let wizards = if leaks { vec![Wizard::Alice, Wizard::Mallory] } else { vec![Wizard::Alice, Wizard::Other] };
        for wizard in wizards.iter().copied() {
            let session = wizard.session();
            begin.run(|tx| tx.insert(&session));
            let enrollment = fresh(&app, session.account_id, session.id, by_password(), START)
                .expect("an enrollment can't be created");
            let text = scanned_text(&app, &enrollment).expect("the code can't be written as text");
            let secret = text.rsplit("secret=").next().and_then(decode).and_then(|bytes| bytes.try_into().ok());
            codes.push((wizard, enrollment.scanned.id.clone(), secret.expect("the code has no secret of 16 bytes")));
            begin.run(|tx| start_in(tx, &enrollment, START));
        }
        let keys = [Phone::Alice, Phone::Mallory].into_iter().zip(1_u8..).map(|(phone, scalar)| {
            let key = SigningKey::from_scalar(&[scalar; 32]).expect("a key can't be created");
            let point = key
                .public()
                .point()
                .ok()
                .and_then(|point| point.try_into().ok())
                .expect("the key's point can't be read");
            (phone, key.public().clone(), point)
        });
        let mut model = Self {
            app,
            begin,
            codes,
            keys: keys.collect(),
            macs: HashMap::new(),
            digits: HashMap::new(),
            leaks,
            wizards,
        };
        for (phone, _, point) in model.keys.clone() {
            for (wizard, id, _) in model.codes.clone() {
                let code = model.code(wizard).1;
                model.digits.insert((phone, wizard), code.digits(ISSUER, &point, &point));
                for by in model.wizards.clone() {
                    let mac = model.code(by).1.bind_mac(ISSUER, &id, &point, &point, &AUTH);
                    model.macs.insert((phone, wizard, by), mac);
                }
            }
        }
        model
    }

    fn code(&self, wizard: Wizard) -> (&str, Code, [u8; 16]) {
        let (_, id, secret) = self.codes.iter().find(|(of, _, _)| *of == wizard).expect("the wizard has no code");
        (id, Code::scanned(secret), *secret)
    }

    fn key(&self, phone: Phone) -> (&Jwk, &[u8; 65]) {
        let (_, key, point) = self.keys.iter().find(|(of, _, _)| *of == phone).expect("the phone has no key");
        (key, point)
    }

    fn bind(&self, state: &mut State, phone: Phone, wizard: Wizard, by: Wizard, now: Time) {
        let ((id, _, _), (key, point)) = (self.code(wizard), self.key(phone));
        let nothing = String::new;
        let request = BindRequest {
            id: id.to_owned(),
            jti: JTI.to_vec(),
            mac: self.macs[&(phone, wizard, by)].clone(),
            key: key.clone(),
            claimed: Claimed { name: nothing(), model: nothing(), os: nothing(), app_version: nothing() },
            push: Subscription { endpoint: nothing(), p256dh: encode(point), auth: encode(&AUTH) },
            push_point: point.to_vec(),
            push_auth: AUTH.to_vec(),
            features: Vec::new(),
            network: "somewhere".to_owned(),
        };
        let bound = state.rows.run(|tx| bind_in(tx, &self.app, &request, now));
        let enrollment: Enrollment = state.rows.one(id);
        if let Some(device) = enrollment.device_id.filter(|id| !id.contains(' ')) {
            state.rows.rename(&device, &format!("{phone:?} at {wizard:?}"));
        }
        if let Ok(vouched) = bound.into_result()
            && decode(&vouched.mac).is_some_and(|mac| self.code(wizard).1.vouches_for(&JTI, &vouched.body, &mac))
        {
            state.answered.insert((phone, wizard));
        }
    }

    /// Submits digits as the wizard's page does.
    fn type_digits(&self, state: &mut State, session: Wizard, wizard: Wizard, typed: &str, now: Time) {
        let (id, _, _) = self.code(wizard);
        let (before, rows): (Enrollment, Rows) = (state.rows.one(id), state.rows.clone());
        let by = session.session().id;
        let taken = state.rows.run(|tx| digits_in(tx, &self.app, id, &by, typed, now));
        if session != wizard && (taken != Digits::Over || state.rows != rows) {
            state.faults.insert(Fault::DigitsFromAnotherSession);
        }
        if taken == Digits::Right && before.expires_at <= now {
            state.faults.insert(Fault::DecidedTooLate);
        }
        if taken == Digits::Right && before.state != Stage::Bound {
            state.faults.insert(Fault::BoundTwice);
        }
    }

    fn judge(&self, state: &mut State) {
        let devices: Vec<Device> = state.rows.all();
        let enrollments: Vec<Enrollment> = state.rows.all();
        let (alices, _) = self.key(Phone::Alice);
        if devices.iter().any(|one| one.account_id == ALICE && one.is_active() && one.key != *alices) {
            state.faults.insert(Fault::ForeignPhone);
        }
        // If Mallory has not seen Alice's code, Alice's account must not get a foreign device, pending or active.
        let foreign = |device: &&Device| device.account_id == ALICE && device.key != *alices;
        if !self.leaks && devices.iter().any(|device| foreign(&device)) {
            state.faults.insert(Fault::BoundWithoutTheCode);
        }
        for enrollment in &enrollments {
            let over = matches!(enrollment.state, Stage::Active | Stage::Ended(_));
            if over && enrollment.scanned.key.is_some() {
                state.faults.insert(Fault::CodeKeptAfterItsEnd);
            }
            let of_it = |device: &&Device| device.id.ends_with(&format!(" {}", enrollment.session));
            if devices.iter().filter(of_it).count() > 1 {
                state.faults.insert(Fault::BoundTwice);
            }
        }
        let of_alice = || enrollments.iter().filter(|one| one.account_id == ALICE);
        let active = of_alice().filter(|one| one.state == Stage::Active).count();
        if active > 1 || (active == 1 && of_alice().any(|one| matches!(one.state, Stage::Open | Stage::Bound))) {
            state.faults.insert(Fault::EnrollmentLeftOpen);
        }
        let waits = |device: &Device| device.state == Standing::Pending;
        let ended = |one: &Enrollment| matches!(one.state, Stage::Ended(_));
        if enrollments.iter().any(|one| {
            ended(one) && devices.iter().any(|device| one.device_id.as_ref() == Some(&device.id) && waits(device))
        }) {
            state.faults.insert(Fault::EnrollmentLeftOpen);
        }
    }

    /// Whether the person of this session can know the digits that this phone computes for this wizard's code.
    fn knows(&self, state: &State, session: Wizard, phone: Phone, code: Wizard) -> bool {
        match session {
            // Alice types the digits that Alice's own phone shows, also after a forged bind response.
            Wizard::Alice | Wizard::Other => phone == Phone::Alice && state.shows.contains(&(phone, code)),
            Wizard::Mallory => code == Wizard::Mallory || (code == Wizard::Alice && self.leaks),
        }
    }
}

impl Model for Adding {
    type State = State;
    type Action = Event;

    fn init_states(&self) -> Vec<State> {
        let (answered, shows, faults) = (BTreeSet::new(), BTreeSet::new(), BTreeSet::new());
        vec![State { rows: self.begin.clone(), tick: 0, answered, shows, faults }]
    }

    fn actions(&self, state: &State, actions: &mut Vec<Event>) {
        if !state.faults.is_empty() {
            return;
        }
        let of_each = |event: fn(Wizard) -> Event| self.wizards.iter().copied().map(event);
        // Alice scans the codes of Alice's own wizards, and a code that Mallory shows.
        actions.extend(of_each(|wizard| Event::Bind(Phone::Alice, wizard, wizard)));
        actions.extend(of_each(|wizard| Event::Answer(Phone::Alice, wizard)));
        // Mallory binds with the secret of Alice's code if the code leaks, and otherwise with the secret of another
        // code.
        let by = if self.leaks { Wizard::Alice } else { Wizard::Other };
        actions.push(Event::Bind(Phone::Mallory, Wizard::Alice, by));
        actions.push(Event::Cancel(Wizard::Alice));
        actions.push(Event::Type(Wizard::Alice, Wizard::Alice, None));
        for session in &self.wizards {
            for phone in [Phone::Alice, Phone::Mallory] {
                for code in self.wizards.iter().filter(|code| self.knows(state, *session, phone, **code)) {
                    let typed = Some((phone, *code));
                    actions.extend(self.wizards.iter().map(|wizard| Event::Type(*session, *wizard, typed)));
                }
            }
        }
        if state.tick + 1 < TIMES.len() {
            actions.push(Event::Wait);
        }
    }

    fn next_state(&self, last: &State, action: Event) -> Option<State> {
        let (mut state, now) = (last.clone(), START + TIMES[last.tick]);
        match action {
            Event::Bind(phone, wizard, by) => self.bind(&mut state, phone, wizard, by, now),
            Event::Answer(phone, wizard) => {
                let forged = wizard == Wizard::Mallory || (wizard == Wizard::Alice && self.leaks);
                if forged || state.answered.contains(&(phone, wizard)) {
                    state.shows.insert((phone, wizard));
                }
            }
            Event::Type(session, wizard, known) => {
                let typed = known.map_or("no digits", |known| self.digits[&known].as_str());
                self.type_digits(&mut state, session, wizard, typed, now);
            }
            Event::Cancel(wizard) => {
                let (id, _, _) = self.code(wizard);
                state.rows.run(|tx| end_in(tx, id, Cause::NotMyPhone, now));
            }
            Event::Wait => state.tick += 1,
        }
        if state == *last {
            return None;
        }
        self.judge(&mut state);
        Some(state)
    }

    fn properties(&self) -> Vec<Property<Self>> {
        let mut all = always!(
            ForeignPhone,
            BoundWithoutTheCode,
            BoundTwice,
            DigitsFromAnotherSession,
            DecidedTooLate,
            CodeKeptAfterItsEnd,
            EnrollmentLeftOpen
        );
        all.push(Property::sometimes("Alice can add a phone", |_, state: &State| {
            state.rows.all::<Device>().iter().any(|device| device.account_id == ALICE && device.is_active())
        }));
        all.push(Property::sometimes("the third wrong entry of digits ends an enrollment", |_, state: &State| {
            let wrong = Stage::Ended(Cause::WrongDigits);
            state.rows.all::<Enrollment>().iter().any(|enrollment| enrollment.state == wrong)
        }));
        all
    }
}
