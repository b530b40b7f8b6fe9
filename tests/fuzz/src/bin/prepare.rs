//! Writes files for `cargo xtask fuzz` from the list of targets:
//!
//! - `prepare targets FOLDER`: the crate for cargo-fuzz; prints the name of each target, one per line.
//! - `prepare seeds FOLDER`: the corpus of each target, one file per seed.

use std::fs;
use std::io::{Error, Result, Write};
use std::path::{Path, PathBuf};

use countersign_fuzz::{TARGETS, guided};

fn main() -> Result<()> {
    let mut arguments = std::env::args_os().skip(1);
    let (what, folder) = (arguments.next().unwrap_or_default(), arguments.next().map(PathBuf::from));
    match (what.to_str(), folder) {
        (Some("targets"), Some(folder)) => targets(&folder),
        (Some("seeds"), Some(folder)) => seeds(&folder),
        _ => Err(Error::other("usage: prepare targets|seeds FOLDER")),
    }
}

fn targets(folder: &Path) -> Result<()> {
    guided::write(folder)?;
    TARGETS.iter().try_for_each(|target| writeln!(std::io::stdout(), "{}", target.name))
}

fn seeds(folder: &Path) -> Result<()> {
    for target in TARGETS {
        let of_target = folder.join(target.name);
        fs::create_dir_all(&of_target)?;
        for (at, seed) in (target.seeds)().into_iter().enumerate() {
            fs::write(of_target.join(format!("seed-{at}")), seed)?;
        }
    }
    Ok(())
}
