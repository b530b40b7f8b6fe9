//! Measures what an answer and an opening cost, for `cargo xtask bench`. Prints one line for each figure: its name, and
//! microseconds.
//!
//! Usage: `cost VECTORS FOLDER ACCOUNTS ROUNDS`. `VECTORS` is the folder of the test vectors. `FOLDER` must not exist;
//! the phone's files are made there.

use std::path::Path;

type Failure = Box<dyn std::error::Error>;

#[expect(clippy::print_stdout, reason = "a program for the terminal")]
fn main() -> Result<(), Failure> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [vectors, folder, accounts, rounds] = arguments.as_slice() else {
        return Err("usage: cost VECTORS FOLDER ACCOUNTS ROUNDS".into());
    };
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let cost = runtime.block_on(countersign::testing::cost::measure(
        Path::new(vectors),
        Path::new(folder),
        accounts.parse()?,
        rounds.parse()?,
    ));
    for (name, time) in
        [("answer", cost.answer), ("bare_answer", cost.bare_answer), ("open", cost.open), ("bare_open", cost.bare_open)]
    {
        println!("{name} {:.1}", time.as_secs_f64() * 1_000_000.0);
    }
    Ok(())
}
