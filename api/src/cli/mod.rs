//! Sub-commands: the first argument says what to do, flags and variables how.

mod crowd;
mod flags;
mod keys;
mod operators;
mod plans;
mod populate;
mod population;

use std::{
    io::{Write, stderr, stdout},
    process::ExitCode,
};

use shared::{
    clock::Clock,
    config::{Outcome, Reader, load},
    telemetry::healthcheck,
    wire::FieldError,
};

use crate::{
    app::{
        asyncapi,
        boot::{self, StartError},
        config::{self, DatabaseSettings, HashSettings, Settings},
        feature::Feature,
        openapi, statements,
    },
    auth,
};

const USAGE: &str = "\
usage: api <command> [--setting value ...]

  serve        answer requests
  openapi      print the OpenAPI document
  asyncapi     print the AsyncAPI document, of the sockets
  statements   print every SQL statement, as a record for the next release
  healthcheck  ask the api of this machine whether it is alive
  migrate      bring the database's schema up to date
  seed         create the demo users ana and bo
  crowd        make a large group for load tests: --account OWNER --members N --online N
  populate     fill an empty database for load tests: --people N --posts N --follows N --likes N
               --comments N --online N
  plans        print statements that would read a large table of this database from end to end
  admin        what an admin may do, from a terminal; the first admin has nobody else to ask:
    role         give an account a role: --account NAME --role user|admin|service
    suspend      end an account's sessions and let it in no more: --account NAME
    unsuspend    let it in again: --account NAME
    connections  what an account has open, on all gateways: --account NAME
    disconnect   close all of that: --account NAME
    broadcast    tell everybody who is connected: --content TEXT
    flag         turn a feature flag: --flag NAME --rules JSON
    keys         list the keys of service accounts
    key-create   make one, and print it: --account NAME --key-name TEXT --key-scopes publish:users,...
    key-rotate   give one another secret, and print it: --key-id ID --overlap-seconds N
    key-revoke   end one at once: --key-id ID
  new-epoch    after the database was restored to an earlier state: clients start anew

`api <command> --help` lists the command's settings.
";
/// `EX_USAGE` of sysexits.h.
const EXIT_USAGE: u8 = 64;

/// Runs the program with these features and says how it went.
pub fn main(features: fn() -> Vec<Feature>) -> ExitCode {
    let mut arguments = std::env::args().skip(1);
    match arguments.next().as_deref() {
        Some("serve") => run(arguments, Settings::read, |settings| {
            boot::serve(settings, features())
        }),
        Some("healthcheck") => run(arguments, config::read_metrics_addr, async |addr| {
            healthcheck(addr).map_err(|error| StartError::Io(format!("no health at {addr}"), error))
        }),
        Some("migrate") => run(arguments, DatabaseSettings::read, async |database| {
            for version in boot::migrate(&database).await? {
                say(&format!("applied {version}\n"));
            }
            Ok(())
        }),
        Some("seed") => run(arguments, read_seed_settings, seed),
        Some("crowd") => run(arguments, crowd::read, crowd::gather),
        Some("populate") => run(arguments, populate::read, populate::populate),
        Some("plans") => run(arguments, DatabaseSettings::read, async |database| {
            plans::print(database, features()).await
        }),
        Some("admin") => admin(arguments, features),
        Some("new-epoch") => run(arguments, DatabaseSettings::read, async |database| {
            boot::start_new_epoch(&database).await
        }),
        Some("openapi") => {
            say(&openapi::print(features()));
            ExitCode::SUCCESS
        }
        Some("asyncapi") => {
            say(&asyncapi::print(&features()));
            ExitCode::SUCCESS
        }
        Some("statements") => {
            say(&statements::record(&features()));
            ExitCode::SUCCESS
        }
        Some("--help") => {
            say(USAGE);
            ExitCode::SUCCESS
        }
        _ => refuse(USAGE),
    }
}

fn admin(mut arguments: impl Iterator<Item = String>, features: fn() -> Vec<Feature>) -> ExitCode {
    match arguments.next().as_deref() {
        Some("role") => run(arguments, operators::read_role, operators::set_role),
        Some("suspend") => run(arguments, operators::read_account, operators::suspend),
        Some("unsuspend") => run(arguments, operators::read_account, operators::unsuspend),
        Some("connections") => run(arguments, operators::read_account, operators::connections),
        Some("disconnect") => run(arguments, operators::read_account, operators::disconnect),
        Some("broadcast") => run(arguments, operators::read_word, operators::broadcast),
        Some("flag") => run(arguments, flags::read, |turn| flags::turn(turn, features())),
        Some("keys") => run(arguments, Settings::read, keys::list),
        Some("key-create") => run(arguments, keys::read_wish, keys::create),
        Some("key-rotate") => run(arguments, keys::read_rotation, keys::rotate),
        Some("key-revoke") => run(arguments, keys::read_which, keys::revoke),
        Some("--help") => {
            say(USAGE);
            ExitCode::SUCCESS
        }
        _ => refuse(USAGE),
    }
}

/// Reads what a command needs, every error at once, and then does it.
fn run<T, F>(
    arguments: impl Iterator<Item = String>,
    read: impl FnOnce(&mut Reader) -> Option<T>,
    command: impl FnOnce(T) -> F,
) -> ExitCode
where
    F: Future<Output = Result<(), StartError>>,
{
    let settings = match load(environment(), arguments, read) {
        Outcome::Help(text) => {
            say(&text);
            return ExitCode::SUCCESS;
        }
        Outcome::Invalid(errors) => return refuse(&format!("{}\n", errors.join("\n"))),
        Outcome::Loaded(settings) => settings,
    };
    let done = tokio::runtime::Runtime::new()
        .map_err(|error| StartError::Io("cannot start threads".to_owned(), error))
        .and_then(|runtime| runtime.block_on(command(settings)));
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            writeln!(stderr(), "api: {error}").ok();
            for wrong in wrong_fields(&error) {
                writeln!(stderr(), "  {}: {}", wrong.field, wrong.message).ok();
            }
            ExitCode::FAILURE
        }
    }
}

fn wrong_fields(error: &StartError) -> Vec<FieldError> {
    match error {
        StartError::Failed(error) => error.to_problem().errors,
        _ => Vec::new(),
    }
}

#[expect(
    clippy::disallowed_methods,
    reason = "the one place that reads the environment"
)]
fn environment() -> impl Iterator<Item = (String, String)> {
    std::env::vars()
}

fn read_seed_settings(reader: &mut Reader) -> Option<(DatabaseSettings, HashSettings)> {
    let database = DatabaseSettings::read(reader);
    let hash = HashSettings::read(reader);
    Some((database?, hash?))
}

async fn seed((database, hash): (DatabaseSettings, HashSettings)) -> Result<(), StartError> {
    let connection = boot::command_connection(&database).await?;
    for username in auth::seed(&connection, &hash, &Clock::System).await? {
        say(&format!("created {username}\n"));
    }
    Ok(())
}

/// Nobody reading is no failure: `api --help | head -1`.
fn say(text: &str) {
    stdout().write_all(text.as_bytes()).ok();
}

fn refuse(text: &str) -> ExitCode {
    stderr().write_all(text.as_bytes()).ok();
    ExitCode::from(EXIT_USAGE)
}
