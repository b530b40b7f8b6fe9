//! The signed state (protocol section 5): what every request of a phone is answered with.

use axum::http::header;
use axum::response::{IntoResponse, Response};
use serde::Serialize;

use crate::app::App;
use crate::clock::Time;
use crate::devices::device::Device;
use crate::devices::push_test::PushTest;
use crate::devices::standing::Standing;
use crate::phone_sign_in::rules::TurnedOn;
use crate::problem::Problem;
use crate::prompts::ceremony::AnswerResult;
use crate::prompts::records::Prompt;

const STATE_TYP: &str = "phone-state+jwt";
/// A phone reads no more of one state, and names no more in a fetch.
pub const MAX_PROMPTS: usize = 16;

/// A signed state.
#[derive(Serialize)]
pub struct StateClaims<'a> {
    iss: &'a str,
    aud: &'a str,
    iat: Time,
    request: &'a str,
    /// So that a phone learns of new keys before they sign.
    keys_seq: usize,
    #[serde(flatten)]
    standing: Standing,
    #[serde(flatten)]
    news: News,
}

/// What an answer says beside where the device stands; what is not set is not said.
#[derive(Default, Serialize)]
pub struct News {
    /// The live prompts, as they were signed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub prompts: Option<Vec<String>>,
    /// What came of an answer or a report.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub outcome: Option<OutcomeClaims>,
    /// What came of turning phone sign-in on.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub turn_on: Option<TurnedOn>,
    /// What came of asking for a test push.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub push_test: Option<PushTest>,
}

/// What came of an answer or a report.
#[derive(Serialize)]
pub struct OutcomeClaims {
    /// The prompt.
    pub prompt: String,
    /// What its phone is told.
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
            standing,
            news,
        }
    }

    /// False when there is nothing left to leave out.
    fn leave_out_one(&mut self) -> bool {
        self.standing.leave_out_notice() || self.news.prompts.as_mut().is_some_and(|prompts| prompts.pop().is_some())
    }
}

/// Signs the answer to a request. What does not fit is left out, in the order of protocol section 5: the newest
/// notices first, then prompts from the last on.
pub fn state(app: &App, device: &Device, jti: &str, standing: Standing, news: News) -> Result<Response, Problem> {
    let now = app.clock.now();
    let (key, mut claims) = (app.keys.phone(now), StateClaims::new(app, device, jti, standing, news, now));
    // GUARD(state-fits): a_state_at_its_limit_leaves_out_the_newest_notices_then_the_weakest_and_oldest_prompts
    while !key.fits(STATE_TYP, &claims) && claims.leave_out_one() {}
    let jws = key.sign(STATE_TYP, &claims).map_err(|_library| Problem::Unavailable)?;
    Ok(([(header::CONTENT_TYPE, "application/jose")], jws).into_response())
}

/// Signs the answer to a request whose time was wrong: nothing was done.
pub fn skewed(app: &App, device: &Device, jti: &str) -> Result<Response, Problem> {
    state(app, device, jti, Standing::clock_skew(), News::default())
}

/// The live prompts that the answer to a fetch lists: as many of `ranked` (`prompts::rules::strongest_first`) as fit. Found
/// before it is signed, so that a phone that holds exactly these waits for others.
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
