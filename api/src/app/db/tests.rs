//! Every statement of every feature is valid against the migrated schema, with the types that the code gives it.

use crate::{
    app::{
        db::migrate, event_log, identity, jobs,
        testing::TestStores,
    },
    features,
};

#[tokio::test]
async fn every_statement_prepares() {
    let stores = TestStores::create().await;
    let (app, ..) = stores.pod("api-1");
    let connection = app.read().await.unwrap();
    let features = features();
    let ours = [event_log::STATEMENTS, identity::STATEMENTS, jobs::STATEMENTS];
    let theirs = features.iter().map(|feature| feature.statements);
    let mut count = 0;
    for statement in ours.into_iter().chain(theirs).flatten() {
        let prepared = connection.prepare(statement).await;
        assert!(prepared.is_ok(), "{statement}\n{:?}", prepared.err());
        count += 1;
    }
    assert!(count > 40, "only {count} statements are registered");
    for feature in &features {
        for statement in feature.housekeeping {
            assert!(feature.statements.contains(statement), "{}: {statement}", feature.name);
            connection.execute(statement, &[&app.now().0]).await.unwrap();
        }
    }
}

#[tokio::test]
async fn migrating_a_migrated_database_changes_nothing_also_from_several_pods_at_once() {
    let stores = TestStores::create().await;
    let settings = stores.settings("api-1").database;
    migrate::check(&settings).await.unwrap();
    let (one, two) = tokio::join!(migrate::migrate(&settings), migrate::migrate(&settings));
    assert_eq!((one.unwrap().len(), two.unwrap().len()), (0, 0));
}

#[tokio::test]
async fn an_older_schema_is_refused() {
    let stores = TestStores::create().await;
    let settings = stores.settings("api-1").database;
    let (app, ..) = stores.pod("api-1");
    let forget = "delete from refinery_schema_history where version = (select max(version) from refinery_schema_history)";
    app.read().await.unwrap().simple(forget).await.unwrap();
    let refused = migrate::check(&settings).await;
    assert!(matches!(refused, Err(migrate::MigrationError::Outdated { .. })), "{refused:?}");
}
