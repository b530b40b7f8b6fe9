//! The step from version 1 to version 2: each grant records what gave it, and when.
//!
//! Version 1 recorded this only for the sessions and known browsers that an approval gave. All other grants get the
//! giver `unrecorded`, which allows nothing new: an unfinished adding of a phone must start again.

use std::collections::HashMap;

use rusqlite::Transaction;
use serde_json::{Value, json};

use crate::store::backend::StoreError;

const DAY: i64 = 86_400;

/// Adds the provenance to every grant.
pub(super) fn record(transaction: &Transaction<'_>) -> Result<(), StoreError> {
    let mut approvals = HashMap::new();
    rewrite(transaction, "ceremonies", |row| {
        for gave in ["gave_session", "gave_browser"] {
            let [device, at] = ["decided_by", "decided_at"].map(|member| row.body.get(member));
            if let Some(given) = row.body.get(gave).and_then(Value::as_str)
                && device.is_some_and(Value::is_string)
                && at.is_some_and(Value::is_i64)
            {
                let approval = json!({ "ceremony": row.id, "device": device, "at": at });
                approvals.insert(given.to_owned(), (row.id.clone(), approval));
            }
        }
    })?;
    let mut password_times = HashMap::new();
    rewrite(transaction, "people", |row| {
        password_times.insert(row.id.clone(), time(&row.body, "password_changed_at"));
        let role = row.body.get("is_administrator") == Some(&json!(true));
        row.set("administrator_by", if role { unrecorded(0) } else { Value::Null });
    })?;
    let by_approval = |id: &str, at: i64| match approvals.get(id) {
        Some((ceremony, approval)) => json!({ "by": { "approval": ceremony }, "at": at, "approvals": [approval] }),
        None => unrecorded(at),
    };
    rewrite(transaction, "sessions", |row| {
        let at = time(&row.body, "authenticated_at");
        let by_password = row.body.get("used") == Some(&json!("password"));
        let password = password_times.get(&row.parent).copied().unwrap_or_default();
        let first = if by_password { given(json!({ "password": password }), at) } else { by_approval(&row.id, at) };
        row.set("given", first);
        let approved = row.body.get("approved_at").and_then(Value::as_i64);
        row.set("approved", approved.map_or(Value::Null, |at| by_approval(&row.id, at)));
    })?;
    rewrite(transaction, "known_browsers", |row| {
        let at = time(&row.body, "expires_at") - 90 * DAY;
        row.set("given", by_approval(&row.id, at));
    })?;
    rewrite(transaction, "attempts", |row| {
        let adds_phone = row.body.pointer("/registration/purpose/add_phone").is_some();
        for name in ["proven", "must_change"] {
            if let Some(proof) = row.body.get_mut(name).filter(|proof| !proof.is_null()) {
                row.parent = proof.get("account_id").and_then(Value::as_str).unwrap_or_default().to_owned();
                add_to_proof(proof, adds_phone);
            }
        }
        if let Some(registration) = row.body.get_mut("registration").filter(|one| !one.is_null()) {
            set(registration, "given", unrecorded(time(registration, "expires_at") - 600));
        }
    })?;
    unrecorded_before(transaction, "registrations", "expires_at", 600)?;
    rewrite(transaction, "registration_codes", |row| {
        let at = time(&row.body, "expires_at") - 60;
        row.set("given", unrecorded(at));
        if let Some(registration) = row.body.get_mut("registration") {
            set(registration, "given", unrecorded(at));
        }
    })?;
    unrecorded_before(transaction, "registration_tokens", "expires_at", 600)?;
    unrecorded_before(transaction, "phone_tokens", "expires_at", 600)?;
    unrecorded_before(transaction, "enrollments", "created_at", 0)?;
    rewrite(transaction, "devices", |row| {
        row.set("given", unrecorded(time(&row.body, "added_at")));
        if let Some(sign_in) = row.body.get_mut("sign_in").filter(|sign_in| !sign_in.is_null()) {
            set(sign_in, "given", unrecorded(time(sign_in, "registered_at")));
        }
    })?;
    rewrite(transaction, "passes", |row| {
        let typed = row.body.get("used_at").cloned().unwrap_or_default();
        row.set("spent_at", typed);
        row.set("given", unrecorded(time(&row.body, "starts_at")));
    })?;
    rewrite(transaction, "api_tokens", |row| {
        row.set("name", json!("made before the update"));
        row.set("scope", json!("change_policy"));
        row.set("given", unrecorded(time(&row.body, "expires_at") - 90 * DAY));
    })?;
    rewrite(transaction, "codes", |row| row.set("issued_at", json!(time(&row.body, "expires_at") - 60)))?;
    rewrite(transaction, "tokens", |row| row.set("issued_at", json!(time(&row.body, "expires_at") - 600)))
}

/// The proof by a password keeps its time. The pass of a proof by pass is not known. The proof at the consent page for a
/// new phone allows nothing, so that this adding must start again.
fn add_to_proof(proof: &mut Value, adds_phone: bool) {
    let at = time(proof, "at");
    let by_password = proof.get("by") == Some(&json!("password")) && !adds_phone;
    let password = time(proof, "password_since");
    set(proof, "given", if by_password { given(json!({ "password": password }), at) } else { unrecorded(at) });
}

fn unrecorded_before(transaction: &Transaction<'_>, table: &str, member: &str, seconds: i64) -> Result<(), StoreError> {
    rewrite(transaction, table, |row| row.set("given", unrecorded(time(&row.body, member) - seconds)))
}

fn given(by: Value, at: i64) -> Value {
    json!({ "by": by, "at": at })
}

fn unrecorded(at: i64) -> Value {
    given(json!("unrecorded"), at)
}

fn time(body: &Value, member: &str) -> i64 {
    body.get(member).and_then(Value::as_i64).unwrap_or_default()
}

fn set(body: &mut Value, member: &str, value: Value) {
    if let Some(members) = body.as_object_mut() {
        members.insert(member.to_owned(), value);
    }
}

struct Row {
    number: i64,
    id: String,
    parent: String,
    body: Value,
}

impl Row {
    fn set(&mut self, member: &str, value: Value) {
        set(&mut self.body, member, value);
    }
}

/// Changes every row of a table.
fn rewrite(transaction: &Transaction<'_>, table: &str, mut change: impl FnMut(&mut Row)) -> Result<(), StoreError> {
    let mut select = transaction.prepare(&format!("SELECT number, id, parent, body FROM {table}"))?;
    let rows = select.query_map([], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get::<_, String>(3)?)))?;
    let mut update = transaction.prepare(&format!("UPDATE {table} SET parent = ?2, body = ?3 WHERE number = ?1"))?;
    for row in rows.collect::<Result<Vec<_>, _>>()? {
        let (number, id, parent, body) = row;
        let mut row = Row { number, id, parent, body: serde_json::from_str(&body)? };
        change(&mut row);
        update.execute((row.number, &row.parent, serde_json::to_string(&row.body)?))?;
    }
    Ok(())
}
