//! What is refused whoever it is, and how many connections somebody may have.

use hyper::Method;
use serde_json::json;
use shared::testing::{ConnectError, Credentials, HttpClient, WireClient};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    time::timeout,
};

use crate::harness::{Gateway, PATIENCE, Socket};

/// More than anybody is let do without a refusal.
const ENOUGH: usize = 100;

/// Status, code and `Retry-After` that answer an attempt without a token that anybody would take.
async fn knock(gateway: &Gateway) -> (u16, String, Option<u64>) {
    let connect = gateway.connect(Credentials::Bearer("nonsense".to_owned()));
    match WireClient::connect(&connect).await {
        Err(ConnectError::Refused {
            status,
            retry_after,
            problem,
        }) => {
            let code = problem["code"].as_str().unwrap_or_default();
            (status.as_u16(), code.to_owned(), retry_after)
        }
        Err(error) => panic!("{error}"),
        Ok(_) => panic!("let in"),
    }
}

/// The status line that answers an upgrade without credentials, forwarded for somebody; the socket stays open.
async fn forwarded(gateway: &Gateway, forwarded_for: &str) -> (TcpStream, String) {
    let mut socket = dial(gateway).await;
    let request = format!(
        "GET /ws HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n\
         Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nX-Forwarded-For: {forwarded_for}\r\n\r\n"
    );
    socket.write_all(request.as_bytes()).await.unwrap();
    let line = line(&mut socket).await;
    (socket, line)
}

async fn dial(gateway: &Gateway) -> TcpStream {
    let address = gateway.base.trim_start_matches("http://");
    TcpStream::connect(address).await.unwrap()
}

async fn line(socket: &mut TcpStream) -> String {
    let mut line = Vec::new();
    while !line.ends_with(b"\r\n") {
        let byte = timeout(PATIENCE, socket.read_u8()).await;
        line.push(byte.expect("an answer in time").unwrap());
    }
    String::from_utf8(line).unwrap().trim_end().to_owned()
}

fn refusals(gateway: &Gateway, reason: &str) -> u64 {
    gateway.metric(&format!(
        r#"hubbub_gateway_door_refusals_total{{reason="{reason}"}}"#
    ))
}

const TURNED_AWAY: &str = "HTTP/1.1 503 Service Unavailable";
const UPGRADED: &str = "HTTP/1.1 101 Switching Protocols";

#[tokio::test(flavor = "multi_thread")]
async fn too_many_handshakes_are_refused_before_anybody_asks_who_it_is() {
    let gateway = Gateway::start_with(&[("RATE_LIMITS", "on"), ("HANDSHAKE_RATE", "3+1/s")]).await;
    let mut answers = Vec::new();
    for _ in 0..ENOUGH {
        answers.push(knock(&gateway).await);
    }
    let (status, code, _) = &answers[0];
    assert_eq!((*status, code.as_str()), (401, "unauthenticated"));
    let refused = answers.iter().find(|(status, ..)| *status == 503);
    let (_, code, retry_after) = refused.expect("a refusal");
    assert_eq!(code, "overloaded");
    assert!(
        (1..=6).contains(&retry_after.unwrap_or_default()),
        "{retry_after:?}"
    );
    assert!(refusals(&gateway, "rate") > 0);

    let http = HttpClient::new(&gateway.base);
    for path in ["/healthz", "/readyz"] {
        let answer = http.send(Method::GET, path, None, None).await.unwrap();
        assert_eq!(answer.status.as_u16(), 200, "{path}");
    }
    gateway.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn rates_can_be_lifted() {
    let gateway = Gateway::start_with(&[("HANDSHAKE_RATE", "1+1/s")]).await;
    for _ in 0..ENOUGH {
        assert_eq!(knock(&gateway).await.0, 401);
    }
    assert_eq!(refusals(&gateway, "rate"), 0);
    gateway.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_address_has_so_many_connections_that_say_nothing() {
    let gateway = Gateway::start_with(&[("STRANGERS_PER_ADDRESS", "2")]).await;
    // Whoever has said who they are does not count.
    let mut inside = Vec::new();
    for _ in 0..4 {
        inside.push(gateway.listen(1).await);
    }
    let silent = [dial(&gateway).await, dial(&gateway).await];
    let mut third = dial(&gateway).await;
    assert_eq!(line(&mut third).await, TURNED_AWAY);
    assert_eq!(refusals(&gateway, "address"), 1);

    for (socket, _) in &mut inside {
        let pong = socket.commands(json!({"type": "ping"})).await;
        assert_eq!(pong["type"], "pong");
    }
    drop((silent, third));
    let connect = gateway.connect(Credentials::Bearer(gateway.token(1)));
    let again = timeout(PATIENCE, async {
        while WireClient::connect(&connect).await.is_err() {}
    });
    again.await.expect("there is room again");
    gateway.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn behind_a_trusted_proxy_each_client_is_counted_by_its_own_address() {
    let settings = [
        ("STRANGERS_PER_ADDRESS", "1"),
        ("TRUSTED_PROXIES", "127.0.0.1"),
    ];
    let gateway = Gateway::start_with(&settings).await;
    let (_first, answer) = forwarded(&gateway, "203.0.113.1").await;
    assert_eq!(answer, UPGRADED);
    let (_, answer) = forwarded(&gateway, "203.0.113.1").await;
    assert_eq!(answer, TURNED_AWAY);
    // What the client wrote itself stands before what the proxy wrote.
    let (_, answer) = forwarded(&gateway, "198.51.100.9, 203.0.113.1").await;
    assert_eq!(answer, TURNED_AWAY);
    assert_eq!(refusals(&gateway, "address"), 2);
    let (_second, answer) = forwarded(&gateway, "203.0.113.2").await;
    assert_eq!(answer, UPGRADED);
    gateway.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn forwarded_headers_of_strangers_are_not_believed() {
    let gateway = Gateway::start_with(&[("STRANGERS_PER_ADDRESS", "1")]).await;
    let (_first, answer) = forwarded(&gateway, "203.0.113.1").await;
    assert_eq!(answer, UPGRADED);
    // Turned away before it can say whom it comes from.
    let mut second = dial(&gateway).await;
    assert_eq!(line(&mut second).await, TURNED_AWAY);
    gateway.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_oldest_connection_makes_room_for_the_newest() {
    let gateway = Gateway::start_with(&[("CONNECTIONS_PER_USER", "2")]).await;
    let (mut first, welcome) = gateway.listen(1).await;
    let (mut second, _) = gateway.listen(1).await;
    let (mut other, _) = gateway.listen(2).await;
    let (mut third, _) = gateway.listen(1).await;
    let expected = (4008, r#"{"code":"replaced_by_newer"}"#.to_owned());
    assert_eq!(first.is_closed().await, expected);
    for socket in [&mut second, &mut third, &mut other] {
        // Nobody else hears of it.
        socket.send(json!({"type": "ping"})).await;
        assert_eq!(socket.frame().await["type"], "pong");
    }
    // In whatever way it comes in.
    let connect = gateway.connect(Credentials::None);
    let mut fourth = Socket(WireClient::connect(&connect).await.unwrap());
    let token = welcome["data"]["resume_token"].as_str().unwrap();
    fourth.send(json!({"type": "auth", "token": token})).await;
    assert_eq!(fourth.frame().await["type"], "welcome");
    assert_eq!(second.is_closed().await, expected);
    let closed = r#"hubbub_gateway_connections_closed_total{reason="replaced_by_newer",transport="websocket"}"#;
    assert_eq!(gateway.metric(closed), 2);
    gateway.stop().await;
}
