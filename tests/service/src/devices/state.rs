//! The signed state (protocol section 5): the response to every verified request of a device.

use axum::http::header;
use axum::response::{IntoResponse, Response};
use serde::Serialize;

use crate::app::App;
use crate::clock::Time;
use crate::devices::device::Device;
use crate::devices::push_test::PushTest;
use crate::devices::standing::Standing;
use crate::features::{self, Feature};
use crate::phone_sign_in::rules::TurnedOn;
use crate::problem::Problem;
use crate::prompts::ceremony::AnswerResult;
use crate::prompts::records::Prompt;

const STATE_TYP: &str = "phone-state+jwt";
/// The most prompts that a signed state contains, and the most known prompts that a fetch may list.
pub const MAX_PROMPTS: usize = 16;

/// The claims of a signed state.
#[derive(Serialize)]
pub struct StateClaims<'a> {
    iss: &'a str,
    aud: &'a str,
    iat: Time,
    request: &'a str,
    /// The number of the newest key document, so that a phone learns of new keys before they sign.
    keys_seq: usize,
    features: &'static [Feature],
    #[serde(flatten)]
    standing: Standing,
    #[serde(flatten)]
    news: News,
}

/// The parts of a signed state that respond to the request. Unset members are omitted.
#[derive(Default, Serialize)]
pub struct News {
    /// The live prompts, each as a signed JWS.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub prompts: Option<Vec<String>>,
    /// The result of an answer or a report.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub outcome: Option<OutcomeClaims>,
    /// The result of turning phone sign-in on.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub turn_on: Option<TurnedOn>,
    /// The result of a request for a test push.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub push_test: Option<PushTest>,
}

/// The result of an answer or a report.
#[derive(Serialize)]
pub struct OutcomeClaims {
    /// The `jti` of the prompt.
    pub prompt: String,
    /// The result, as the phone receives it.
    pub result: AnswerResult,
}

impl<'a> StateClaims<'a> {
    fn new(app: &'a App, device: &'a Device, jti: &'a str, standing: Standing, news: News, now: Time) -> Self {
        Self {
            iss: &app.config.issuer,
            aud: &device.id,
            iat: now,
            request: jti,
            keys_seq: app.keys.newest_document(),
            features: &features::KNOWN,
            standing,
            news,
        }
    }

    /// Leaves out one notice, or one prompt if there is no notice. Returns false if neither is left.
    fn leave_out_one(&mut self) -> bool {
        self.standing.leave_out_notice() || self.news.prompts.as_mut().is_some_and(|prompts| prompts.pop().is_some())
    }
}

/// Signs the state that responds to a request. Leaves out notices and prompts that do not fit, in the order of protocol
/// section 5: first the newest notices, then prompts from the end of the list.
pub fn state(app: &App, device: &Device, jti: &str, standing: Standing, news: News) -> Result<Response, Problem> {
    let now = app.clock.now();
    let (key, mut claims) = (app.keys.phone(now), StateClaims::new(app, device, jti, standing, news, now));
    // GUARD(state-fits): full_state_omits_newest_notices_then_weakest_prompts
    while !key.fits(STATE_TYP, &claims) && claims.leave_out_one() {}
    let jws = key.sign(STATE_TYP, &claims).map_err(|_library| Problem::Unavailable)?;
    Ok(([(header::CONTENT_TYPE, "application/jose")], jws).into_response())
}

/// Signs the state that responds to a request whose time was wrong. The request had no effect.
pub fn skewed(app: &App, device: &Device, jti: &str) -> Result<Response, Problem> {
    state(app, device, jti, Standing::clock_skew(), News::default())
}

/// Returns the live prompts that the response to a fetch lists: the first prompts of `ranked`, as many as fit into the
/// signed state. `ranked` is sorted by `prompts::rules::strongest_first`. The caller compares this list with the
/// prompts that the phone already knows. If they are the same, the fetch waits for a change before the state is
/// signed.
#[must_use]
pub fn listed(app: &App, device: &Device, jti: &str, standing: &Standing, mut ranked: Vec<Prompt>) -> Vec<Prompt> {
    ranked.truncate(MAX_PROMPTS);
    let (now, prompts) = (app.clock.now(), ranked.iter().map(|prompt| prompt.jws.clone()).collect());
    let news = News { prompts: Some(prompts), ..News::default() };
    let (key, mut claims) = (app.keys.phone(now), StateClaims::new(app, device, jti, standing.clone(), news, now));
    while !key.fits(STATE_TYP, &claims) && claims.leave_out_one() {}
    ranked.truncate(claims.news.prompts.map_or(0, |prompts| prompts.len()));
    ranked
}
