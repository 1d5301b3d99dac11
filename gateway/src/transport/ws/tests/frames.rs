use std::ops::ControlFlow;

use fastwebsockets::OpCode;
use proptest::prelude::*;

use super::{Heard, LIMITS, MESSAGE_BYTES_MAX, frame, hear};
use crate::transport::ws::{Inflater, Parser, Violation};

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
    let mut parser = Parser::new(LIMITS);
    let mut heard = Vec::new();
    parser
        .feed(&mut stream, &mut Inflater::default(), |message| {
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
                frame(false, OpCode::Text, &vec![b'a'; MESSAGE_BYTES_MAX]),
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
}

#[test]
fn bad_text_is_refused_before_it_is_complete() {
    // What must not follow, and how many bytes of it have come when it is clear.
    for (text, clear_at) in [
        (&b"abc\xffdef"[..], 4),
        (b"\xc0\x80", 1),
        (b"\xed\xa0\x80 surrogate", 2),
        (b"\xf4\x90\x80\x80 beyond the last character", 2),
        (b"\xce\xba\xe1x", 4),
        (b"\xf0\x9f\x98\xc3", 4),
    ] {
        let whole = frame(true, OpCode::Text, text);
        let fragment = frame(false, OpCode::Text, text);
        for bytes in [whole, fragment] {
            let header = bytes.len() - text.len();
            let pieces: Vec<&[u8]> = bytes.chunks(1).collect();
            for come in 0..=text.len() {
                let mut parser = Parser::new(LIMITS);
                let fed = pieces[..header + come].iter().try_for_each(|piece| {
                    parser.feed(&mut piece.to_vec(), &mut Inflater::default(), |_| {
                        ControlFlow::Continue(())
                    })
                });
                let expected = if come < clear_at {
                    Ok(())
                } else {
                    Err(Violation::Utf8)
                };
                assert_eq!(fed, expected, "{text:x?} after {come}");
                if fed.is_err() {
                    break;
                }
            }
        }
    }
}

#[test]
fn a_character_may_be_cut_between_frames_and_within_them() {
    for text in ["κόσμε", "😀", "\u{7ff}\u{800}\u{ffff}\u{10000}\u{10ffff}"] {
        for cut in 0..=text.len() {
            let (front, back) = text.as_bytes().split_at(cut);
            let stream = [
                frame(false, OpCode::Text, front),
                frame(true, OpCode::Continuation, back),
            ]
            .concat();
            let pieces: Vec<&[u8]> = stream.chunks(1).collect();
            assert_eq!(hear(&pieces), Ok(vec![Heard::Text(text.into())]), "{cut}");
        }
    }
}

#[test]
fn every_close_code_that_may_be_sent_is_taken_and_no_other() {
    for code in 0..=u16::MAX {
        let may_be_sent = matches!(code, 1000..=1003 | 1007..=1014 | 3000..=4999);
        let heard = hear(&[&frame(true, OpCode::Close, &code.to_be_bytes())]);
        let expected = if may_be_sent {
            Ok(vec![Heard::Close(Some(code))])
        } else {
            Err(Violation::Close)
        };
        assert_eq!(heard, expected, "{code}");
    }
}
