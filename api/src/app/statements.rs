//! Every statement of this program, and those of the release before it.
//!
//! During a roll-out the previous release runs on the new schema. Its statements are recorded in
//! `migrations/previous_release.sql`, and a test prepares them there; `api statements` prints the next record.

use super::{event_log, feature::Feature, flags, http, identity, jobs, service_keys};

/// Stands between two statements of a record; no statement has such a line.
const SEPARATOR: &str = "\n-- next statement\n";

/// All of them: the features' and our own.
pub fn statements(features: &[Feature]) -> Vec<&'static str> {
    let ours = [
        event_log::STATEMENTS,
        flags::STATEMENTS,
        identity::STATEMENTS,
        jobs::STATEMENTS,
        http::STATEMENTS,
        service_keys::STATEMENTS,
    ];
    let theirs = features.iter().map(|feature| feature.statements);
    ours.into_iter().chain(theirs).flatten().copied().collect()
}

/// What is kept of a release, for the one after it.
pub fn record(features: &[Feature]) -> String {
    let version = env!("CARGO_PKG_VERSION");
    let statements = statements(features);
    let mut record = format!("-- Statements of release {version}; see README.md.");
    for statement in statements {
        record.push_str(SEPARATOR);
        record.push_str(statement.trim_matches('\n'));
    }
    record.push('\n');
    record
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{app::testing::TestStores, features};

    const PREVIOUS: &str = include_str!("../../migrations/previous_release.sql");

    #[test]
    fn a_record_holds_every_statement() {
        let features = features();
        let record = record(&features);
        let count = record.split(SEPARATOR).skip(1).count();
        assert_eq!(count, statements(&features).len());
    }

    #[tokio::test]
    async fn the_previous_release_runs_on_this_schema() {
        let stores = TestStores::create().await;
        let (app, ..) = stores.pod("api-1");
        let connection = app.read().await.unwrap();
        let mut count = 0;
        for statement in PREVIOUS.split(SEPARATOR).skip(1) {
            // Not `Connection::prepare`, which is for statements of the program. Deallocated by hand: names are ours.
            let prepare = format!("prepare previous_release as {statement}");
            let prepared = connection.simple(&prepare).await;
            assert!(prepared.is_ok(), "{statement}\n{:?}", prepared.err());
            let forgotten = connection.simple("deallocate previous_release").await;
            forgotten.unwrap();
            count += 1;
        }
        assert!(count > 40, "only {count} statements are recorded");
    }

    /// A statement that prepares may still fail when it runs, on a column that it does not know and that must not be null.
    #[tokio::test]
    async fn the_previous_release_fills_every_column_that_must_be_filled() {
        let stores = TestStores::create().await;
        let (app, ..) = stores.pod("api-1");
        let connection = app.read().await.unwrap();
        let mut inserts = 0;
        for statement in PREVIOUS.split(SEPARATOR).skip(1) {
            for (table, columns) in insertions(statement) {
                let lacking: Vec<Lacking> = connection
                    .query(REQUIRED, &[&table, &columns])
                    .await
                    .unwrap();
                assert!(
                    lacking.is_empty(),
                    "{table} needs {lacking:?}, which this leaves out:\n{statement}"
                );
                inserts += 1;
            }
        }
        assert!(inserts > 10, "only {inserts} insertions were found");
    }

    const REQUIRED: &str = "select column_name::text as name from information_schema.columns
        where table_schema = current_schema() and table_name = $1 and is_nullable = 'NO'
            and column_default is null and is_identity = 'NO' and is_generated = 'NEVER'
            and not column_name = any ($2)";

    #[derive(Debug)]
    #[expect(dead_code, reason = "shown where it fails")]
    struct Lacking(String);

    impl crate::app::db::FromRow for Lacking {
        fn from_row(row: &crate::app::db::Row<'_>) -> Result<Self, crate::app::db::InvalidRow> {
            Ok(Self(row.get("name")?))
        }
    }

    /// `insert into table (columns)`, wherever it stands in a statement.
    fn insertions(statement: &str) -> Vec<(String, Vec<String>)> {
        let parts = statement.split("insert into ").skip(1);
        let read = |part: &str| {
            let (table, rest) = part.split_once('(')?;
            let (columns, _) = rest.split_once(')')?;
            let table = table.split_whitespace().next()?.to_owned();
            let columns = columns
                .split(',')
                .map(|column| column.trim().trim_matches('"').to_owned());
            Some((table, columns.collect()))
        };
        parts.filter_map(read).collect()
    }
}
