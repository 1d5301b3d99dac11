//! Leaving: everybody is told, everybody leaves, and nobody new comes in.

use hyper::Method;
use shared::testing::{ConnectError, Credentials, HttpClient, WireClient};

use crate::harness::{Gateway, until};

#[tokio::test(flavor = "multi_thread")]
async fn clients_are_told_to_come_back_and_the_node_ends() {
    let gateway = Gateway::start().await;
    let mut sockets = Vec::new();
    for number in 1..=10 {
        sockets.push(gateway.listen(number).await.0);
    }
    gateway.lifecycle.drain();
    for socket in &mut sockets {
        let reconnect = socket.hears("reconnect").await;
        let after_ms = reconnect["data"]["after_ms"].as_u64().unwrap();
        let (code, reason) = socket.is_closed().await;
        assert_eq!(code, 1001);
        assert_eq!(
            reason,
            format!(r#"{{"code":"going_away","retry_after_ms":{after_ms}}}"#)
        );
    }
    gateway.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_that_does_not_answer_does_not_hold_the_node_back() {
    let gateway = Gateway::start().await;
    let stubborn = crate::raw_socket::RawSocket::open(&gateway, &gateway.token(1)).await;
    gateway.stop().await;
    drop(stubborn);
}

#[tokio::test(flavor = "multi_thread")]
async fn while_balancers_have_not_noticed_the_door_stays_open_and_then_it_shuts() {
    let gateway = Gateway::start_with(&[("DRAIN_DELAY", "3s"), ("DRAIN_WINDOW", "10s")]).await;
    let http = HttpClient::new(&gateway.base);
    let (_a, _) = gateway.listen(1).await;
    gateway.lifecycle.drain();
    let ready = http.send(Method::GET, "/readyz", None, None).await.unwrap();
    assert_eq!(ready.status.as_u16(), 404);
    let (mut late, _) = gateway.listen(2).await;
    late.hears("reconnect").await;

    let connect = gateway.connect(Credentials::Bearer(gateway.token(3)));
    let refused = WireClient::connect(&connect).await;
    match refused {
        Err(ConnectError::Refused {
            status,
            retry_after,
            problem,
        }) => {
            assert_eq!((status.as_u16(), retry_after), (503, Some(1)));
            assert_eq!(problem["code"], "draining");
        }
        // The last one has left already, and the port with it.
        Err(ConnectError::Failed(_)) => {}
        Ok(_) => panic!("let in"),
    }
    until(|| gateway.running.is_finished()).await;
}
