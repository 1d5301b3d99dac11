//! What a process knows of the flags' rules.

use std::{collections::BTreeMap, str::FromStr, sync::Arc, time::Duration};

use tokio::sync::watch;

use super::{Flag, FlagTable, FlagValue, Rules};
use crate::ids::UserId;

/// How often a process looks for changes: two looks are within the second that a change may take, a pod's at PostgreSQL and
/// a gateway's at Redis.
pub const FLAGS_READ_EVERY: Duration = Duration::from_millis(400);

/// A process's own word about a flag: `FEATURE_<NAME>`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Override {
    /// Off, whatever the admins say.
    Disabled,
    /// On, where the admins say nothing.
    Enabled,
}

impl FromStr for Override {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text {
            "disabled" => Ok(Self::Disabled),
            "enabled" => Ok(Self::Enabled),
            _ => Err("disabled or enabled"),
        }
    }
}

/// A process's own words, by the names of flags.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Overrides(BTreeMap<String, Override>);

impl Overrides {
    /// From the ends of the variables' names, such as `LIKES`.
    pub fn new(words: impl IntoIterator<Item = (String, Override)>) -> Self {
        let words = words.into_iter();
        Self(
            words
                .map(|(name, word)| (name.to_lowercase(), word))
                .collect(),
        )
    }

    /// Those about flags that are not among these.
    pub fn unknown<'a>(&'a self, flags: &[&Flag]) -> impl Iterator<Item = &'a str> {
        let known: Vec<&str> = flags.iter().map(|flag| flag.name).collect();
        let names = self.0.keys().map(String::as_str);
        names.filter(move |name| !known.contains(name))
    }
}

/// The rules as they were last read. What was never read is not the same as no rules: see [`FlagBook::version`].
#[derive(Debug)]
pub struct FlagBook {
    overrides: Overrides,
    table: watch::Sender<Option<Arc<FlagTable>>>,
}

impl FlagBook {
    /// One in which nothing was read yet.
    pub fn new(overrides: Overrides) -> Self {
        Self {
            overrides,
            table: watch::Sender::new(None),
        }
    }

    /// Takes over what was read.
    pub fn keep(&self, table: FlagTable) {
        self.table.send_replace(Some(Arc::new(table)));
    }

    /// What was read last; `None` where nothing was.
    pub fn table(&self) -> Option<Arc<FlagTable>> {
        self.table.borrow().clone()
    }

    /// The version of what was read last.
    pub fn version(&self) -> Option<i64> {
        self.table.borrow().as_ref().map(|table| table.version)
    }

    /// Waits until something was read; false if that takes longer than `most`.
    pub async fn wait(&self, most: Duration) -> bool {
        let mut table = self.table.subscribe();
        let read = table.wait_for(Option::is_some);
        tokio::time::timeout(most, read)
            .await
            .is_ok_and(|read| read.is_ok())
    }

    /// What a flag is for somebody. Where nothing was read yet, what it is declared to be.
    pub fn value(&self, flag: &Flag, user: UserId) -> FlagValue {
        self.with(flag, |rules| rules.value(flag.name, user))
    }

    /// Whether somebody has a flag.
    pub fn has(&self, flag: &Flag, user: UserId) -> bool {
        self.with(flag, |rules| rules.has(flag.name, user))
    }

    /// Whether anybody may have it.
    pub fn is_switched_on(&self, flag: &Flag) -> bool {
        self.with(flag, |rules| rules.enabled)
    }

    /// What holds here: the process's own word, the admins', and what was declared.
    pub fn rules(&self, flag: &Flag) -> Rules {
        self.with(flag, Rules::clone)
    }

    fn with<T>(&self, flag: &Flag, look: impl FnOnce(&Rules) -> T) -> T {
        let word = self.overrides.0.get(flag.name);
        if word == Some(&Override::Disabled) {
            return look(&Rules::simple(false));
        }
        let table = self.table.borrow();
        let stored = table.as_ref().and_then(|table| table.rules.get(flag.name));
        match stored {
            Some(rules) => look(rules),
            None => look(&Rules::simple(word.is_some() || flag.is_on)),
        }
    }
}
