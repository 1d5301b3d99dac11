//! Settings: environment variables, and flags of the same names.
//!
//! A section declares each of its settings once, by reading it from a [`Reader`]. The same declarations print `--help`,
//! and every error is reported at once, before a port is opened.
//!
//! ```
//! use shared::config::{Outcome, load};
//!
//! let read = |reader: &mut shared::config::Reader| reader.with_default::<u16>("PORT", "8080", "where to listen");
//! let environment = [("PORT".to_owned(), "99999".to_owned())];
//! let Outcome::Invalid(errors) = load(environment, [], read) else { panic!() };
//! assert_eq!(errors, ["PORT: \"99999\": number too large to fit in target type"]);
//! ```

mod network;
mod sections;
mod values;

use std::{
    collections::BTreeMap,
    fmt::{Display, Write as _},
    str::FromStr,
};

pub use network::{InvalidNetwork, Network};
pub use sections::{
    HttpSettings, LogFormat, RedisSettings, SecretSettings, TelemetrySettings, TracingSettings,
};
pub use values::{Duration, List, Switch};

/// One declared setting, as `--help` shows it.
struct Declaration {
    name: &'static str,
    /// Of a family: its members' names begin like this.
    prefix: Option<&'static str>,
    default: Option<String>,
    help: &'static str,
}

impl Declaration {
    fn is_of(&self, name: &str) -> bool {
        self.name == name || self.prefix.is_some_and(|prefix| name.starts_with(prefix))
    }
}

/// Hands out values by name, and remembers what was asked for and what was wrong.
pub struct Reader {
    values: BTreeMap<String, String>,
    declarations: Vec<Declaration>,
    errors: Vec<String>,
}

/// What came of loading.
pub enum Outcome<T> {
    /// Everything is there and valid.
    Loaded(T),
    /// `--help` was asked for; print this and exit 0.
    Help(String),
    /// Every error; print them and exit 64 (`EX_USAGE`).
    Invalid(Vec<String>),
}

/// Reads a program's settings. Flags (`--name value` or `--name=value`) win over the environment.
pub fn load<T>(
    environment: impl IntoIterator<Item = (String, String)>,
    arguments: impl IntoIterator<Item = String>,
    read: impl FnOnce(&mut Reader) -> Option<T>,
) -> Outcome<T> {
    let mut reader = Reader {
        values: environment.into_iter().collect(),
        declarations: Vec::new(),
        errors: Vec::new(),
    };
    let flags = reader.take_flags(arguments.into_iter());
    let help = flags.iter().any(|name| name == "HELP");
    let value = read(&mut reader);
    if help {
        return Outcome::Help(reader.help());
    }
    for flag in flags {
        if !reader.declarations.iter().any(|d| d.is_of(&flag)) {
            let flag = flag.to_lowercase().replace('_', "-");
            reader.errors.push(format!(
                "--{flag}: there is no such flag; --help lists them"
            ));
        }
    }
    match value {
        Some(value) if reader.errors.is_empty() => Outcome::Loaded(value),
        _ => Outcome::Invalid(reader.errors),
    }
}

impl Reader {
    /// A setting that must be given.
    pub fn required<T: FromStr<Err: Display>>(
        &mut self,
        name: &'static str,
        help: &'static str,
    ) -> Option<T> {
        self.declare(name, None, help);
        let Some(text) = self
            .values
            .get(name)
            .filter(|text| !text.is_empty())
            .cloned()
        else {
            self.errors.push(format!("{name}: missing ({help})"));
            return None;
        };
        self.parse(name, &text)
    }

    /// A setting with a default, which `--help` shows.
    pub fn with_default<T: FromStr<Err: Display>>(
        &mut self,
        name: &'static str,
        default: &str,
        help: &'static str,
    ) -> Option<T> {
        self.declare(name, Some(default.to_owned()), help);
        let text = self.values.get(name).filter(|text| !text.is_empty());
        let text = text.map_or(default, String::as_str).to_owned();
        self.parse(name, &text)
    }

    /// Settings that are named by what they are about: `prefix` and its name. `name` is how `--help` shows them all. The
    /// values by the rest of their names.
    pub fn family<T: FromStr<Err: Display>>(
        &mut self,
        (name, prefix): (&'static str, &'static str),
        help: &'static str,
    ) -> Option<Vec<(String, T)>> {
        self.declare(name, Some(String::new()), help);
        if let Some(declared) = self.declarations.last_mut() {
            declared.prefix = Some(prefix);
        }
        let given = self.values.iter().filter(|(_, text)| !text.is_empty());
        let given = given.filter_map(|(name, text)| Some((name.strip_prefix(prefix)?, text)));
        let given: Vec<(String, String)> = given
            .map(|(rest, text)| (rest.to_owned(), text.clone()))
            .collect();
        let mut read = Vec::new();
        for (rest, text) in given {
            match text.parse() {
                Ok(value) => read.push((rest, value)),
                Err(error) => {
                    let error = format!("{prefix}{rest}: {text:?}: {error}");
                    self.errors.push(error);
                }
            }
        }
        Some(read)
    }

    /// Adds an error about a setting that parsed but does not fit.
    pub fn reject(&mut self, name: &'static str, why: impl Display) {
        self.errors.push(format!("{name}: {why}"));
    }

    fn declare(&mut self, name: &'static str, default: Option<String>, help: &'static str) {
        self.declarations.push(Declaration {
            name,
            prefix: None,
            default,
            help,
        });
    }

    fn parse<T: FromStr<Err: Display>>(&mut self, name: &'static str, text: &str) -> Option<T> {
        match text.parse() {
            Ok(value) => Some(value),
            // A secret is never echoed, not even one that is malformed.
            Err(error) if name.contains("SECRET") || name.contains("URL") => {
                self.errors.push(format!("{name}: {error}"));
                None
            }
            Err(error) => {
                self.errors.push(format!("{name}: {text:?}: {error}"));
                None
            }
        }
    }

    /// Puts flags over the environment; returns their names, spelled like variables.
    fn take_flags(&mut self, mut arguments: impl Iterator<Item = String>) -> Vec<String> {
        let mut flags = Vec::new();
        while let Some(argument) = arguments.next() {
            let Some(flag) = argument.strip_prefix("--") else {
                self.errors
                    .push(format!("{argument}: settings are given as --name value"));
                continue;
            };
            let (name, value) = match flag.split_once('=') {
                Some((name, value)) => (name, Some(value.to_owned())),
                None if flag == "help" => (flag, Some(String::new())),
                None => (flag, arguments.next()),
            };
            let name = name.to_uppercase().replace('-', "_");
            match value {
                Some(value) => drop(self.values.insert(name.clone(), value)),
                None => self.errors.push(format!("--{flag}: a value is missing")),
            }
            flags.push(name);
        }
        flags
    }

    fn help(&self) -> String {
        let mut text = String::from("Settings (environment variable, or flag --like-this):\n");
        for Declaration {
            name,
            prefix: _,
            default,
            help,
        } in &self.declarations
        {
            let default = match default.as_deref() {
                None => "required".to_owned(),
                Some("") => "default: none".to_owned(),
                Some(default) => format!("default: {default}"),
            };
            writeln!(text, "  {name:<28} {help} [{default}]").expect("a String takes any text");
        }
        text
    }
}

#[cfg(test)]
mod tests;
