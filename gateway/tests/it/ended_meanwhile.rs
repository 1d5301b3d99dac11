//! A log-in that ends while somebody is on the way in by it: after the look at the credentials, and before their channel is
//! heard.

use std::sync::atomic::Ordering;

use serde_json::json;
use shared::{
    credentials::Revocations,
    ids::SessionId,
    testing::{ConnectError, Credentials, WireClient, shared_redis},
};
use tokio::{sync::RwLockWriteGuard, task::JoinHandle};

use crate::harness::{Gateway, Socket, until};

/// Somebody on the way in. Without its marks Redis does not know who is logged in, so that `api` is asked; its answer waits
/// for as long as the guard is held.
async fn comes_in(
    gateway: &Gateway,
) -> (
    JoinHandle<Result<WireClient, ConnectError>>,
    RwLockWriteGuard<'_, ()>,
) {
    gateway.publish(1, 3).await;
    let answers = gateway.api.verifies.write().await;
    let connect = gateway.connect(Credentials::Bearer(gateway.token(1)));
    let coming = tokio::spawn(async move { WireClient::connect(&connect).await });
    until(|| gateway.api.verifications.load(Ordering::SeqCst) == 1).await;
    (coming, answers)
}

/// The answer is on the way when the log-in ends.
#[tokio::test(flavor = "multi_thread")]
async fn nobody_stays_by_a_log_in_that_ended_on_the_way_in() {
    let gateway = Gateway::start_on(&shared_redis(), &[]).await;
    let (coming, answers) = comes_in(&gateway).await;

    let session = SessionId::new(1).unwrap();
    *gateway.api.verified.lock().unwrap() = Some(json!({"refused": "session_revoked"}));
    let revocations = Revocations::new(gateway.bus.clone());
    revocations.restore(&[session]).await.unwrap();
    gateway.revoke(1, 1).await;
    drop(answers);

    let mut socket = Socket(coming.await.unwrap().expect("the handshake was in time"));
    assert_eq!(socket.is_closed().await.0, 4004);
    gateway.stop().await;
}

/// Other things that are said meanwhile cost a question, and nothing else.
#[tokio::test(flavor = "multi_thread")]
async fn whatever_else_is_said_on_the_way_in_is_no_end() {
    let gateway = Gateway::start_on(&shared_redis(), &[]).await;
    let (coming, answers) = comes_in(&gateway).await;
    gateway.publish(1, 2).await;
    drop(answers);

    let mut socket = Socket(coming.await.unwrap().unwrap());
    let welcome = socket.frame().await;
    assert_eq!(welcome["data"]["channels"]["user:1"]["offset"], 5);
    gateway.publish(1, 1).await;
    assert_eq!(
        socket.offsets(1).await,
        [6],
        "what came before was not asked for"
    );
    assert_eq!(gateway.api.verifications.load(Ordering::SeqCst), 2);

    // And when nothing is said, it costs nothing.
    let revocations = Revocations::new(gateway.bus.clone());
    revocations.restore(&[]).await.unwrap();
    gateway.listen(1).await;
    assert_eq!(gateway.api.verifications.load(Ordering::SeqCst), 2);
    gateway.stop().await;
}
