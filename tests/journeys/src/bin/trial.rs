//! Runs two checks of the tests at full length and in real time, which is too slow for a test run.
//!
//! ```sh
//! cargo run --package countersign-journeys --bin trial -- times   # pages and times for every kind of name
//! cargo run --package countersign-journeys --bin trial -- attack  # attackers start sign-ins while the person signs in
//! ```

use std::io::Write;
use std::time::{Duration, Instant};

use clap::{Parser, Subcommand};
use countersign::{CodeInput, FetchReason, Matching, Origin, Outcome, Prompt, PromptKind, Reply, Step};
use countersign_journeys::apart::{compare, quantile};
use countersign_journeys::people::{PASSWORD, USER};
use countersign_journeys::unknown_browsers::{NAMES, prepare, starts};
use countersign_journeys::{Person, TestPhone, Trouble, World, a_moment, qr};

#[derive(Parser)]
#[command(about = "Long trials; run nothing else on this machine")]
struct Cli {
    #[command(subcommand)]
    trial: Trial,
}

#[derive(Subcommand)]
enum Trial {
    /// Compare pages and times for every kind of user name: unknown, real, no phone, blocked, over the limit
    Times {
        /// Number of sign-ins to start for each kind of user name
        #[arg(long, default_value_t = 1_000)]
        starts: usize,
    },
    /// Measure whether a known browser's prompts still alert, and how fast, while attackers in fifty networks start
    /// sign-ins
    Attack {
        /// Sign-ins per second that all attackers together start
        #[arg(long, default_value_t = 1)]
        per_second: u32,
        /// How long the attack lasts, in seconds
        #[arg(long, default_value_t = 120)]
        seconds: u64,
    },
}

fn say(text: &str) -> Result<(), Trouble> {
    Ok(writeln!(std::io::stdout(), "{text}")?)
}

#[tokio::main]
async fn main() -> Result<(), Trouble> {
    let trial = Cli::parse().trial;
    let world = World::start().await?;
    let (person, phone) = with_phone_sign_in(&world).await?;
    match trial {
        Trial::Times { starts } => times(&world, &phone, starts).await?,
        Trial::Attack { per_second, seconds } => attack(&world, &person, &phone, per_second, seconds).await?,
    }
    world.stop().await;
    Ok(())
}

async fn times(world: &World, phone: &TestPhone, rounds: usize) -> Result<(), Trouble> {
    phone.ignore_pushes();
    prepare(world)?;
    let all = starts(world, rounds).await?;
    say(&format!("{rounds} starts for each kind of name; {} different page(s)", all.pages.len()))?;
    for page in all.pages.iter().skip(1) {
        say(page)?;
    }
    for (what, _) in NAMES {
        let times = all.times.get(what).map(Vec::as_slice).unwrap_or_default();
        let at = |share| quantile(times, share);
        say(&format!("{what:>10}: {:.1} ms (10 %), {:.1} ms (50 %), {:.1} ms (90 %)", at(0.1), at(0.5), at(0.9)))?;
    }
    let mut differs = all.pages.len() != 1;
    for (what, compared) in all.compared() {
        say(&format!("{what:>10} against unknown: effect {:.3}, z {:+.2}", compared.effect, compared.z))?;
        differs |= compared.differs();
    }
    // Control: the same times plus two milliseconds must give a difference.
    let unknown = all.times.get("unknown").cloned().unwrap_or_default();
    let later: Vec<f64> = unknown.iter().map(|time| time + 2.0).collect();
    let control = compare(&later, &unknown);
    say(&format!("   control, 2 ms later: effect {:.3}, z {:+.2}", control.effect, control.z))?;
    if differs { Err("the names can be distinguished".into()) } else { say("the names can't be distinguished") }
}

async fn attack(
    world: &World,
    person: &Person,
    phone: &TestPhone,
    per_second: u32,
    seconds: u64,
) -> Result<(), Trouble> {
    let mut usual = Vec::new();
    for _time in 0..4 {
        usual.push(signs_in(person, phone).await?);
        tokio::time::sleep(Duration::from_secs(2)).await;
    }
    let attacking = async {
        let (mut attackers, mut asked) = (tokio::task::JoinSet::new(), 0_u32);
        let mut tick = tokio::time::interval(Duration::from_secs(1) / per_second.max(1));
        let ends = Instant::now() + Duration::from_secs(seconds);
        while Instant::now() < ends {
            tick.tick().await;
            let attacker = world.person_in_network(u8::try_from(asked % 50)?.saturating_add(1))?;
            attackers.spawn(async move { asks_once(&attacker).await.map_err(|trouble| trouble.to_string()) });
            asked = asked.saturating_add(1);
        }
        Ok::<_, Trouble>((attackers, asked))
    };
    let signing_in = async {
        let mut times = Vec::new();
        // A known browser may start twelve sign-ins in ten minutes. The preparation has started some of them.
        for _time in 0..6 {
            tokio::time::sleep(Duration::from_secs(seconds) / 8).await;
            times.push(signs_in(person, phone).await?);
        }
        Ok::<_, Trouble>(times)
    };
    let (attacked, under_attack) = tokio::join!(attacking, signing_in);
    let ((mut attackers, asked), under_attack) = (attacked?, under_attack?);
    let mut pages = std::collections::HashMap::new();
    while let Some(page) = attackers.join_next().await {
        let page = page?.unwrap_or_else(|trouble| trouble);
        let count: &mut u32 = pages.entry(page).or_default();
        *count = count.saturating_add(1);
    }
    say(&format!("{asked} starts from 50 networks in {seconds} s; the attackers saw: {pages:?}"))?;
    for (what, times) in [("before the attack", &usual), ("during the attack", &under_attack)] {
        let alerted: Vec<f64> = times.iter().map(|(alerted, _)| *alerted).collect();
        let in_all: Vec<f64> = times.iter().map(|(_, in_all)| *in_all).collect();
        let figures =
            |times: &[f64]| format!("{:.0} ms (50 %), {:.0} ms (longest)", quantile(times, 0.5), quantile(times, 1.0));
        say(&format!("{what}: {} of {} prompts alerted, after {}", alerted.len(), times.len(), figures(&alerted)))?;
        say(&format!("{what}: signed in after {}", figures(&in_all)))?;
    }
    Ok(())
}

async fn use_phone(person: &Person) -> Result<countersign_journeys::PageView, Trouble> {
    let page = person.open("/sign-in").await?;
    let page = person.press(&page, "next", &[("user_name", USER)]).await?;
    if page.name() == "password" { person.press(&page, "use-phone", &[]).await } else { Ok(page) }
}

async fn asks_once(attacker: &Person) -> Result<String, Trouble> {
    let page = use_phone(attacker).await?;
    Ok(format!("{}, {} digits", page.name(), page.number().map_or(0, |number| number.len())))
}

/// Signs in with the phone in the known browser. Returns two durations in milliseconds: from the start until the
/// prompt arrives, and from the start until the sign-in ends.
async fn signs_in(person: &Person, phone: &TestPhone) -> Result<(f64, f64), Trouble> {
    let started = Instant::now();
    let page = use_phone(person).await?;
    let number = page.number()?;
    let alert = async {
        loop {
            let open = phone.open_prompts().await?;
            // Other prompts can be open too, for example those of attackers.
            let is_ours = |prompt: &Prompt| match prompt.matching() {
                Matching::Choose { options } => options.contains(&number),
                Matching::Enter { .. } => false,
            };
            if let Some(prompt) = open.into_iter().find(is_ours) {
                return Ok::<_, Trouble>(prompt);
            }
            a_moment().await;
        }
    };
    // The phone does not fetch, so the prompt can arrive only by push.
    let prompt = tokio::time::timeout(Duration::from_secs(10), alert).await??;
    let alerted = started.elapsed().as_secs_f64() * 1_000.0;
    if prompt.origin() != Origin::KnownBrowser {
        return Err("the browser is no longer known".into());
    }
    let step = phone.approve_unlocked(&prompt, number).await?;
    if step != (Step::Done { outcome: Outcome::Approved }) {
        return Err(format!("{step:?}").into());
    }
    let page = person.open("/sign-in/number").await?;
    let page = person.press(&page, "finish", &[]).await?;
    if page.name() != "security-info" {
        return Err(format!("not signed in: {}", page.name()).into());
    }
    let in_all = started.elapsed().as_secs_f64() * 1_000.0;
    person.press(&page, "sign-out", &[]).await?;
    Ok((alerted, in_all))
}

async fn approve(phone: &TestPhone, kind: PromptKind, number: String) -> Result<(), Trouble> {
    let prompt = phone.prompt_of(kind).await?;
    match phone.core().approve(prompt.id().clone(), number).await? {
        Step::Done { outcome: Outcome::Approved } => Ok(()),
        other => Err(format!("{other:?}").into()),
    }
}

/// Adds a phone to Ada's account and turns phone sign-in on. Returns Ada's browser and phone.
async fn with_phone_sign_in(world: &World) -> Result<(Person, TestPhone), Trouble> {
    let (person, phone) = (world.person()?, world.phone("phone").await?);
    let page = person.wizard().await?;
    let (ticket, digits) = phone.accept(CodeInput::Text { text: qr::text_of_svg(&page.qr_svg()?)? }).await?;
    let page = person.page_after("/security-info/add/code", "code").await?;
    let page = person.press(&page, "confirm", &[("digits", &digits)]).await?;
    let account = phone.activated(ticket).await?;
    approve(&phone, PromptKind::ConfirmEnrollment, page.number()?).await?;
    let page = person.open("/security-info/add/code").await?;
    person.press(&page, "finish", &[]).await?;
    phone.set_lock()?;
    let redirect = "http://127.0.0.1:40000/phone-sign-in".to_owned();
    let Step::ConfirmDevice { ticket, .. } = phone.core().turn_on_phone_sign_in(account, redirect).await? else {
        return Err("the core did not ask to confirm the device".into());
    };
    let Step::OpenBrowser { ticket, url, .. } = phone.core().provide(ticket, Reply::Confirmed).await? else {
        return Err("the core did not ask to open the browser".into());
    };
    let page = person.open(&url).await?;
    let page = person.enter_password(&page, USER, PASSWORD).await?;
    approve(&phone, PromptKind::RegisterDevice, page.number()?).await?;
    let page = person.open("/sign-in/number").await?;
    let page = person.press(&page, "finish", &[]).await?;
    let back = person.press(&page, "register", &[]).await?.address;
    let make = phone.core().provide(ticket, Reply::Redirected { url: back }).await?;
    let sign = phone.unlock(&make).await?;
    phone.unlock(&sign).await?;
    phone.core().check_for_prompts(FetchReason::Opened).await?;
    Ok((person, phone))
}
