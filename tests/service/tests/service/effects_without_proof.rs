//! Sends every request that can cause an effect, without the proof that the effect needs. For each pair of an address
//! and an effect, the request must change nothing in each state without the proof, and must succeed with the proof.

mod acts;
mod adding;
mod browsers;
mod phones;
mod tokens;

use std::collections::BTreeSet;

use countersign_service::addresses::all;

use crate::world::{Dump, World, assert_clean, changed};

/// Something that a request gives or takes. The names are those of the files in `effects`, and of the endings that a
/// request causes without an effect.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Effect {
    AddMethod,
    AddPerson,
    Administrator,
    Answer,
    ApiToken,
    DeletePerson,
    EndEnrollment,
    FirstSession,
    Groups,
    IssueCode,
    IssueToken,
    KnownBrowser,
    MakePass,
    Password,
    PhoneCode,
    PhoneToken,
    Policy,
    PushAddress,
    PushedRequest,
    RaiseSession,
    RegisterDevice,
    RemoveMethod,
    Report,
    ReportLost,
    Reset,
    RevokeApiToken,
    SignIn,
    SignOut,
    StartEnrollment,
    Suspend,
    TurnOff,
    TurnOn,
    Unblock,
}

use Effect::{
    AddMethod, AddPerson, Administrator, Answer, ApiToken, DeletePerson, EndEnrollment, FirstSession, Groups,
    IssueCode, IssueToken, KnownBrowser, MakePass, Password, PhoneCode, PhoneToken, Policy, PushAddress, PushedRequest,
    RaiseSession, RegisterDevice, RemoveMethod, Report, ReportLost, Reset, RevokeApiToken, SignIn, SignOut,
    StartEnrollment, Suspend, TurnOff, TurnOn, Unblock,
};

/// Every address with the effects that a request to it can cause.
const TABLE: [(&str, &[Effect]); 79] = [
    ("GET /", &[]),
    ("GET /static/page.css", &[]),
    ("GET /static/page.js", &[]),
    ("GET /sign-in", &[IssueCode]),
    ("POST /sign-in", &[]),
    ("GET /sign-in/password", &[]),
    ("POST /sign-in/password", &[FirstSession]),
    ("GET /sign-in/pass", &[]),
    ("POST /sign-in/pass", &[FirstSession]),
    ("GET /new-password", &[]),
    ("POST /new-password", &[Password, FirstSession]),
    ("GET /sign-in/number", &[]),
    ("GET /sign-in/events", &[]),
    ("POST /sign-in/again", &[]),
    ("POST /sign-in/cancel", &[]),
    ("POST /sign-in/finish", &[SignIn, KnownBrowser, IssueCode]),
    ("POST /sign-in/phone", &[]),
    ("GET /sign-in/continue", &[]),
    ("POST /sign-in/continue", &[SignIn, KnownBrowser, IssueCode]),
    ("GET /register-phone", &[]),
    ("POST /register-phone", &[PhoneCode]),
    ("POST /register-phone/cancel", &[]),
    ("POST /register-phone/not-offered", &[]),
    ("GET /more-information", &[]),
    ("POST /more-information", &[FirstSession]),
    ("POST /sign-out", &[SignOut]),
    ("GET /security-info", &[]),
    ("POST /security-info/continue", &[IssueCode]),
    ("POST /security-info/remove", &[]),
    ("POST /security-info/lost", &[]),
    ("POST /security-info/lost/report", &[]),
    ("POST /security-info/pass", &[]),
    ("GET /security-info/step-up", &[]),
    ("POST /security-info/step-up/cancel", &[]),
    ("POST /security-info/step-up/finish", &[RemoveMethod, ReportLost, MakePass, RaiseSession]),
    ("GET /security-info/step-up/events", &[]),
    ("GET /security-info/add", &[]),
    ("POST /security-info/add", &[]),
    ("POST /security-info/add/start", &[StartEnrollment]),
    ("GET /security-info/add/code", &[]),
    ("POST /security-info/add/typed", &[]),
    ("POST /security-info/add/digits", &[AddMethod]),
    ("POST /security-info/add/not-my-phone", &[EndEnrollment]),
    ("POST /security-info/add/again", &[]),
    ("POST /security-info/add/finish", &[KnownBrowser, RaiseSession]),
    ("POST /security-info/add/skip", &[]),
    ("POST /security-info/add/cancel", &[EndEnrollment]),
    ("GET /security-info/add/events", &[]),
    ("GET /admin", &[]),
    ("POST /admin/people", &[]),
    ("GET /admin/person", &[]),
    ("POST /admin/person", &[]),
    ("GET /admin/groups", &[]),
    ("POST /admin/groups", &[]),
    ("GET /admin/policy", &[]),
    ("POST /admin/policy", &[]),
    ("GET /admin/api-tokens", &[]),
    ("POST /admin/api-tokens", &[]),
    ("POST /admin/api-tokens/revoke", &[RevokeApiToken]),
    ("GET /admin/approve", &[]),
    (
        "POST /admin/approve/finish",
        &[
            AddPerson,
            Administrator,
            ApiToken,
            DeletePerson,
            Groups,
            MakePass,
            Policy,
            RaiseSession,
            ReportLost,
            Reset,
            Suspend,
            Unblock,
        ],
    ),
    ("POST /admin/approve/cancel", &[]),
    ("GET /admin/approve/events", &[]),
    ("GET /api/policy", &[]),
    ("PATCH /api/policy", &[Policy]),
    ("GET /api/people/{user_name}/policy", &[]),
    ("GET /.well-known/openid-configuration", &[]),
    ("GET /authorize", &[IssueCode]),
    ("POST /par", &[PushedRequest]),
    ("POST /token", &[IssueToken, PhoneToken]),
    ("GET /jwks", &[]),
    ("GET /userinfo", &[]),
    ("POST /userinfo", &[]),
    ("POST /phone/look-up", &[]),
    ("POST /phone/enrollment", &[RegisterDevice, AddMethod]),
    ("POST /phone/prompts", &[]),
    ("POST /phone/answers", &[Answer, Report]),
    ("POST /phone/device", &[EndEnrollment, PushAddress, RemoveMethod, TurnOff, TurnOn, Unblock]),
    ("GET /phone/keys", &[]),
];

/// Returns the pairs that a module tests.
fn covered() -> BTreeSet<(&'static str, Effect)> {
    let lists = [acts::COVERED, adding::COVERED, browsers::COVERED, phones::COVERED, tokens::COVERED];
    lists.into_iter().flatten().copied().collect()
}

#[test]
fn table_of_effects_contains_exactly_the_addresses_of_the_router() {
    let listed: Vec<String> = all().listed().iter().map(|one| format!("{} {}", one.method, one.path)).collect();
    let table: Vec<String> = TABLE.iter().map(|(address, _)| (*address).to_owned()).collect();
    assert_eq!(table, listed);
}

#[test]
fn every_pair_of_address_and_effect_is_tested() {
    let pairs = TABLE.iter().flat_map(|(address, effects)| effects.iter().map(|effect| (*address, *effect)));
    assert_eq!(covered(), pairs.collect());
}

/// One try: what was tried, and the response.
struct Try {
    what: String,
    status: u16,
    text: String,
}

/// Checks that a refused request has changed nothing but `may_write`, and that its response is clean.
fn assert_refused(world: &World, before: &Dump, tried: &Try, may_write: &[&str]) {
    // The store refuses a record of another account. Only records that these tests store have such a reference.
    let of_another_account = ["OfAnotherPerson", "another person's pass"].iter().any(|what| tried.what.contains(what));
    let by_the_store = tried.status == 503 && of_another_account;
    assert_clean(&tried.what, if by_the_store { 400 } else { tried.status }, &tried.text);
    let wrote: Vec<&str> =
        changed(before, &world.dump()).into_iter().filter(|table| !may_write.contains(table)).collect();
    assert_eq!(wrote, Vec::<&str>::new(), "{} has an effect: {} {}", tried.what, tried.status, tried.text);
}

/// Checks that a request with its proof has changed this table.
fn assert_done(world: &World, before: &Dump, tried: &Try, table: &str) {
    let wrote = changed(before, &world.dump());
    assert!(wrote.contains(&table), "{} has no effect: {wrote:?} {} {}", tried.what, tried.status, tried.text);
}
