//! Makes the JSON output: one object per line. The member names are documented in `README.md` and stable.

use countersign::{
    Account, Delivery, Matching, Notice, Offer, Outcome, PromptId, PromptState, Timestamp, WithdrawalReason,
};
use serde_json::{Value, json};

use crate::error::PhoneError;
use crate::names::short;
use crate::render::PromptView;
use crate::words;

pub(crate) fn account(event: &str, account: &Account) -> Value {
    let (state, cause) = words::health_name(account.health);
    json!({
        "event": event,
        "account": account.id.0,
        "issuer": account.issuer,
        "host": account.host,
        "organization": account.organization,
        "user_name": account.user_name,
        "state": state,
        "cause": cause,
        "phone_sign_in": words::phone_sign_in_name(account.phone_sign_in),
        "added_at": account.added_at.0,
        "muted_until": account.muted_until.map(|until| until.0),
        "quiet_origins": quiet_origins(account),
    })
}

pub(crate) fn offer(offer: &Offer) -> Value {
    json!({
        "event": "offer",
        "issuer": offer.issuer(),
        "host": offer.host(),
        "organization": offer.organization(),
        "user_name": offer.user_name(),
        "already_here": offer.already_here(),
    })
}

pub(crate) fn digits(host: &str, digits: &str, until: Timestamp) -> Value {
    json!({ "event": "digits", "host": host, "digits": digits, "until": until.0 })
}

pub(crate) fn prompt(view: &PromptView) -> Value {
    let matching = match &view.matching {
        Matching::Enter { digits } => json!({ "mode": "enter", "digits": digits }),
        Matching::Choose { options } => json!({ "mode": "choose", "options": options }),
    };
    let context = &view.context;
    let place = context.place.as_ref();
    json!({
        "event": "prompt",
        "prompt": view.id.jti,
        "short": short(&view.id.jti),
        "account": view.account.id.0,
        "host": view.account.host,
        "organization": view.account.organization,
        "user_name": view.account.user_name,
        "kind": words::kind_name(view.kind),
        "origin": words::origin_name(view.origin),
        "match": matching,
        "application": context.application,
        "browser": context.browser,
        "os": context.os,
        "address": context.address,
        "place": place.map(|place| json!({ "city": place.city, "region": place.region, "country": place.country })),
        "near": context.near,
        "about": context.about,
        "issued_at": view.issued_at.0,
        "expires_at": view.expires_at.0,
        "state": state(view.state),
        "delivery": delivery(view.state),
        "quiet": view.quiet.map(|quiet| words::quiet(quiet).name),
    })
}

fn state(state: PromptState) -> &'static str {
    match state {
        PromptState::Open => "open",
        PromptState::Answering { .. } => "answering",
        PromptState::Done { .. } => "done",
    }
}

fn delivery(state: PromptState) -> Option<&'static str> {
    match state {
        PromptState::Answering { delivery } => Some(words::delivery(delivery).name),
        PromptState::Open | PromptState::Done { .. } => None,
    }
}

fn quiet_origins(account: &Account) -> Value {
    let quiet = account.quiet_origins.iter();
    quiet.map(|quiet| json!({ "origin": words::origin_name(quiet.origin), "until": quiet.until.0 })).collect()
}

pub(crate) fn withdrawn(id: &PromptId, reason: WithdrawalReason) -> Value {
    let verdict = words::withdrawal(reason);
    json!({ "event": "withdrawn", "prompt": id.jti, "reason": verdict.name, "message": verdict.words })
}

/// Makes the event for a request that is no longer listed, although the service did not withdraw it.
pub(crate) fn gone(id: &PromptId, reason: &str, message: &str) -> Value {
    json!({ "event": "withdrawn", "prompt": id.jti, "reason": reason, "message": message })
}

pub(crate) fn outcome(id: &PromptId, outcome: Outcome) -> Value {
    let verdict = words::outcome(outcome);
    json!({ "event": "outcome", "prompt": id.jti, "result": verdict.name, "message": verdict.words })
}

pub(crate) fn notice(notice: &Notice) -> Value {
    json!({
        "event": "notice", "notice": notice.id, "account": notice.account.0, "at": notice.at.0,
        "message": words::notice(notice.kind),
    })
}

/// Makes the event for an answer that the service has not acknowledged.
pub(crate) fn queued(id: &PromptId, delivery: Delivery) -> Value {
    let verdict = words::delivery(delivery);
    json!({ "event": "queued", "prompt": id.jti, "delivery": verdict.name, "message": verdict.words })
}

pub(crate) fn error(error: &PhoneError, prompt: Option<&PromptId>, account: Option<&str>) -> Value {
    let words = words::of(error);
    let cause = match error {
        PhoneError::Ended(cause) => Some(words::cause_name(*cause)),
        _ => None,
    };
    json!({
        "event": "error",
        "error": words.code,
        "cause": cause,
        "message": words.happened,
        "still_fine": words.fine,
        "next": words.next,
        "prompt": prompt.map(|id| id.jti.clone()),
        "account": account,
    })
}

#[cfg(test)]
mod tests {
    use countersign::RemovalCause;

    use crate::render::good_view;

    use super::*;

    #[test]
    fn a_request_has_its_documented_members() {
        let expected = json!({
            "event": "prompt", "prompt": "aB3dE9fGhIjKlMnOpQrStU", "short": "aB3dE9",
            "account": "acc0123456789abcdefghi", "host": "signin.example.com", "organization": "Example Works",
            "user_name": "ada", "kind": "second_factor", "origin": "password_proved",
            "match": { "mode": "enter", "digits": 2 }, "application": "Security info", "browser": "Chrome",
            "os": "Linux", "address": "192.0.2.7",
            "place": { "city": "Basel", "region": "Basel-Stadt", "country": "Switzerland" }, "near": true,
            "about": null, "issued_at": 2000, "expires_at": 2120, "state": "open",
            "delivery": null, "quiet": null,
        });
        assert_eq!(prompt(&good_view()), expected);
    }

    #[test]
    fn an_ended_enrollment_names_its_cause() {
        let value = error(&PhoneError::Ended(RemovalCause::NotMyPhone), None, None);
        assert_eq!(value.get("error"), Some(&json!("enrollment_ended")));
        assert_eq!(value.get("cause"), Some(&json!("not_my_phone")));
    }

    #[test]
    fn error_object_names_its_request() {
        let id = good_view().id;
        let value = error(&PhoneError::Core(countersign::Error::NumberForm), Some(&id), None);
        assert_eq!(value.get("prompt"), Some(&json!(id.jti)));
        assert_eq!(value.get("error"), Some(&json!("number_form")));
    }
}
