use std::ops::ControlFlow;

use fastwebsockets::{Frame, OpCode, Payload};
use hyper::{Request, header};
use proptest::prelude::*;

use super::{
    Protocol,
    parser::{Message, Parser, Violation},
    protocol,
};

const MESSAGE_BYTES_MAX: usize = 70_000;

/// What was heard, kept.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Heard {
    Text(String),
    Binary(Vec<u8>),
    Ping(Vec<u8>),
    Pong,
    Close(Option<u16>),
}

impl From<Message<'_>> for Heard {
    fn from(message: Message<'_>) -> Self {
        match message {
            Message::Text(text) => Self::Text(text.to_owned()),
            Message::Binary(bytes) => Self::Binary(bytes.to_vec()),
            Message::Ping(payload) => Self::Ping(payload.to_vec()),
            Message::Pong => Self::Pong,
            Message::Close(code) => Self::Close(code),
        }
    }
}

/// Feeds the pieces one after the other.
fn hear(pieces: &[&[u8]]) -> Result<Vec<Heard>, Violation> {
    let mut parser = Parser::new(MESSAGE_BYTES_MAX);
    let mut heard = Vec::new();
    for piece in pieces {
        parser.feed(&mut piece.to_vec(), |message| {
            heard.push(message.into());
            ControlFlow::Continue(())
        })?;
    }
    let nothing_kept = parser.into_rest().is_empty();
    assert!(nothing_kept, "an idle parser holds no bytes");
    Ok(heard)
}

/// A client's frame, as fastwebsockets makes it.
fn frame(fin: bool, opcode: OpCode, payload: &[u8]) -> Vec<u8> {
    let mut frame = Frame::new(fin, opcode, None, Payload::Owned(payload.to_vec()));
    frame.mask();
    let mut bytes = Vec::new();
    frame.write(&mut bytes).to_vec()
}

fn script() -> (Vec<u8>, Vec<Heard>) {
    let stream = [
        frame(true, OpCode::Text, "größer".as_bytes()),
        frame(true, OpCode::Ping, b"p"),
        frame(false, OpCode::Text, b"one, "),
        frame(true, OpCode::Pong, b""),
        frame(false, OpCode::Continuation, b""),
        frame(true, OpCode::Continuation, b"two"),
        frame(true, OpCode::Binary, &[0xff; 300]),
        frame(true, OpCode::Text, b""),
        frame(true, OpCode::Close, &1000_u16.to_be_bytes()),
    ];
    let heard = vec![
        Heard::Text("größer".into()),
        Heard::Ping(b"p".to_vec()),
        Heard::Pong,
        Heard::Text("one, two".into()),
        Heard::Binary(vec![0xff; 300]),
        Heard::Text(String::new()),
        Heard::Close(Some(1000)),
    ];
    (stream.concat(), heard)
}

#[test]
fn a_stream_means_the_same_however_it_is_cut() {
    let (stream, expected) = script();
    assert_eq!(hear(&[&stream]).as_ref(), Ok(&expected), "in one piece");
    let bytes: Vec<&[u8]> = stream.chunks(1).collect();
    assert_eq!(hear(&bytes).as_ref(), Ok(&expected), "byte by byte");
    for cut in 0..=stream.len() {
        let (front, back) = stream.split_at(cut);
        assert_eq!(hear(&[front, back]).as_ref(), Ok(&expected), "cut at {cut}");
    }
}

#[test]
fn whoever_has_heard_enough_leaves_the_rest() {
    let (mut stream, expected) = script();
    let mut parser = Parser::new(MESSAGE_BYTES_MAX);
    let mut heard = Vec::new();
    parser
        .feed(&mut stream, |message| {
            heard.push(Heard::from(message));
            ControlFlow::Break(())
        })
        .unwrap();
    assert_eq!(heard, expected[..1]);
    let rest = parser.into_rest();
    assert_eq!(hear(&[&rest]).as_deref(), Ok(&expected[1..]));
}

#[test]
fn breaches_are_named() {
    let text = |payload: &[u8]| frame(true, OpCode::Text, payload);
    let mut unmasked = text(b"{}");
    unmasked[1] &= 0x7f;
    let first_byte = |byte: u8| {
        let mut bytes = text(b"{}");
        bytes[0] = byte;
        bytes
    };
    let claims = |length: u64| [&[0x81, 0xff][..], &length.to_be_bytes()].concat();
    let close = |payload: &[u8]| frame(true, OpCode::Close, payload);
    for (bytes, violation) in [
        (unmasked, Violation::Unmasked),
        (first_byte(0xc1), Violation::Reserved),
        (first_byte(0x91), Violation::Reserved),
        (first_byte(0x83), Violation::Reserved),
        (first_byte(0x8b), Violation::Reserved),
        (first_byte(0x09), Violation::Control),
        (frame(true, OpCode::Ping, &[0; 126]), Violation::Control),
        (first_byte(0x80), Violation::Fragments),
        (
            [frame(false, OpCode::Text, b"a"), text(b"b")].concat(),
            Violation::Fragments,
        ),
        (close(&[3]), Violation::Close),
        (close(&999_u16.to_be_bytes()), Violation::Close),
        (close(&1005_u16.to_be_bytes()), Violation::Close),
        (close(&2999_u16.to_be_bytes()), Violation::Close),
        (close(&5000_u16.to_be_bytes()), Violation::Close),
        (close(&[3, 0xe8, 0xff]), Violation::Utf8),
        (text(b"\xc3"), Violation::Utf8),
        (
            [
                frame(false, OpCode::Text, b"a"),
                frame(true, OpCode::Continuation, b"\xc3"),
            ]
            .concat(),
            Violation::Utf8,
        ),
        // Judged by the header, before any of it came.
        (claims(MESSAGE_BYTES_MAX as u64 + 1), Violation::TooBig),
        (claims(u64::MAX), Violation::TooBig),
        (
            [
                frame(false, OpCode::Text, &[b'a'; MESSAGE_BYTES_MAX]),
                frame(true, OpCode::Continuation, b"a"),
            ]
            .concat(),
            Violation::TooBig,
        ),
    ] {
        assert_eq!(hear(&[&bytes]), Err(violation), "{:x?}", &bytes[..2]);
    }
}

#[test]
fn the_largest_message_passes_whole_and_in_fragments() {
    let largest = vec![b'a'; MESSAGE_BYTES_MAX];
    let expected = Ok(vec![Heard::Text("a".repeat(MESSAGE_BYTES_MAX))]);
    assert_eq!(hear(&[&frame(true, OpCode::Text, &largest)]), expected);
    let (front, back) = largest.split_at(50_000);
    let fragments = [
        frame(false, OpCode::Text, front),
        frame(true, OpCode::Continuation, back),
    ];
    assert_eq!(hear(&[&fragments.concat()]), expected);
}

proptest! {
    /// fastwebsockets' writer is the reference: what it makes, in any pieces, is heard as it was said.
    #[test]
    fn what_another_library_writes_is_heard(
        messages in prop::collection::vec(("[a-zé😀]{0,300}", 1_usize..4, any::<bool>()), 1..8),
        cuts in prop::collection::vec(any::<prop::sample::Index>(), 0..12),
    ) {
        let mut stream = Vec::new();
        let mut expected = Vec::new();
        for (text, fragments, ping) in &messages {
            let size = text.len().div_ceil(*fragments).max(1);
            let mut pieces: Vec<&[u8]> = text.as_bytes().chunks(size).collect();
            if pieces.is_empty() {
                pieces.push(b"");
            }
            for (number, piece) in pieces.iter().enumerate() {
                if *ping {
                    stream.extend(frame(true, OpCode::Ping, b"?"));
                    expected.push(Heard::Ping(b"?".to_vec()));
                }
                let opcode = if number == 0 { OpCode::Text } else { OpCode::Continuation };
                stream.extend(frame(number + 1 == pieces.len(), opcode, piece));
            }
            expected.push(Heard::Text(text.clone()));
        }
        let mut cuts: Vec<usize> = cuts.iter().map(|cut| cut.index(stream.len() + 1)).collect();
        cuts.sort_unstable();
        let mut pieces = Vec::new();
        let mut from = 0;
        for cut in cuts.into_iter().chain([stream.len()]) {
            pieces.push(&stream[from..cut]);
            from = cut;
        }
        prop_assert_eq!(hear(&pieces), Ok(expected));
    }

    /// Whatever comes, the parser neither panics nor keeps more than a message.
    #[test]
    fn garbage_is_survived(bytes in prop::collection::vec(any::<u8>(), 0..4000), cut in any::<prop::sample::Index>()) {
        let mut parser = Parser::new(1000);
        let (front, back) = bytes.split_at(cut.index(bytes.len() + 1));
        for piece in [front, back] {
            let fed = parser.feed(&mut piece.to_vec(), |_| ControlFlow::Continue(()));
            if fed.is_err() {
                return Ok(());
            }
        }
        prop_assert!(parser.into_rest().len() <= 1000 + 14);
    }
}

#[test]
fn the_offer_of_subprotocols_is_read_whole() {
    for (offers, expected) in [
        (vec![], Protocol::Unnamed),
        (vec!["chat, superchat"], Protocol::Unnamed),
        (vec!["hubbub.v1"], Protocol::Native),
        (vec!["hubbub.v2 ,hubbub.v1"], Protocol::Native),
        (vec!["hubbub.v2", "hubbub.v1"], Protocol::Native),
        (vec!["hubbub.v2, chat"], Protocol::Unsupported),
    ] {
        let mut request = Request::new(());
        for offer in &offers {
            let value = header::HeaderValue::from_static(offer);
            request
                .headers_mut()
                .append(header::SEC_WEBSOCKET_PROTOCOL, value);
        }
        assert_eq!(protocol(&request), expected, "{offers:?}");
    }
}
