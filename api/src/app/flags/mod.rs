//! What this pod knows of feature flags, and the guard of what is behind one. Turning them is the feature `flags`.

mod follow;
mod guard;

use std::{sync::OnceLock, time::Duration};

use prometheus::IntCounterVec;
use shared::{
    flags::{Flag, FlagBook, FlagTable, FlagValue, Overrides},
    ids::UserId,
    wire::Code,
};

pub(in crate::app) use follow::Follow;
pub use follow::STATEMENTS;
pub(in crate::app) use guard::guard;

use super::{
    App,
    db::{Connection, FromRow, InvalidRow, Row},
    error::Error,
};

/// How long a request waits for the rules at a pod's start.
const FIRST_RULES_WAIT: Duration = Duration::from_secs(2);

/// The flags that the features declare, and the rules as they were last read.
#[derive(Debug)]
pub struct Flags {
    book: FlagBook,
    declared: OnceLock<Vec<&'static Flag>>,
    evaluations: IntCounterVec,
}

impl Flags {
    pub(in crate::app) fn new(overrides: Overrides, evaluations: IntCounterVec) -> Self {
        Self {
            evaluations,
            book: FlagBook::new(overrides),
            declared: OnceLock::new(),
        }
    }

    pub(in crate::app) fn declare(&self, flags: Vec<&'static Flag>) {
        for flag in &flags {
            for result in ["off", "on"] {
                self.evaluations.with_label_values(&[flag.name, result]);
            }
        }
        // Set once, by the one server that has the features.
        self.declared.set(flags).ok();
    }

    /// Every flag that there is.
    pub fn declared(&self) -> &[&'static Flag] {
        self.declared.get().map_or(&[], Vec::as_slice)
    }

    /// What a flag is for somebody.
    pub fn value(&self, flag: &Flag, user: UserId) -> FlagValue {
        self.book.value(flag, user)
    }

    /// The rules as they were last read, and what this process makes of them.
    pub fn book(&self) -> &FlagBook {
        &self.book
    }

    /// Refuses who does not have the flag.
    ///
    /// # Errors
    ///
    /// `feature_unavailable`.
    pub async fn require(&self, flag: &Flag, user: UserId) -> Result<(), Error> {
        // A pod that has never read the rules has been without PostgreSQL since its start: what goes on without it, such as
        // presence, goes on as it is by default; everything else says so itself.
        self.book.wait(FIRST_RULES_WAIT).await;
        let has = self.book.has(flag, user);
        let result = if has { "on" } else { "off" };
        self.evaluations
            .with_label_values(&[flag.name, result])
            .inc();
        if has {
            Ok(())
        } else {
            let title = Code::FeatureUnavailable.title();
            Err(Error::new(Code::FeatureUnavailable, title))
        }
    }

    /// Reads the rules if there are newer ones.
    pub async fn read(&self, db: &Connection) -> Result<(), Error> {
        let version: i64 = db.query_one(follow::FIND_VERSION, &[]).await?;
        if self.book.version() != Some(version) {
            let Table(table) = db.query_one(follow::READ_TABLE, &[]).await?;
            self.book.keep(table);
        }
        Ok(())
    }
}

struct Table(FlagTable);

impl FromRow for Table {
    fn from_row(row: &Row<'_>) -> Result<Self, InvalidRow> {
        Ok(Self(FlagTable {
            version: row.get("version")?,
            rules: row.get_json("rules")?,
        }))
    }
}

impl App {
    /// Feature flags.
    pub fn flags(&self) -> &Flags {
        &self.0.flags
    }
}
