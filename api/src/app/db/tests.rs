//! Every statement of every feature is valid against the migrated schema, with the types that the code gives it.

use std::time::Duration;

use shared::{clock::Clock, wire::Code};
use tokio::time::timeout;

use crate::{
    app::{App, db::migrate, statements::statements, testing::TestStores},
    features,
};

#[tokio::test]
async fn every_statement_prepares() {
    let stores = TestStores::create().await;
    let (app, ..) = stores.pod("api-1");
    let connection = app.read().await.unwrap();
    let features = features();
    let statements = statements(&features);
    for statement in &statements {
        let prepared = connection.prepare(statement).await;
        assert!(prepared.is_ok(), "{statement}\n{:?}", prepared.err());
    }
    let count = statements.len();
    assert!(count > 40, "only {count} statements are registered");
    for feature in &features {
        for statement in feature.housekeeping {
            assert!(
                feature.statements.contains(statement),
                "{}: {statement}",
                feature.name
            );
            connection
                .execute(statement, &[&app.now().0])
                .await
                .unwrap();
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
async fn a_newer_schema_is_welcome_and_left_alone() {
    let stores = TestStores::create().await;
    let settings = stores.settings("api-1").database;
    let (app, ..) = stores.pod("api-1");
    let newer = "insert into refinery_schema_history select version + 1, 'next', applied_on, '1'
        from refinery_schema_history order by version desc limit 1";
    app.read().await.unwrap().simple(newer).await.unwrap();
    let schema = migrate::check(&settings).await.unwrap();
    assert_eq!(schema.found, schema.wanted + 1);
    assert!(migrate::migrate(&settings).await.unwrap().is_empty());
}

#[tokio::test]
async fn an_older_schema_is_refused() {
    let stores = TestStores::create().await;
    let settings = stores.settings("api-1").database;
    let (app, ..) = stores.pod("api-1");
    let forget = "delete from refinery_schema_history where version = (select max(version) from refinery_schema_history)";
    app.read().await.unwrap().simple(forget).await.unwrap();
    let refused = migrate::check(&settings).await;
    assert!(
        matches!(refused, Err(migrate::MigrationError::Outdated(_))),
        "{refused:?}"
    );
}

#[tokio::test]
async fn a_transaction_in_which_a_statement_failed_cannot_be_committed() {
    let stores = TestStores::create().await;
    let (app, ..) = stores.pod("api-1");
    let tx = app.begin().await.unwrap();
    let violation = tx
        .execute("insert into leases values ('a', null, now())", &[])
        .await;
    assert_eq!(violation.unwrap_err().code(), Code::Internal);
    assert_eq!(tx.commit().await.unwrap_err().code(), Code::Internal);
    // The connection went back clean: the next transaction on it is a new one.
    let tx = app.begin().await.unwrap();
    tx.execute("insert into leases values ('a', 'b', now())", &[])
        .await
        .unwrap();
    tx.commit().await.unwrap();
}

#[tokio::test]
async fn waits_have_an_end_and_say_that_trying_again_is_right() {
    let stores = TestStores::create().await;
    let mut settings = stores.settings("api-1");
    settings.database.pool_size = 2;
    settings.database.pool_wait = Duration::from_millis(50);
    settings.database.lock_timeout = Duration::from_millis(50);
    settings.database.statement_timeout = Duration::from_millis(200);
    let (app, ..) = App::new(settings, Clock::System).unwrap();

    let (one, other) = (app.begin().await.unwrap(), app.begin().await.unwrap());
    let no_connection = app.read().await.err().unwrap();
    let lock = "lock table leases";
    one.execute(lock, &[]).await.unwrap();
    let no_lock = other.execute(lock, &[]).await.unwrap_err();
    let too_long = one.execute("select pg_sleep(10)", &[]).await.unwrap_err();
    for error in [no_connection, no_lock, too_long] {
        assert_eq!(error.code(), Code::Unavailable, "{error}");
        assert!(error.to_problem().retry_after_ms.is_some());
    }
}

#[tokio::test]
async fn a_commit_whose_answer_is_lost_is_told_apart_from_one_that_failed() {
    let stores = TestStores::create().await;
    let (app, ..) = stores.pod("api-1");
    let cut = app.begin().await.unwrap();
    let pid: i32 = cut.query_one("select pg_backend_pid()", &[]).await.unwrap();
    let read = app.read().await.unwrap();
    let _cut: bool = read
        .query_one("select pg_terminate_backend($1)", &[&pid])
        .await
        .unwrap();
    let lost = cut.commit().await.unwrap_err();
    assert_eq!(lost.code(), Code::OutcomeUnknown, "{lost}");
    // The pool lets go of the dead connection as soon as its end is seen.
    timeout(Duration::from_secs(10), async {
        while app.begin().await.is_err() {}
    })
    .await
    .expect("the pool recovers");
}
