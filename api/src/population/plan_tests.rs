//! How the database finds what it is asked for: by an index, whoever asks and however much there is.

use serde_json::Value;
use shared::clock::Clock;
use tokio_postgres::{Client, NoTls};

use super::{Sizes, populate};
use crate::{app::testing::TestStores, features};

/// Tables that grow with use: whoever reads them whole stands still one day.
const LARGE: &[&str] = &[
    "users",
    "sessions",
    "follows",
    "friendships",
    "blocks",
    "posts",
    "likes",
    "comments",
    "reactions",
    "post_counts",
    "notifications",
    "messages",
    "conversations",
    "conversation_members",
    "group_members",
];

/// Features whose statements are looked at: everything that lists, finds and counts in this area.
const FEATURES: &[&str] = &[
    "activities",
    "blocks",
    "comments",
    "feed",
    "follows",
    "friends",
    "likes",
    "mutes",
    "posts",
    "reactions",
    "users",
];

#[tokio::test]
async fn every_statement_finds_its_rows_by_an_index() {
    let stores = TestStores::create().await;
    let app = stores.idle_pod("api-1", Clock::System);
    let sizes = Sizes {
        people: 2000,
        follows: 20_000,
        posts: 20_000,
        likes: 20_000,
        comments: 10_000,
    };
    let db = app.read().await.unwrap();
    populate(&db, &sizes, app.now()).await.unwrap();
    let (client, connection) = tokio_postgres::connect(&stores.database_url(), NoTls)
        .await
        .unwrap();
    let connection = tokio::spawn(connection);
    // A plan for any parameters, as it is made for a statement that is run often. A scan is taken where there is no other
    // way, and so found, also where the table is still so small that it would be the best way.
    let settings = "set plan_cache_mode = force_generic_plan; set enable_seqscan = off";
    client.batch_execute(settings).await.unwrap();
    let mut scans = Vec::new();
    let mut looked_at = 0;
    for feature in features() {
        if !FEATURES.contains(&feature.name) {
            continue;
        }
        for statement in feature.statements {
            let plan = explain(&client, statement).await;
            find_scans(&plan, &mut |node| {
                scans.push(format!("{}: {node}\n{statement}", feature.name));
            });
            looked_at += 1;
        }
    }
    assert!(scans.is_empty(), "{}", scans.join("\n\n"));
    assert!(looked_at > 60, "only {looked_at} statements");
    drop(client);
    connection.await.unwrap().unwrap();
}

async fn explain(client: &Client, statement: &str) -> Value {
    let prepared = format!("deallocate all; prepare looked_at as {statement}");
    client.batch_execute(&prepared).await.expect(statement);
    let parameters = "select cardinality(parameter_types) from pg_prepared_statements";
    let parameters: i32 = client.query_one(parameters, &[]).await.unwrap().get(0);
    let nulls = vec!["null"; usize::try_from(parameters).unwrap()].join(", ");
    let call = if nulls.is_empty() {
        String::new()
    } else {
        format!("({nulls})")
    };
    let explain = format!("explain (format json) execute looked_at{call}");
    let rows = client.simple_query(&explain).await.expect(statement);
    let text = rows.iter().find_map(|row| match row {
        tokio_postgres::SimpleQueryMessage::Row(row) => row.get(0),
        _ => None,
    });
    serde_json::from_str(text.expect("a plan")).unwrap()
}

/// Tells of every node that reads a large table, or an index of it, from one end to the other.
fn find_scans(node: &Value, tell: &mut impl FnMut(String)) {
    match node {
        Value::Array(nodes) => nodes.iter().for_each(|node| find_scans(node, tell)),
        Value::Object(fields) => {
            let table = fields.get("Relation Name").and_then(Value::as_str);
            let kind = fields.get("Node Type").and_then(Value::as_str);
            let reads = match kind {
                Some("Seq Scan") => true,
                Some("Index Scan" | "Index Only Scan") => !fields.contains_key("Index Cond"),
                _ => false,
            };
            if reads && table.is_some_and(|table| LARGE.contains(&table)) {
                let filter = fields.get("Filter").unwrap_or(&Value::Null);
                tell(format!("{kind:?} of {table:?}, filter {filter}"));
            }
            fields.values().for_each(|field| find_scans(field, tell));
        }
        _ => {}
    }
}
