//! What may be typed after `./dev`.

use std::str::FromStr;

use crate::bench::BenchOptions;
use crate::control::{Action, Request};
use crate::name::Name;

#[cfg(test)]
mod tests;

/// What `./dev help` prints.
pub(crate) const HELP: &str = "\
Runs a whole Hubbub on this machine: PostgreSQL, Redis, two api, two gateway, HAProxy in front.

  ./dev up [--detach] [--release] [--limits on|off] [--observe]
        Installs what is missing, builds, migrates, seeds the users ana and bo, starts everything and
        says where it is. Ctrl-C stops it in order, a second Ctrl-C at once. --detach returns when all
        is ready. --limits off lifts rate limits (never limits of size or safety). --observe starts a
        Prometheus too, and says where to look at it.
  ./dev status [--json]     what runs, where; exit code 1 and {\"running\":false} when nothing does
  ./dev logs [NAME] [-f]    what they wrote; -f goes on
  ./dev down [--wipe]       stops everything; --wipe forgets all data too
  ./dev test [ARGUMENTS]    all that CI runs; with arguments only the tests, for cargo nextest
  ./dev bench [NAME] [--debug] [ARGUMENTS]
        measures: gateway, group, presence; all without a name. Arguments are those of the loadtest
        command (cargo run -p loadtest); --debug to try one out
  ./dev e2e                 the browser tests: two windows, HAProxy, two gateways
  ./dev tail USER           that user's live events, as they come
  ./dev send FROM TO TEXT   sends a message
  ./dev kill NAME           SIGKILL; nothing is restarted by itself
  ./dev pause NAME          SIGSTOP, and SIGCONT:
  ./dev resume NAME
  ./dev start NAME          starts what was killed or died, on the same ports
  ./dev help

NAME is postgres, redis, api-1, api-2, gateway-1, gateway-2, balancer or prometheus (logs: also
migrate, seed, initdb, supervisor).

Environment: DATABASE_URL and REDIS_URL (use these instead of private ones), PG_BIN_DIR,
REDIS_SERVER, HAPROXY (where the programs are).
";

/// A command with its arguments.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Command {
    /// Print [`HELP`].
    Help,
    /// Start an instance.
    Up(UpOptions),
    /// Be the supervisor of a detached instance; `up --detach` types this, not a person.
    Supervise(UpOptions),
    /// Say what runs.
    Status {
        /// For programs instead of people.
        json: bool,
    },
    /// Print log files.
    Logs {
        /// Which one; all when it is not given.
        name: Option<String>,
        /// Go on printing.
        follow: bool,
    },
    /// Stop the instance.
    Down {
        /// And remove its data.
        wipe: bool,
    },
    /// Run what CI runs, or only the tests when there are arguments for nextest.
    Test(Vec<String>),
    /// Measure something, or everything that can be.
    Bench(BenchOptions),
    /// Run the browser tests.
    E2e,
    /// Ask the supervisor for something.
    Control(Request),
    /// A command of the `loadtest` program against this instance.
    Demo(Vec<String>),
}

/// How to start an instance.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct UpOptions {
    /// Return when it is ready, instead of staying.
    pub(crate) detach: bool,
    /// Build for speed.
    pub(crate) release: bool,
    /// Whether rate limits hold.
    pub(crate) limits: bool,
    /// Whether a Prometheus watches.
    pub(crate) observe: bool,
}

impl UpOptions {
    /// The same as arguments again, for the detached supervisor.
    pub(crate) fn to_arguments(&self) -> Vec<&'static str> {
        let mut arguments = vec!["--limits", if self.limits { "on" } else { "off" }];
        arguments.extend(self.release.then_some("--release"));
        arguments.extend(self.observe.then_some("--observe"));
        arguments
    }
}

/// Reads a command line; an error is a sentence for the person who typed it.
pub(crate) fn parse(arguments: impl Iterator<Item = String>) -> Result<Command, String> {
    let arguments: Vec<String> = arguments.collect();
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match words.as_slice() {
        [] | ["help" | "--help" | "-h"] => Ok(Command::Help),
        ["up", options @ ..] => parse_up(options).map(Command::Up),
        ["supervise", options @ ..] => parse_up(options).map(Command::Supervise),
        ["status"] => Ok(Command::Status { json: false }),
        ["status", "--json"] => Ok(Command::Status { json: true }),
        ["logs", rest @ ..] => parse_logs(rest),
        ["down"] => Ok(Command::Down { wipe: false }),
        ["down", "--wipe"] => Ok(Command::Down { wipe: true }),
        ["test", ..] => Ok(Command::Test(arguments[1..].to_vec())),
        ["bench", options @ ..] => BenchOptions::parse(options).map(Command::Bench),
        ["e2e"] => Ok(Command::E2e),
        ["tail", _] | ["send", _, _, _] => Ok(Command::Demo(arguments)),
        [action @ ("kill" | "pause" | "resume" | "start"), name] => {
            let name = Name::from_str(name)?;
            Ok(Command::Control(Request::Act {
                action: action_named(action),
                name,
            }))
        }
        [action @ ("kill" | "pause" | "resume" | "start"), ..] => {
            Err(format!("{action} takes the name of one process"))
        }
        ["tail", ..] => Err("tail takes the name of one user".into()),
        ["send", ..] => Err("send takes three arguments: FROM TO TEXT (TEXT in quotes)".into()),
        [known @ ("status" | "down" | "help" | "e2e"), rest @ ..] => {
            Err(format!("{known} does not know {:?}", rest.join(" ")))
        }
        [unknown, ..] => Err(format!("there is no command {unknown:?}")),
    }
}

fn action_named(word: &str) -> Action {
    match word {
        "kill" => Action::Kill,
        "pause" => Action::Pause,
        "resume" => Action::Resume,
        _ => Action::Start,
    }
}

fn parse_up(words: &[&str]) -> Result<UpOptions, String> {
    let mut options = UpOptions {
        detach: false,
        release: false,
        limits: true,
        observe: false,
    };
    let mut words = words.iter();
    while let Some(word) = words.next() {
        match *word {
            "--detach" | "-d" => options.detach = true,
            "--release" => options.release = true,
            "--observe" => options.observe = true,
            "--limits" => options.limits = on_or_off(words.next().copied())?,
            "--limits=on" => options.limits = true,
            "--limits=off" => options.limits = false,
            other => return Err(format!("up does not know {other:?}")),
        }
    }
    Ok(options)
}

fn on_or_off(word: Option<&str>) -> Result<bool, String> {
    match word {
        Some("on") => Ok(true),
        Some("off") => Ok(false),
        _ => Err("--limits is on or off".into()),
    }
}

fn parse_logs(words: &[&str]) -> Result<Command, String> {
    let mut name = None;
    let mut follow = false;
    for word in words {
        match *word {
            "-f" | "--follow" => follow = true,
            option if option.starts_with('-') => {
                return Err(format!("logs does not know {option:?}"));
            }
            word if name.is_none() => name = Some(word.to_owned()),
            _ => return Err("logs takes one name, or none for all".into()),
        }
    }
    Ok(Command::Logs { name, follow })
}
