use shared::clock::Clock;

use super::*;
use crate::{app::statements::statements, app::testing::TestStores, features};

/// Tables of one row, and of one for each flag.
const SMALL: &[&str] = &["flags", "flags_version", "log_epoch", "relay_cursor"];

/// Parts of statements that may read an index of that table in its order, without a condition.
const ALLOWED: &[(&str, &str)] = &[
    // Indexes of what is still to be done, which is soon nothing.
    ("deleted_at is not null and emptied_at is null", "users"),
    ("from untold_likes limit 1", "untold_likes"),
    // Of these there are ten at a time, which is what the statement sees to.
    ("from durable_broadcasts) < $5", "durable_broadcasts"),
    // The first page, from the end of the index as far as the limit; of lists for admins.
    ("$1::bigint is null or id < $1", "audit"),
    ("$1::bigint is null or id < $1", "service_keys"),
];
/// Leaves the planner the ways that are good however much there is. It takes another one only where there is no other.
const NO_SCANS: &str = "
set enable_seqscan = off;
set enable_hashjoin = off;
set enable_mergejoin = off;
set cpu_tuple_cost = 10;
set cpu_index_tuple_cost = 1";

#[tokio::test]
async fn every_statement_has_a_way_to_its_rows_that_is_no_scan() {
    let stores = TestStores::create().await;
    let app = stores.idle_pod("api-1", Clock::System);
    let db = app.read().await.unwrap();
    let mut tables = tables(&db, 0).await.unwrap();
    tables.retain(|table| !SMALL.contains(&&**table));
    assert!(tables.len() > 20, "{tables:?}");
    // Which way is the best depends on how much there is, which in a test is little. Whether there is a way that is no scan
    // does not. Joins by hash and by merging read both sides whole; and rows are dear, as if there were many.
    db.simple(NO_SCANS).await.unwrap();
    let statements = statements(&features());
    let mut scans = find_scans(&db, &statements, &tables).await.unwrap();
    scans.retain(|scan| {
        let allowed =
            |(part, table): &(&str, &str)| scan.statement.contains(part) && scan.table == *table;
        !ALLOWED.iter().any(allowed)
    });
    assert!(scans.is_empty(), "{scans:#?}");
}

#[tokio::test]
async fn a_scan_is_found() {
    let stores = TestStores::create().await;
    let app = stores.idle_pod("api-1", Clock::System);
    let db = app.read().await.unwrap();
    let tables = tables(&db, 0).await.unwrap();
    for (statement, scanned) in [
        ("select id from users where bio = $1", Some("users")),
        ("select id from users where id = $1", None),
        ("select count(*) from posts", Some("posts")),
        ("select id from users order by id limit $1", Some("users")),
        ("select bio from users where lower(email) = $1", None),
    ] {
        db.simple(NO_SCANS).await.unwrap();
        let scans = find_scans(&db, &[statement], &tables).await.unwrap();
        let found = scans.first().map(|scan| &*scan.table);
        assert_eq!(found, scanned, "{statement}");
    }
}
