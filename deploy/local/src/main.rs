//! Runs a whole Hubbub on one machine: what `./dev` starts.
//!
//! `up` prepares (packages, build) and then becomes, or starts, the *supervisor*: the one process
//! whose children are PostgreSQL, Redis, two `api`, two `gateway` and HAProxy. Every other command
//! asks the supervisor over its control socket. A child never outlives it, also after `kill -9`.

#![expect(
    clippy::print_stdout,
    reason = "a command line tool talks through standard output"
)]

mod balancer;
mod bench;
mod child;
mod cli;
mod control;
mod demo;
mod down;
mod e2e;
mod environment;
mod error;
mod identity;
mod instance;
mod layout;
mod logs;
mod name;
mod node;
mod packages;
mod page;
mod patience;
mod ports;
mod postgres;
mod probe;
mod programs;
mod prometheus;
mod redis;
mod secrets;
mod state;
mod status;
mod supervisor;
mod test;
#[cfg(test)]
mod testing;
mod up;
mod user;

use std::process::ExitCode;

use cli::Command;
use error::Result;
use layout::Layout;

fn main() -> ExitCode {
    let command = match cli::parse(std::env::args().skip(1)) {
        Ok(command) => command,
        Err(complaint) => {
            eprintln!("dev: {complaint}\nTry ./dev help");
            return ExitCode::from(64);
        }
    };
    match run(command) {
        Ok(code) => code,
        Err(error) => {
            eprintln!("dev: {error}");
            error.exit_code()
        }
    }
}

fn run(command: Command) -> Result<ExitCode> {
    let layout = Layout::find()?;
    match command {
        Command::Help => {
            print!("{}", cli::HELP);
            Ok(ExitCode::SUCCESS)
        }
        Command::Up(options) => up::run(&layout, &options),
        Command::Supervise(options) => up::supervise(&layout, &options),
        Command::Status { json } => status::run(json),
        Command::Logs { name, follow } => logs::run(&layout, name.as_deref(), follow),
        Command::Down { wipe } => down::run(&layout, wipe),
        Command::Bench(options) => bench::run(&layout, &options),
        Command::Test(arguments) => test::run(&layout, &arguments),
        Command::E2e => e2e::run(&layout),
        Command::Control(request) => control::send_and_print(&request),
        Command::Demo(arguments) => demo::run(&arguments),
    }
}
