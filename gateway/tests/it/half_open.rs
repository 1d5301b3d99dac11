//! A thousand connections that begin something and do not go on with it.

use crate::{
    harness::{Gateway, until},
    raw_socket::RawSocket,
};

const SOCKETS: usize = 1000;

/// Nothing at all, half a request, half a head behind a proxy's, a request without its end.
const BEGINNINGS: [&[u8]; 4] = [
    b"",
    b"GET /ws HTTP/1.1\r\nHost: x\r\nConnec",
    b"G",
    b"GET /events?token=x HTTP/1.1\r\nHost: x\r\n",
];

#[tokio::test(flavor = "multi_thread")]
async fn a_thousand_half_open_connections_harm_nobody() {
    let settings = [
        ("STRANGERS_PER_ADDRESS", "2000"),
        ("HANDSHAKE_TIMEOUT", "8s"),
        ("AUTH_TIMEOUT", "8s"),
    ];
    let gateway = Gateway::start_with(&settings).await;
    let (mut inside, _) = gateway.listen(1).await;
    let mut held = Vec::new();
    for index in 0..SOCKETS {
        let mut socket = RawSocket::connect(&gateway).await;
        match index % 5 {
            // Upgraded, and then half of the first frame's header.
            4 => {
                socket.upgrade_without_credentials().await;
                socket.send(&[0x81, 0xfe, 0x01]).await;
            }
            kind => socket.send(BEGINNINGS[kind]).await,
        }
        held.push(socket);
        if index % 100 == 0 {
            // Whoever is inside notices nothing,
            let published = gateway.publish(1, 1).await;
            let offset = published[0].offset().unwrap();
            assert_eq!(inside.offsets(1).await, [offset]);
        }
    }
    // and whoever is well-behaved still comes in.
    let (mut late, _) = gateway.listen(1).await;
    let published = gateway.publish(1, 1).await;
    assert_eq!(late.offsets(1).await, [published[0].offset().unwrap()]);
    let open = r#"hubbub_gateway_connections{transport="websocket"}"#;
    assert_eq!(gateway.metric(open), 2, "nobody else is in");

    // Their time runs out, and they are gone.
    for mut socket in held {
        socket.ends().await;
    }
    until(|| gateway.metric(open) == 2).await;
    let last = gateway.publish(1, 1).await[0].offset().unwrap();
    assert_eq!(inside.offsets(2).await, [last - 1, last]);
    gateway.stop().await;
}

/// Half a frame on a connection that was let in: it may take its time with it, but not for ever, and it hears meanwhile.
#[tokio::test(flavor = "multi_thread")]
async fn half_a_frame_is_no_sign_of_life() {
    let gateway = Gateway::start_with(&[("PING", "1s")]).await;
    let mut socket = RawSocket::open(&gateway, &gateway.token(1)).await;
    socket.send(&[0x81, 0xfe, 0x01, 0x00, 1, 2, 3, 4, 5]).await;
    gateway.publish(1, 1).await;
    assert_eq!(socket.close_code().await, Some(4205));
    gateway.stop().await;
}
