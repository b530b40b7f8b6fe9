//! The signed state (protocol section 5): what every request of a phone is answered with.

use axum::http::header;
use axum::response::{IntoResponse, Response};
use serde::Serialize;

use crate::app::App;
use crate::clock::Time;
use crate::devices::push_test::PushTest;
use crate::devices::records::Device;
use crate::devices::standing::Standing;
use crate::phone_sign_in::rules::TurnedOn;
use crate::problem::Problem;
use crate::prompts::records::Told;

const STATE_TYP: &str = "phone-state+jwt";

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
    standing: &'a Standing,
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
    pub result: Told,
}

/// Signs the answer to a request.
pub fn state(app: &App, device: &Device, jti: &str, standing: &Standing, news: News) -> Result<Response, Problem> {
    let now = app.clock.now();
    let claims = StateClaims {
        iss: &app.config.issuer,
        aud: &device.id,
        iat: now,
        request: jti,
        keys_seq: app.keys.newest_document(),
        standing,
        news,
    };
    let jws = app.keys.phone(now).sign(STATE_TYP, &claims).map_err(|_library| Problem::Unavailable)?;
    Ok(([(header::CONTENT_TYPE, "application/jose")], jws).into_response())
}

/// Signs the answer to a request whose time was wrong: nothing was done.
pub fn skewed(app: &App, device: &Device, jti: &str) -> Result<Response, Problem> {
    state(app, device, jti, &Standing::clock_skew(), News::default())
}
