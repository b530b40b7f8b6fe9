//! Writes the corpus of every target into a folder, one file for each seed, for `cargo xtask fuzz`.

use std::io::Result;
use std::path::PathBuf;

fn main() -> Result<()> {
    let folder = std::env::args_os().nth(1).map(PathBuf::from).unwrap_or_default();
    for target in countersign_fuzz::TARGETS {
        let of_target = folder.join(target.name);
        std::fs::create_dir_all(&of_target)?;
        for (at, seed) in (target.seeds)().into_iter().enumerate() {
            std::fs::write(of_target.join(format!("seed-{at}")), seed)?;
        }
    }
    Ok(())
}
