//! Requests that reach a node that does not have the session.

use super::*;

/// A session of one node whose client asks the other.
fn at(gateway: &Gateway, polled: &Polled) -> Polled {
    let (_, target) = polled.target.split_once("/socket.io/").unwrap();
    Polled {
        http: HttpClient::new(&gateway.base),
        target: format!("{}/socket.io/{target}", gateway.base),
    }
}

fn unknown(gateway: &Gateway, known: bool) -> u64 {
    gateway.metric(&format!(
        "hubbub_engineio_unknown_sid_total{{known_node=\"{known}\"}}"
    ))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_session_is_polled_through_any_node() {
    let gateway = Gateway::start().await;
    let neighbour = gateway.neighbour(&[]).await;
    let there = at(&neighbour, &Polled::open(&gateway).await);
    let auth = with_token(&gateway, 1);
    assert_eq!(
        there.post(&format!("40{auth}")).await,
        (200, "ok".to_owned())
    );
    assert!(there.get().await.1.starts_with("40{"));
    gateway.publish(1, 1).await;
    assert!(there.get().await.1.starts_with("42["));
    assert_eq!(unknown(&neighbour, true), 3);

    // It goes on by a WebSocket through the other node, too.
    let mut socket = RawSocket::connect(&neighbour).await;
    let target = format!("/socket.io/?EIO=4&transport=websocket&sid={}", there.sid());
    socket.upgrade_at(&target, "").await;
    let mut client = Client(socket);
    client.say("2probe").await;
    assert_eq!(client.packet().await.unwrap(), "3probe");
    client.say("5").await;
    client.say(r#"421["ping"]"#).await;
    assert_eq!(client.packet().await.unwrap(), "431[{}]");
    gateway.publish(1, 1).await;
    client.hears(1).await;
    drop(client);
    until(|| gateway.metric(r#"hubbub_gateway_connections{transport="socketio"}"#) == 0).await;
    assert_eq!(there.get().await.0, 400);
    neighbour.stop().await;
    gateway.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_session_of_nobody_is_unknown() {
    let gateway = Gateway::start().await;
    let neighbour = gateway.neighbour(&[]).await;
    let polled = Polled::open(&gateway).await;
    let there = at(&neighbour, &polled);
    // Of a node that nobody knows, and of none.
    for sid in ["0123456789abcdef.x", "nonsense"] {
        let mut nobody = at(&gateway, &polled);
        let target = nobody.target.split_once("&sid=").unwrap().0;
        nobody.target = format!("{target}&sid={sid}");
        let (status, body) = nobody.get().await;
        assert_eq!(
            (status, &*body),
            (400, r#"{"code":1,"message":"Session ID unknown"}"#)
        );
    }
    assert_eq!(unknown(&gateway, false), 2);
    gateway.stop().await;
    let (status, body) = there.get().await;
    assert_eq!(
        (status, &*body),
        (400, r#"{"code":1,"message":"Session ID unknown"}"#)
    );
    neighbour.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_handed_on_is_not_handed_on_again() {
    // Both believe that the other is reached where they themselves are, as after a restart at the same address.
    let gateway = Gateway::start().await;
    let wrong = gateway.base.trim_start_matches("http://").to_owned();
    let elsewhere = gateway.neighbour(&[("PEER_ADDR", &wrong)]).await;
    let polled = at(&gateway, &Polled::open(&elsewhere).await);
    let (status, _) = polled.get().await;
    assert_eq!(status, 400);
    assert_eq!(unknown(&gateway, true), 2);
    elsewhere.stop().await;
    gateway.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_too_long_is_told_by_whoever_reads_it() {
    let gateway = Gateway::start().await;
    let neighbour = gateway.neighbour(&[]).await;
    let there = at(&neighbour, &Polled::open(&gateway).await);
    assert_eq!(there.post(&"4".repeat(70_000)).await.0, 413);
    neighbour.stop().await;
    gateway.stop().await;
}

/// Anybody can make up a name that begins with another node's.
#[tokio::test(flavor = "multi_thread")]
async fn until_the_owner_has_a_request_a_stranger_asks() {
    let gateway = Gateway::start().await;
    let settings = [
        ("STRANGERS_PER_ADDRESS", "1"),
        ("TRUSTED_PROXIES", "127.0.0.1"),
    ];
    let neighbour = gateway.neighbour(&settings).await;
    let polled = Polled::is_in(&gateway, &with_token(&gateway, 1)).await;
    let mut heads = Vec::new();
    let mut waiting = Vec::new();
    for address in ["203.0.113.1", "203.0.113.1", "203.0.113.2"] {
        let mut socket = RawSocket::connect(&neighbour).await;
        let headers = format!("X-Forwarded-For: {address}\r\n");
        let head = post_announced("/socket.io/", polled.sid(), &headers);
        socket.send(&head).await;
        heads.push(socket.head().await);
        waiting.push(socket);
    }
    assert_eq!([&heads[0], &heads[2]], [GO_ON, GO_ON]);
    assert!(heads[1].starts_with("HTTP/1.1 503 "), "{}", heads[1]);
    let refused = r#"hubbub_gateway_door_refusals_total{reason="address"}"#;
    assert_eq!(neighbour.metric(refused), 1);
    let mut first = waiting.swap_remove(0);
    first.send(b"3").await;
    assert!(first.answer().await.starts_with("HTTP/1.1 200 "));
    neighbour.stop().await;
    gateway.stop().await;
}
