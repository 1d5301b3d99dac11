//! What is special about a story's programs.

use std::path::PathBuf;

use crate::Pooler;

/// How a [`Cluster`](crate::Cluster) is started; by default as a deployment is, without limits of rates.
#[derive(Default)]
pub struct Setup {
    /// The program of the API, if it is another: one with more features.
    pub api_program: Option<String>,
    /// Settings of both `api`.
    pub api: Vec<(&'static str, String)>,
    /// Settings of both gateways.
    pub gateway: Vec<(&'static str, String)>,
    /// Settings of all four.
    pub all: Vec<(&'static str, String)>,
    /// Where lines of the log go, a file for each program; else to the test's own output.
    pub logs: Option<PathBuf>,
    /// Before PostgreSQL.
    pub pooler: Option<Pooler>,
    /// Another database, that is ready to be used.
    pub database_url: Option<String>,
    /// A PostgreSQL of its own, to kill.
    pub own_postgres: bool,
    /// A Redis that can write its data down.
    pub redis_keeps: bool,
}

impl Setup {
    /// Settings of both `api`, which have this database.
    pub(crate) fn of_api(&self, database_url: &str) -> Vec<(&'static str, String)> {
        let always = settings(&[("DATABASE_POOL", "8"), ("DRAIN_DELAY", "3s")]);
        let database = match &self.pooler {
            Some(pooler) => settings(&[
                ("DATABASE_URL", &pooler.through(database_url)),
                ("DATABASE_DIRECT_URL", database_url),
            ]),
            None => settings(&[("DATABASE_URL", database_url)]),
        };
        [&always[..], &database, &self.api].concat()
    }
}

/// Settings as programs take them.
pub fn settings(pairs: &[(&'static str, &str)]) -> Vec<(&'static str, String)> {
    let pairs = pairs.iter();
    pairs
        .map(|(name, value)| (*name, (*value).to_owned()))
        .collect()
}
