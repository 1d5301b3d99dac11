//! Stores as others run them: encrypted and with passwords; behind a pooler.

use hyper::Method;
use serde_json::json;
use shared::testing::{Authority, RedisServer, free_port};
use stories::{Cluster, Person, Pooler, Postgres, Setup, run_program, settings};

const REDIS_PASSWORD: &str = "redis-has-a-secret";

/// Something of everything that goes to the stores.
async fn life(cluster: &Cluster) {
    let [api_1, api_2] = &cluster.api;
    let (ana, bob) = tokio::join!(Person::sign_up(api_1, "ana"), Person::sign_up(api_2, "bob"));
    let mut phone = bob.listens(&cluster.gateway[0]).await;
    let mut tablet = bob.listens(&cluster.gateway[1]).await;
    for (number, api) in (1..=20).zip([api_1, api_2].into_iter().cycle()) {
        let content = format!("message {number}");
        ana.says(api, &bob, &content).await;
        for device in [&mut phone, &mut tablet] {
            let heard = device.hears("private_message").await;
            assert_eq!(heard["data"]["content"], content.as_str());
        }
    }
    let command = json!({"type": "private", "to": ana.id, "content": "hello yourself"});
    assert_eq!(phone.commands(command).await["type"], "ack");
    for (method, path, body) in [
        (Method::POST, "/posts", Some(json!({"content": "a post"}))),
        (Method::POST, "/groups", Some(json!({"name": "a group"}))),
        (Method::GET, "/feed", None),
        (Method::GET, "/conversations", None),
        (Method::GET, "/notifications", None),
        (Method::GET, "/bootstrap", None),
        (Method::GET, "/search?q=ana", None),
    ] {
        let answer = ana.request(api_2, method, path, body).await;
        assert!(answer.status.is_success(), "{path}: {}", answer.json);
    }
    let resumed = bob.listens_from(&cluster.gateway[1], phone.positions.clone());
    drop(resumed.await);
}

#[tokio::test]
async fn postgresql_and_redis_are_spoken_to_by_tls_and_with_passwords() {
    let authority = Authority::new();
    let (certificate, key) = authority.issue("127.0.0.1");
    let ca_file = authority.file().display().to_string();
    let port = free_port().to_string();
    let redis = RedisServer::start_with(&[
        "--tls-port",
        &port,
        "--tls-cert-file",
        &certificate.to_string_lossy(),
        "--tls-key-file",
        &key.to_string_lossy(),
        "--tls-ca-cert-file",
        &ca_file,
        "--tls-auth-clients",
        "no",
        "--requirepass",
        REDIS_PASSWORD,
    ])
    .await;
    let redis_url = format!("rediss://:{REDIS_PASSWORD}@127.0.0.1:{port}");
    let postgres = Postgres::start_encrypted(&authority).await;

    let migrate = async |mode: &str, ca_file: &str| {
        let url = postgres.encrypted_url(mode);
        let variables = settings(&[("DATABASE_URL", &url), ("DATABASE_CA_FILE", ca_file)]);
        run_program("api", &["migrate"], &variables).await
    };
    let other_authority = Authority::new();
    let stranger = other_authority.file().display().to_string();
    assert!(
        !migrate("require", &stranger).await,
        "vouched for by nobody"
    );
    assert!(!migrate("disable", "").await, "in the clear");
    assert!(migrate("verify-full", &ca_file).await);

    let cluster = Cluster::start_as(Setup {
        database_url: Some(postgres.encrypted_url("require")),
        api: settings(&[("DATABASE_CA_FILE", &ca_file)]),
        all: settings(&[("REDIS_URL", &redis_url), ("REDIS_CA_FILE", &ca_file)]),
        ..Setup::default()
    })
    .await;
    life(&cluster).await;
    let encrypted = postgres.answers(
        "select bool_and(ssl) and count(*) > 0 from pg_stat_ssl join pg_stat_activity using (pid)
        where application_name = 'hubbub-api'",
    );
    assert_eq!(encrypted, "t");
    cluster.stop().await;
    drop(redis);
}

#[tokio::test]
async fn a_pooler_in_transaction_mode_may_stand_before_postgresql() {
    let pooler = Pooler::start().await;
    let cluster = Cluster::start_as(Setup {
        pooler: Some(pooler),
        ..Setup::default()
    })
    .await;
    life(&cluster).await;
    // All pods share its few connections: nothing holds on to one.
    let database = cluster.database().await;
    let count = "select count(*) from pg_stat_activity
        where datname = current_database() and application_name = 'hubbub-api'";
    let row = database.query_one(count, &[]).await.expect("a row");
    let connections: i64 = row.get(0);
    assert!((1..=4).contains(&connections), "{connections} connections");
    cluster.stop().await;
}
