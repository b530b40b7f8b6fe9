//! Alice at her phone, and how an answer comes to the service: shared by the models in which something is approved.

use std::collections::{BTreeSet, HashMap};
use std::sync::Mutex;

use countersign::testing::decisions::Receiver;
use countersign_service::app::App;
use countersign_service::clock::Time;
use countersign_service::devices::device::Device;
use countersign_service::prompts::acts::{Drawn, Only, Wanted, start_in};
use countersign_service::prompts::answers::{Act, Answer, InnerClaims, take};
use countersign_service::prompts::ceremony::{AnswerResult, Ceremony, Context, Kind, Origin, Owner};
use countersign_service::prompts::records::Prompt;
use countersign_service::secrets::hashed;

use crate::rows::Rows;
use crate::world::{HERS, ISSUER, device_key, name_ceremony, receiver, sign_in_key, smallest};

/// Something that Alice's phone has signed; the network has it from then on.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Said {
    /// The prompt.
    pub prompt: String,
    /// With which number; none is a denial.
    pub number: Option<String>,
    /// Thumbprint of the key that signed.
    pub key: String,
    /// The signed claims.
    pub inner: String,
}

/// A ceremony to be started.
pub struct Start<'a> {
    /// The name that it gets.
    pub name: &'a str,
    /// For whose account.
    pub account: &'a str,
    /// Whose browser waits.
    pub owner: Owner,
    /// What for.
    pub kind: Kind,
    /// How the browser got there.
    pub origin: Origin,
    /// Which phones are asked.
    pub only: Only,
    /// The number, where the page has drawn it before.
    pub number: Option<String>,
}

/// The service and Alice's phone.
pub struct Sides {
    /// The service.
    pub app: App,
    phone: Receiver,
    /// Verifying costs much, and says the same of the same bytes at the same time.
    verified: Mutex<HashMap<(String, Time), Option<countersign::Prompt>>>,
}

impl Sides {
    /// The service, and what Alice's phone knows of it.
    #[must_use]
    pub fn new(app: App) -> Self {
        Self { phone: receiver(&app), app, verified: Mutex::default() }
    }

    /// Starts a ceremony as every page does; false when a rule is against it.
    pub fn start(&self, rows: &mut Rows, start: Start<'_>, now: Time) -> bool {
        let nothing = String::new;
        let wanted = Wanted {
            account_id: start.account.to_owned(),
            known_browser: (start.origin == Origin::KnownBrowser).then(|| "known".to_owned()),
            network: format!("{:?}", start.owner),
            owner: start.owner,
            kind: start.kind,
            origin: start.origin,
            context: Context { application: nothing(), browser: nothing(), os: nothing(), address: nothing() },
            drawn: start.number.map(|number| Drawn { id: format!("drawn for {}", start.name), number }),
            proven: None,
            only: start.only,
        };
        let started = rows.run(|tx| start_in(tx, &self.app, wanted, smallest, now));
        let started = started.into_result();
        if let Ok((ceremony, _pushes)) = &started {
            name_ceremony(&self.app, rows, &ceremony.id, start.name);
        }
        started.is_ok()
    }

    /// What Alice's phone shows of a prompt.
    #[must_use]
    pub fn shown(&self, prompt: &Prompt, now: Time) -> Option<countersign::Prompt> {
        let mut verified = self.verified.lock().expect("nobody panicked in here");
        let read = || self.phone.shows(&prompt.jws, u64::try_from(now).unwrap_or(0));
        verified.entry((prompt.jws.clone(), now)).or_insert_with(read).clone()
    }

    /// Alice answers a prompt that her phone shows, with a number, or no.
    #[must_use]
    pub fn answer(&self, prompt: &Prompt, number: Option<String>, now: Time) -> Option<Said> {
        let shown = self.shown(prompt, now)?;
        let inner = self.phone.answer(&shown, &prompt.jws, number.as_deref())?;
        let asks_her = number.is_some() && shown.needs_unlock();
        let key = if asks_her { sign_in_key(HERS) } else { device_key(HERS) };
        Some(Said { prompt: prompt.jti.clone(), number, key: key.thumbprint(), inner })
    }

    /// Alice answers a prompt with the number of a page of her own, or says no; an answer that can't be is none.
    pub fn says(&self, rows: &Rows, said: &mut BTreeSet<Said>, jti: &str, page: Option<&str>, now: Time) {
        let number = page.map(|page| rows.one::<Ceremony>(page).number);
        said.extend(self.answer(&rows.one(jti), number, now));
    }

    /// A request of a phone brings an inner answer, as the service's route takes it: the inner key must be one of the
    /// device's, the claims are read by the service's own rules.
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

    /// Whether a prompt of Alice that waits could be denied now; true when there is nothing to deny.
    #[must_use]
    pub fn may_deny(&self, rows: &Rows, prompt: &Prompt, now: Time) -> bool {
        if prompt.device_id != HERS || !rows.one::<Ceremony>(&prompt.ceremony).is_live(now) {
            return true;
        }
        let no = self.answer(prompt, None, now);
        no.is_some_and(|no| self.bring(&mut rows.clone(), HERS, &no.key, &no.inner, now) == Some(AnswerResult::Denied))
    }
}

/// Whether Alice's phone has said something of this kind about a ceremony.
#[must_use]
pub fn has_said(said: &BTreeSet<Said>, prompts: &[Prompt], ceremony: &str, fits: impl Fn(&Said) -> bool) -> bool {
    let mut own = prompts.iter().filter(|prompt| prompt.ceremony == ceremony);
    own.any(|prompt| said.iter().any(|said| said.prompt == prompt.jti && fits(said)))
}
