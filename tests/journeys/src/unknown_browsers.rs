//! Compares the pages and response times of phone sign-in in unknown browsers, for every kind of user name.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use countersign_service::clock::DAY;
use countersign_service::devices::records as devices;
use countersign_service::people::person::Person as Account;
use countersign_service::people::records as people;
use countersign_service::prompts::ceremony::{Ceremony, Kind, Match, Origin, Outcome, Owner};

use crate::apart::{self, Compared};
use crate::people::{PASSWORD, USER};
use crate::person::PageView;
use crate::person::without_flows;
use crate::trouble::Trouble;
use crate::world::World;

/// The kinds of user names, and one user name of each kind.
pub const NAMES: [(&str, &str); 5] = [
    ("unknown", "nobody@example.org"),
    ("real", USER),
    ("no phone", "no-phone@example.org"),
    ("blocked", "blocked@example.org"),
    ("over limit", "over-limit@example.org"),
];

/// Creates the accounts of `NAMES` with their past ceremonies, except for Ada and for the unknown user name. Ada and
/// Ada's phone must exist already.
///
/// # Errors
/// When a name is taken.
pub fn prepare(world: &World) -> Result<(), Trouble> {
    for (what, name) in NAMES {
        if !["unknown", "real"].contains(&what) {
            world.add_person(name, PASSWORD)?;
        }
    }
    hold(world, "blocked@example.org", Some(Outcome::WrongNumber))?;
    hold(world, "over-limit@example.org", None)
}

/// Gives the account a phone and three ceremonies of unknown browsers. The ceremonies have the outcome `outcome`. If
/// `outcome` is `None`, the ceremonies stay open for a day.
fn hold(world: &World, name: &str, outcome: Option<Outcome>) -> Result<(), Trouble> {
    let now = world.app.clock.now();
    let held = |account_id: &str, number: u8| Ceremony {
        id: format!("{name} {number}"),
        account_id: account_id.to_owned(),
        owner: Owner::Attempt(format!("{name} {number}")),
        known_browser: None,
        kind: Kind::PhoneSignIn,
        origin: Origin::Unknown,
        number: "100".to_owned(),
        r#match: Match::Enter { digits: 3 },
        network: format!("10.0.{number}.0/24"),
        quiet: true,
        created_at: now,
        expires_at: now + DAY,
        outcome,
        decided_at: outcome.map(|_decided| now),
        decided_by: None,
        redeemed: false,
        change: None,
        standing: Vec::new(),
        added: None,
    };
    Ok(world.app.store.global_blocking(|tx| {
        let id_of = |found: Option<Account>| found.map(|account| account.account_id).unwrap_or_default();
        let (ada, id) = (id_of(people::find(tx, USER)?), id_of(people::find(tx, name)?));
        // The account gets a phone like Ada's, so that the service has no reason to refuse except the history.
        for mut phone in devices::active(tx, &ada)? {
            (phone.id, phone.account_id) = (format!("{name} phone"), id.clone());
            tx.insert_or_update(&phone, |stored| *stored = phone.clone())?;
        }
        (0..3).try_for_each(|number| tx.insert(&held(&id, number)))
    })?)
}

/// Starts phone sign-in once. Returns the response time in milliseconds, and the page without the parts that differ
/// each time.
async fn start(world: &World, name: &str) -> Result<(f64, String), Trouble> {
    let attacker = world.person()?;
    let page = attacker.open("/sign-in").await?;
    let page = attacker.press(&page, "next", &[("user_name", name)]).await?;
    let started = Instant::now();
    let page = attacker.press(&page, "use-phone", &[]).await?;
    let took = started.elapsed().as_secs_f64() * 1_000.0;
    let plain = plain(&page)?;
    attacker.press(&page, "cancel", &[]).await?;
    Ok((took, plain))
}

/// The page without the parts that differ each time: the number, the form token, and the remaining seconds, which are
/// fewer on a busy machine.
fn plain(page: &PageView) -> Result<String, Trouble> {
    let number = page.number()?;
    let spelled: Vec<String> = number.chars().map(String::from).collect();
    let token = page.attribute("input[name=csrf]", "value").unwrap_or_default();
    let seconds = page.attribute("#left", "data-seconds").unwrap_or_default();
    if !(50..=60).contains(&seconds.parse::<u8>()?) {
        return Err(format!("{seconds} seconds are left, not 50 to 60").into());
    }
    let mut plain = page.html.clone();
    for (differs, alike) in [
        (format!(">{number}<"), "NUMBER"),
        (format!("\"{number}\""), "NUMBER"),
        (spelled.join(" "), "NUMBER"),
        (token, "TOKEN"),
        (format!("data-seconds=\"{seconds}\""), "SECONDS"),
        (page.text("left").unwrap_or_default(), "SECONDS"),
    ] {
        plain = plain.replace(&differs, alike);
    }
    Ok(without_flows(&format!("{} {} {plain}", page.status, plain_headers(page))))
}

/// The header fields of the page and of the redirects before it, without the date, the cookies' values and the content
/// length. The content length changes with the remaining seconds.
fn plain_headers(page: &PageView) -> String {
    let kept = page.headers.iter().filter(|(name, _)| !matches!(name.as_str(), "date" | "content-length"));
    let plain = kept.map(|(name, value)| match (name.as_str(), value.split_once('='), value.split_once(';')) {
        ("set-cookie", Some((cookie, _)), Some((_, attributes))) => format!("{name}: {cookie}=VALUE;{attributes}"),
        _ => format!("{name}: {value}"),
    });
    plain.collect::<Vec<_>>().join("\n")
}

/// The results of all starts: the different pages, and the times for each kind of name.
pub struct Starts {
    /// The different pages. There is only one if the pages reveal nothing about the user name.
    pub pages: Vec<String>,
    /// Response times in milliseconds, by kind of name.
    pub times: HashMap<&'static str, Vec<f64>>,
}

impl Starts {
    /// Compares the response times of each other kind of user name with the response times of an unknown user name.
    #[must_use]
    pub fn compared(&self) -> Vec<(&'static str, Compared)> {
        let of = |what: &str| self.times.get(what).map(Vec::as_slice).unwrap_or_default();
        let others = NAMES.iter().skip(1).map(|(what, _)| *what);
        others.map(|what| (what, apart::compare(of(what), of("unknown")))).collect()
    }
}

/// The pause between two starts of a round. In this pause the service finishes the work that it does after the response
/// to the earlier start.
const APART: Duration = Duration::from_millis(60);

/// Starts phone sign-in `rounds` times for each kind of user name. Each round starts one sign-in of each kind, with
/// short pauses. The order changes from round to round.
///
/// # Errors
/// When a page is not as expected.
pub async fn starts(world: &World, rounds: usize) -> Result<Starts, Trouble> {
    let mut all = Starts { pages: Vec::new(), times: HashMap::new() };
    for round in 0..rounds {
        // For unknown browsers, an account has nine hundred different numbers in ten minutes. Advance the clock before
        // they are used up.
        if round % 400 == 399 {
            world.clock.advance(601);
        }
        let mut names = NAMES;
        names.rotate_left(round % NAMES.len());
        if round % 2 == 1 {
            names.reverse();
        }
        let started = (0_u32..).zip(names).map(|(place, (what, name))| async move {
            tokio::time::sleep(APART.saturating_mul(place)).await;
            (what, start(world, name).await)
        });
        for (what, started) in futures_util::future::join_all(started).await {
            let (took, page) = started?;
            all.times.entry(what).or_default().push(took);
            if !all.pages.contains(&page) {
                all.pages.push(page);
            }
        }
    }
    Ok(all)
}
