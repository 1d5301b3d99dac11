//! permessage-deflate, from the handshake to the event.

use flate2::{Compress, Compression, Decompress, FlushCompress, FlushDecompress};

use crate::{
    harness::{Gateway, channel},
    raw_socket::{RawFrame, RawSocket, masked},
};

const OFFER: &str = "Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits\r\n";
const COMPRESSED_TEXT: u8 = 0xc1;

async fn open(gateway: &Gateway) -> RawSocket {
    let mut socket = RawSocket::connect(gateway).await;
    let head = socket.upgrade_with(&gateway.token(1), OFFER).await;
    let answer = "sec-websocket-extensions: permessage-deflate; server_no_context_takeover; client_no_context_takeover\r\n";
    assert!(head.contains(answer), "{head}");
    let welcome = socket.frame().await.unwrap();
    assert!(text(&welcome).contains("welcome"));
    socket
}

fn deflate(text: &str) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(text.len() + 1000);
    Compress::new(Compression::best(), false)
        .compress_vec(text.as_bytes(), &mut bytes, FlushCompress::Sync)
        .unwrap();
    bytes.truncate(bytes.len() - 4);
    bytes
}

pub(crate) fn text(frame: &RawFrame) -> String {
    let mut bytes = Vec::with_capacity(100_000);
    if frame.compressed {
        let payload = [&frame.payload[..], &[0, 0, 0xff, 0xff]].concat();
        Decompress::new(false)
            .decompress_vec(&payload, &mut bytes, FlushDecompress::Sync)
            .unwrap();
    } else {
        bytes.clone_from(&frame.payload);
    }
    String::from_utf8(bytes).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn commands_and_events_travel_compressed_where_that_is_worth_it() {
    let gateway = Gateway::start().await;
    let (mut plain, _) = gateway.listen(1).await;
    let mut socket = open(&gateway).await;
    for reference in 0..3 {
        let command = format!(r#"{{"type":"ping","ref":{reference}}}"#);
        let command = masked(COMPRESSED_TEXT, &deflate(&command));
        socket.send(&command).await;
        let pong = socket.frame().await.unwrap();
        assert!(!pong.compressed, "so short that it is not worth it");
        assert_eq!(
            text(&pong),
            format!(r#"{{"type":"pong","ref":{reference}}}"#)
        );
    }
    let filler = "the same again, ".repeat(500);
    let mut lengths = Vec::new();
    for _ in 0..2 {
        let mut large = gateway.log.commit(channel(1));
        large.body = format!(r#"{{"timestamp":0,"data":{{"filler":"{filler}"}}}}"#).into();
        gateway.bus.append(&[large]).await.unwrap();
        let event = socket.frame().await.unwrap();
        assert!(event.compressed && event.payload.len() < 1000);
        assert!(text(&event).contains(&filler));
        assert_eq!(plain.frame().await["data"]["filler"], filler.as_str());
        lengths.push(event.payload.len());
    }
    assert!(
        lengths[0].abs_diff(lengths[1]) < 10,
        "nothing is referred to"
    );
    gateway.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn breaches_of_compression_have_their_close_codes() {
    let gateway = Gateway::start().await;
    for (what, bytes, code) in [
        ("garbage", masked(COMPRESSED_TEXT, &[0xff; 9]), 1002),
        ("a compressed ping", masked(0xc9, b""), 1002),
        (
            "a bomb",
            masked(COMPRESSED_TEXT, &deflate(&" ".repeat(1_000_000))),
            1009,
        ),
        ("binary", masked(0xc2, &deflate("{}")), 1003),
    ] {
        let mut socket = open(&gateway).await;
        socket.send(&bytes).await;
        assert_eq!(socket.close_code().await, Some(code), "{what}");
    }
    gateway.stop().await;
}
