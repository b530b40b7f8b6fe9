//! The program `countersign-phone`: reads the command line and calls the library.

use std::process::ExitCode;

use clap::Parser;
use countersign_phone::app;
use countersign_phone::cli::Cli;

fn main() -> ExitCode {
    let cli = Cli::parse();
    if cli.global.verbose {
        tracing_subscriber::fmt()
            .with_env_filter("countersign=debug,countersign_phone=debug")
            .with_writer(std::io::stderr)
            .init();
    }
    ExitCode::from(app::run(cli))
}
