//! Models Alice's phone and the delivery of its answers to the service. All models with approvals use this module.

use std::collections::{BTreeSet, HashMap};
use std::sync::Mutex;

use countersign::testing::decisions::Receiver;
use countersign_service::app::App;
use countersign_service::clock::Time;
use countersign_service::devices::device::Device;
use countersign_service::prompts::acts::{Drawn, Only, Wanted, start_in};
use countersign_service::prompts::answers::{Act, Answer, InnerClaims, take};
use countersign_service::prompts::ceremony::{AnswerResult, Ceremony, Context, Kind, Origin, Owner};
use countersign_service::prompts::change::Change;
use countersign_service::prompts::records::Prompt;
use countersign_service::secrets::hashed;
use countersign_service::sign_in::attempt::Proven;

use crate::rows::Rows;
use crate::world::{ALICES_PHONE, ISSUER, device_key, name_ceremony, receiver, sign_in_key, smallest};

/// An answer that Alice's phone has signed. The network can deliver the answer at any later time.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Said {
    /// The prompt's `jti`.
    pub prompt: String,
    /// The number of an approval, or `None` for a denial.
    pub number: Option<String>,
    /// The thumbprint of the signing key.
    pub key: String,
    /// The signed claims.
    pub inner: String,
}

/// The facts of a new ceremony.
pub struct Start<'a> {
    /// The ceremony's name in the model.
    pub name: &'a str,
    /// The account that signs in or is changed.
    pub account: &'a str,
    /// The waiting browser.
    pub owner: Owner,
    /// The kind of the ceremony.
    pub kind: Kind,
    /// How much the browser has proved.
    pub origin: Origin,
    /// The proof by password or pass after which the ceremony starts.
    pub proven: Option<Proven>,
    /// The change to approve, for a step-up.
    pub change: Option<Change>,
    /// Which phones are asked.
    pub only: Only,
    /// The number, if the page has chosen it before the ceremony starts.
    pub number: Option<String>,
}

/// The service and Alice's phone.
pub struct Sides {
    /// The service.
    pub app: App,
    phone: Receiver,
    /// The results of verifying prompts, by JWS and time. They are cached, because verifying is slow.
    verified: Mutex<HashMap<(String, Time), Option<countersign::Prompt>>>,
}

impl Sides {
    /// Creates both sides. Alice's phone knows the service's keys.
    #[must_use]
    pub fn new(app: App) -> Self {
        Self { phone: receiver(&app), app, verified: Mutex::default() }
    }

    /// Starts a ceremony with the function that the service's pages use. Returns false when a rule refuses the
    /// ceremony.
    pub fn start(&self, rows: &mut Rows, start: Start<'_>, now: Time) -> bool {
        let nothing = String::new;
        let wanted = Wanted {
            account_id: start.account.to_owned(),
            known_browser: (start.origin == Origin::KnownBrowser).then(|| "known".to_owned()),
            network: format!("{:?}", start.owner),
            owner: start.owner,
            kind: start.kind,
            origin: start.origin,
            context: Context {
                application: nothing(),
                browser: nothing(),
                os: nothing(),
                address: nothing(),
                about: None,
            },
            drawn: start.number.map(|number| Drawn { id: format!("drawn for {}", start.name), number }),
            proven: start.proven,
            change: start.change,
            only: start.only,
        };
        let started = rows.run(|tx| start_in(tx, &self.app, &wanted, smallest, now));
        let started = started.into_result();
        if let Ok((ceremony, _pushes)) = &started {
            name_ceremony(&self.app, rows, &ceremony.id, start.name);
        }
        started.is_ok()
    }

    /// Returns the prompt as Alice's phone shows it, or `None` if the phone does not show the prompt.
    #[must_use]
    pub fn shown(&self, prompt: &Prompt, now: Time) -> Option<countersign::Prompt> {
        let mut verified = self.verified.lock().expect("the mutex is poisoned");
        let read = || self.phone.shows(&prompt.jws, u64::try_from(now).unwrap_or(0));
        verified.entry((prompt.jws.clone(), now)).or_insert_with(read).clone()
    }

    /// Alice answers a prompt: approves with `number`, or denies if `number` is `None`. Returns `None` if Alice's phone
    /// does not show the prompt or refuses the answer.
    #[must_use]
    pub fn answer(&self, prompt: &Prompt, number: Option<String>, now: Time) -> Option<Said> {
        let shown = self.shown(prompt, now)?;
        let inner = self.phone.answer(&shown, &prompt.jws, number.as_deref())?;
        let needs_unlock = number.is_some() && shown.needs_unlock();
        let key = if needs_unlock { sign_in_key(ALICES_PHONE) } else { device_key(ALICES_PHONE) };
        Some(Said { prompt: prompt.jti.clone(), number, key: key.thumbprint(), inner })
    }

    /// `page` is the id of the ceremony whose number Alice sees. Adds an approval with that number to `said`, or a
    /// denial if `page` is `None`. Adds nothing if the phone refuses the answer.
    pub fn says(&self, rows: &Rows, said: &mut BTreeSet<Said>, jti: &str, page: Option<&str>, now: Time) {
        let number = page.map(|page| rows.one::<Ceremony>(page).number);
        said.extend(self.answer(&rows.one(jti), number, now));
    }

    /// Delivers an answer in a request of the phone `by`. Makes the same checks as the service's route: the key that
    /// signed the answer must belong to this phone's device, and the service's code must accept the signed claims.
    pub fn bring(&self, rows: &mut Rows, by: &str, key: &str, inner: &str, now: Time) -> Option<AnswerResult> {
        let device: Device = rows.one(by);
        let (signed_with, _) = device.key_named(key)?;
        let claims: InnerClaims = serde_json::from_str(inner).ok()?;
        let answer = Answer {
            decision: claims.decision(signed_with, ISSUER)?,
            prompt: claims.prompt,
            prompt_sha256: claims.prompt_sha256,
            key: key.to_owned(),
            fingerprint: hashed(inner.as_bytes()),
            by_push: false,
            network: "somewhere".to_owned(),
        };
        let (_standing, taken) = rows.run(|tx| take(tx, &self.app, by, "", Some(&Act::Answer(answer)), now));
        taken.map(|(told, _pushes)| told)
    }

    /// Returns false if a live prompt of Alice's phone can't be denied now. Every other prompt gives true, because
    /// nothing is required of it.
    #[must_use]
    pub fn may_deny(&self, rows: &Rows, prompt: &Prompt, now: Time) -> bool {
        if prompt.device_id != ALICES_PHONE || !rows.one::<Ceremony>(&prompt.ceremony).is_live(now) {
            return true;
        }
        let no = self.answer(prompt, None, now);
        no.is_some_and(|no| {
            self.bring(&mut rows.clone(), ALICES_PHONE, &no.key, &no.inner, now) == Some(AnswerResult::Denied)
        })
    }
}

/// Whether Alice's phone has signed an answer that belongs to the ceremony and satisfies `fits`.
#[must_use]
pub fn has_said(said: &BTreeSet<Said>, prompts: &[Prompt], ceremony: &str, fits: impl Fn(&Said) -> bool) -> bool {
    let mut own = prompts.iter().filter(|prompt| prompt.ceremony == ceremony);
    own.any(|prompt| said.iter().any(|said| said.prompt == prompt.jti && fits(said)))
}
