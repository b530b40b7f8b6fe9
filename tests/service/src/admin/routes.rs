//! The HTTP handlers of the administrator's pages.

use std::collections::HashMap;

use axum::extract::{Query, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Redirect, Response};

use super::access::allowed;
use super::acts;
use super::approve::ask;
use super::pages::{pretty, show_groups, show_people, show_person};
use crate::app::App;
use crate::devices::device::Device;
use crate::effects::api_token;
use crate::jose::check_unique;
use crate::pages::words::{self, LossForm};
use crate::people::person::Person;
use crate::policy::document::{self, Fault, TokenScope};
use crate::policy::records::{current, reported};
use crate::posted::Posted;
use crate::prompts::change::Act;
use crate::security_info::loss::{given_by, since};
use crate::store::Tx;
use crate::texts::is_shown;
use crate::visitor::Visitor;

/// `GET /admin`.
pub async fn people_page(State(app): State<App>, visitor: Visitor) -> Response {
    show_people(&app, visitor, None).await
}

/// `POST /admin/people`: asks to approve adding a person, who gets a password that works once.
pub async fn add_person(State(app): State<App>, posted: Posted) -> Response {
    let user_name = posted.field("user_name").trim().to_owned();
    let display_name = posted.field("name").trim().to_owned();
    let fits = |text: &str| !text.is_empty() && is_shown(text);
    if !fits(&user_name) || !fits(&display_name) {
        return show_people(&app, posted.visitor, Some("A person needs a user name and a name.")).await;
    }
    ask(&app, posted.visitor, Act::AddPerson { user_name, display_name }).await
}

/// `GET /admin/person?account=…`.
pub async fn person_page(
    State(app): State<App>,
    visitor: Visitor,
    Query(query): Query<HashMap<String, String>>,
) -> Response {
    show_person(&app, visitor, query.get("account").cloned().unwrap_or_default(), None).await
}

/// `POST /admin/person`: asks to approve a change of a person. The form's field `account` names the person, and the field
/// `act` the change.
pub async fn change_person(State(app): State<App>, posted: Posted) -> Response {
    if posted.field("act") == "lost" {
        return ask_since(&app, posted).await;
    }
    match read_act(&posted) {
        Some(act) => ask(&app, posted.visitor, act).await,
        None => {
            let account = posted.field("account").to_owned();
            show_person(&app, posted.visitor, account, Some(words::NOT_DONE)).await
        }
    }
}

/// Shows what a phone has given, and asks since when it has been missing.
async fn ask_since(app: &App, posted: Posted) -> Response {
    let (account, device, now) =
        (posted.field("account").to_owned(), posted.field("about").to_owned(), posted.visitor.now);
    let wanted = account.clone();
    let found = move |tx: &mut Tx<'_>, _by: &Person| {
        let phone = tx.get::<Device>(&device)?.filter(|phone| phone.account_id == wanted);
        match phone {
            Some(phone) => Ok(Some((given_by(tx, &phone, now)?, phone))),
            None => Ok(None),
        }
    };
    match allowed(app, posted.visitor, found).await {
        Ok((visitor, Some((given, phone)))) => {
            let name = phone.claimed.as_ref().map_or("", |claimed| &claimed.name);
            let fields =
                vec![("account", account.clone()), ("about", phone.id.clone()), ("act", "report-lost".to_owned())];
            let back = format!("/admin/person?account={account}");
            let form = LossForm { action: "/admin/person", fields, back: &back };
            words::lost_since(name, &given, &form, now).show(app, &visitor)
        }
        Ok((visitor, None)) => show_person(app, visitor, account, Some(words::NOT_DONE)).await,
        Err(response) => response,
    }
}

fn read_act(posted: &Posted) -> Option<Act> {
    let (account, about) = (posted.field("account").to_owned(), posted.field("about").to_owned());
    Some(match posted.field("act") {
        "suspend" => Act::Suspend(account),
        "resume" => Act::Resume(account),
        "pass" => Act::MakePass(account),
        "unblock" => Act::Unblock(account),
        "join" => Act::Member { account, group: about, joins: true },
        "leave" => Act::Member { account, group: about, joins: false },
        "administrator" => Act::MakeAdministrator(account),
        "no-administrator" => Act::RemoveAdministrator(account),
        "report-lost" => Act::ReportLost { account, device: about, since: since(posted, posted.visitor.now) },
        "remove-phones" => Act::Reset(account),
        "delete" => Act::DeletePerson(account),
        _ => return None,
    })
}

/// `GET /admin/groups`.
pub async fn groups_page(State(app): State<App>, visitor: Visitor) -> Response {
    show_groups(&app, visitor, None).await
}

/// `POST /admin/groups`: asks to approve a new group.
pub async fn add_group(State(app): State<App>, posted: Posted) -> Response {
    let name = posted.field("name").trim().to_owned();
    ask(&app, posted.visitor, Act::AddGroup(name)).await
}

/// `GET /admin/api-tokens`: the administrator's own API tokens.
pub async fn api_tokens_page(State(app): State<App>, visitor: Visitor) -> Response {
    show_api_tokens(&app, visitor, None).await
}

async fn show_api_tokens(app: &App, visitor: Visitor, problem: Option<&'static str>) -> Response {
    let now = visitor.now;
    match allowed(app, visitor, |tx, by| acts::api_tokens(tx, &by.account_id)).await {
        Ok((visitor, tokens)) => words::api_tokens(&tokens, now, problem).show(app, &visitor),
        Err(response) => response,
    }
}

/// `POST /admin/api-tokens`: asks to approve a new API token.
pub async fn make_api_token(State(app): State<App>, posted: Posted) -> Response {
    let name = posted.field("name").trim().to_owned();
    if name.is_empty() || !is_shown(&name) {
        return show_api_tokens(&app, posted.visitor, Some("A token needs a name, so that you recognize it later."))
            .await;
    }
    let scope = match posted.field("scope") {
        "change" => TokenScope::ChangePolicy,
        _ => TokenScope::ReadPolicy,
    };
    ask(&app, posted.visitor, Act::MakeApiToken { name, scope }).await
}

/// `POST /admin/api-tokens/revoke`: revokes one of the administrator's own API tokens.
pub async fn revoke_api_token(State(app): State<App>, posted: Posted) -> Response {
    let (id, now) = (posted.field("token").to_owned(), posted.visitor.now);
    let revoked = move |tx: &mut Tx<'_>, by: &Person| match api_token::check_revocation(tx, &id, Some(&by.account_id))?
    {
        Some(proof) => api_token::revoke(tx, proof, now),
        None => Ok(()),
    };
    match allowed(&app, posted.visitor, revoked).await {
        Ok((_, ())) => Redirect::to("/admin/api-tokens").into_response(),
        Err(response) => response,
    }
}

/// `GET /admin/policy`.
pub async fn policy_page(State(app): State<App>, visitor: Visitor) -> Response {
    let policies = |tx: &mut Tx<'_>, _by: &Person| {
        let policy = current(tx)?;
        let mut differences = Vec::new();
        for reported in reported(tx)? {
            differences.extend(document::differences(&policy, &reported)?);
        }
        Ok((policy.to_json()?, differences))
    };
    match allowed(&app, visitor, policies).await {
        Ok((visitor, (document, reported))) => words::policy(&pretty(&document), &[], &reported).show(&app, &visitor),
        Err(response) => response,
    }
}

/// `POST /admin/policy`: asks to approve the changes in the typed document. If the document has a fault, shows the faults
/// and the typed text.
pub async fn change_policy(State(app): State<App>, posted: Posted) -> Response {
    let text = posted.field("policy").to_owned();
    match check_unique(text.as_bytes()).ok().and_then(|()| serde_json::from_str(&text).ok()) {
        Some(change) => ask(&app, posted.visitor, Act::ChangePolicy(change)).await,
        None => {
            let detail = "This is not JSON, or a member name is repeated.".to_owned();
            let faults = [Fault { pointer: String::new(), detail }];
            match allowed(&app, posted.visitor, |_tx, _by| Ok(())).await {
                Ok((visitor, ())) => {
                    words::policy(&text, &faults, &[]).show_as(StatusCode::BAD_REQUEST, &app, Some(&visitor))
                }
                Err(response) => response,
            }
        }
    }
}
