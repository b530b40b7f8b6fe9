//! Measures how long an approval takes from Rust, for `cargo xtask bench`. Prints milliseconds, one line per approval.
//!
//! `approvals COUNT` uses a running program `world`. The environment variable `COUNTERSIGN_WORLD` contains the URL of
//! that program's control API. To warm up, `approvals` first runs COUNT approvals that it does not measure.

use std::io::Write;
use std::time::Instant;

use countersign::{CodeInput, Outcome, Step};
use countersign_journeys::{Person, TestPhone, Trouble, qr};
use serde_json::{Value, json};

struct Control {
    client: reqwest::Client,
    address: String,
}

impl Control {
    async fn order(&self, path: &str, body: Value) -> Result<Value, Trouble> {
        let answer = self.client.post(format!("{}{path}", self.address)).json(&body).send().await?;
        let (status, text) = (answer.status(), answer.text().await?);
        if !status.is_success() {
            return Err(format!("POST {path}: {status}: {text}").into());
        }
        Ok(serde_json::from_str(&text)?)
    }
}

fn text(value: &Value, name: &str) -> Result<String, Trouble> {
    Ok(value.get(name).and_then(Value::as_str).ok_or("a member is missing")?.to_owned())
}

/// Adds a phone for a new person. Returns the phone and the user name.
async fn added(control: &Control, facts: &Value) -> Result<(TestPhone, String), Trouble> {
    let who = control.order("/people", json!({})).await?;
    let (user, password) = (text(&who, "user")?, text(&who, "password")?);
    let (issuer, relay, ca) = (text(facts, "issuer")?, text(facts, "relay")?, text(facts, "ca")?);
    let home = std::env::temp_dir().join(format!("countersign-approvals-{}-{user}", std::process::id()));
    let phone = TestPhone::open(home, &relay, ca.as_bytes(), "bench").await?;
    let person = Person::new(&issuer, ca.as_bytes())?;
    let page = person.sign_in_as(&user, &password).await?;
    let page = person.press(&page, "add-method", &[]).await?;
    let page = person.press(&page, "next", &[]).await?;
    let (ticket, digits) = phone.accept(CodeInput::Text { text: qr::text_of_svg(&page.qr_svg()?)? }).await?;
    let page = person.page_after("/security-info/add/code", "code").await?;
    let page = person.press(&page, "confirm", &[("digits", &digits)]).await?;
    phone.activated(ticket).await?;
    let prompt = phone.prompt().await?;
    phone.core().approve(prompt.id().clone(), page.number()?).await?;
    Ok((phone, user))
}

async fn approve(control: &Control, phone: &TestPhone, user: &str) -> Result<f64, Trouble> {
    let number = text(&control.order("/sign-in", json!({ "user": user })).await?, "number")?;
    let prompt = phone.prompt().await?;
    let started = Instant::now();
    match phone.core().approve(prompt.id().clone(), number).await? {
        Step::Done { outcome: Outcome::Approved } => Ok(started.elapsed().as_secs_f64() * 1_000.0),
        other => Err(format!("not approved: {other:?}").into()),
    }
}

#[tokio::main]
async fn main() -> Result<(), Trouble> {
    countersign_service::tls::install_provider();
    let count: usize = std::env::args().nth(1).ok_or("usage: approvals COUNT")?.parse()?;
    let control = Control { client: reqwest::Client::new(), address: std::env::var("COUNTERSIGN_WORLD")? };
    let facts: Value = control.client.get(&control.address).send().await?.json().await?;
    for measured in [false, true] {
        let (phone, user) = added(&control, &facts).await?;
        for _approval in 0..count {
            let milliseconds = approve(&control, &phone, &user).await?;
            if measured {
                writeln!(std::io::stdout(), "{milliseconds:.3}")?;
            }
        }
        let home = phone.home().to_owned();
        drop(phone);
        std::fs::remove_dir_all(home)?;
    }
    Ok(())
}
