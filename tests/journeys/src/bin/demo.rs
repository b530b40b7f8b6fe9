//! Runs the demonstration. A person at this machine follows it step by step, or it runs without a person and saves
//! pictures.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::time::Instant;

use clap::Parser;
use countersign_journeys::walk::{self, Seen};
use countersign_journeys::{Trouble, attended, terminal};

#[derive(Parser)]
#[command(
    about = "Add an account by scanning, approve a number-matching sign-in, sign in without a password, lose the phone"
)]
struct Cli {
    /// Run without a person: a headless browser and a scripted phone do every step and save pictures
    #[arg(long)]
    unattended: bool,
}

#[tokio::main]
async fn main() -> Result<(), Trouble> {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("..").join("..").join("target").join("demo");
    if Cli::parse().unattended { unattended(&folder).await } else { attended::run(&folder).await }
}

fn say(line: &str) -> Result<(), Trouble> {
    Ok(writeln!(std::io::stdout(), "{line}")?)
}

/// Runs the whole scenario, and prints each step with its time.
async fn unattended(folder: &Path) -> Result<(), Trouble> {
    // Delete the pictures of an earlier run.
    let _absent = std::fs::remove_dir_all(folder);
    std::fs::create_dir_all(folder)?;
    say("Starting the sign-in service, the push relay, the web application and the phone.")?;
    let (started, mut said) = (Instant::now(), Vec::new());
    let mut count = 0_u32;
    let ways = walk::whole_journey(&mut |step, seen| {
        let seconds = started.elapsed().as_secs_f32();
        count = count.saturating_add(1);
        let step = format!("{count:02} {step}");
        match seen {
            Seen::Page(picture) => {
                let name = format!("{}.png", step.replace(' ', "-"));
                std::fs::write(folder.join(&name), picture)?;
                say(&format!("{seconds:6.1} s  {step}  → target/demo/{name}"))
            }
            Seen::Phone(words) => {
                say(&format!("{seconds:6.1} s  {step}"))?;
                said.push((step, words));
                Ok(())
            }
        }
    })
    .await?;
    terminal::pictures(folder, &said).await?;
    say("")?;
    say("The web application (unmodified Apache with mod_auth_openidc) has verified these claims:")?;
    for walk::SignedIn { how, claims } in ways {
        say(&format!("  Signed in with {how}:"))?;
        for (name, value) in claims {
            say(&format!("    {name:20} {value}"))?;
        }
    }
    say(&format!(
        "Finished in {:.1} s. All programs have stopped, and temporary files are deleted. Pictures: target/demo",
        started.elapsed().as_secs_f32()
    ))
}
