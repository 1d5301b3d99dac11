use fastwebsockets::OpCode;
use flate2::{Compress, Compression, FlushCompress};
use proptest::prelude::*;
use rand::{RngExt, SeedableRng, rngs::StdRng};

use super::{Heard, LIMITS, MESSAGE_BYTES_MAX, frame, hear, hear_within};
use crate::{
    codec::{self, Deflater, Window},
    transport::ws::{Limits, Violation},
};

const RSV1: u8 = 0x40;

fn hear_compressed(stream: &[u8]) -> Result<Vec<Heard>, Violation> {
    let limits = Limits {
        compressed: true,
        ..LIMITS
    };
    // Byte by byte, unless it is long.
    let bytes: Vec<&[u8]> = stream.chunks(1 + stream.len() / 1000).collect();
    let heard = hear_within(limits, &[stream]);
    assert_eq!(hear_within(limits, &bytes), heard, "cut, and in one piece");
    heard
}

/// A raw deflate stream, ended by this flush.
fn deflate(bytes: &[u8], flush: FlushCompress) -> Vec<u8> {
    let mut compressed = Vec::with_capacity(bytes.len() + 1000);
    Compress::new(Compression::best(), false)
        .compress_vec(bytes, &mut compressed, flush)
        .unwrap();
    compressed
}

/// A message's payload (RFC 7692 §7.2.1).
fn payload(bytes: &[u8]) -> Vec<u8> {
    let compressed = deflate(bytes, FlushCompress::Sync);
    compressed
        .strip_suffix(&[0, 0, 0xff, 0xff])
        .unwrap()
        .to_vec()
}

fn first(mut frame: Vec<u8>) -> Vec<u8> {
    frame[0] |= RSV1;
    frame
}

#[test]
fn compressed_messages_are_heard_whole_and_in_fragments() {
    let long = "long enough to be worth it, ".repeat(100);
    let compressed = payload(long.as_bytes());
    let (front, back) = compressed.split_at(compressed.len() / 2);
    let stream = [
        first(frame(true, OpCode::Text, &compressed)),
        first(frame(false, OpCode::Text, front)),
        frame(true, OpCode::Ping, b"between"),
        frame(false, OpCode::Continuation, b""),
        frame(true, OpCode::Continuation, back),
        frame(true, OpCode::Text, b"plain"),
        first(frame(true, OpCode::Binary, &payload(&[0xff; 1000]))),
        // §7.2.3.6: an empty message.
        first(frame(true, OpCode::Text, &[0])),
        // §7.2.3.2: what was said before is not referred to, so the same bytes mean the same again.
        first(frame(true, OpCode::Text, &compressed)),
    ];
    let expected = vec![
        Heard::Text(long.clone()),
        Heard::Ping(b"between".to_vec()),
        Heard::Text(long.clone()),
        Heard::Text("plain".into()),
        Heard::Binary(vec![0xff; 1000]),
        Heard::Text(String::new()),
        Heard::Text(long),
    ];
    assert_eq!(hear_compressed(&stream.concat()), Ok(expected));
}

/// The worked examples of RFC 7692 §7.2.3, all of them "Hello".
#[test]
fn every_kind_of_block_is_understood() {
    for payload in [
        &[0xf2, 0x48, 0xcd, 0xc9, 0xc9, 0x07, 0x00][..],
        &[
            0x00, 0x05, 0x00, 0xfa, 0xff, 0x48, 0x65, 0x6c, 0x6c, 0x6f, 0x00,
        ],
        &[0xf3, 0x48, 0xcd, 0xc9, 0xc9, 0x07, 0x00, 0x00],
        &[
            0xf2, 0x48, 0x05, 0x00, 0x00, 0x00, 0xff, 0xff, 0xca, 0xc9, 0xc9, 0x07, 0x00,
        ],
    ] {
        let heard = hear_compressed(&first(frame(true, OpCode::Text, payload)));
        assert_eq!(heard, Ok(vec![Heard::Text("Hello".into())]), "{payload:x?}");
    }
}

#[test]
fn the_bit_is_taken_only_where_it_belongs() {
    let hello = payload(b"Hello");
    let text = || first(frame(true, OpCode::Text, &hello));
    assert_eq!(hear(&[&text()]), Err(Violation::Reserved), "not agreed");
    let begun = || first(frame(false, OpCode::Text, &hello));
    let other_bit = |bit: u8| {
        let mut frame = text();
        frame[0] |= bit;
        frame
    };
    for (bytes, violation) in [
        (
            [begun(), first(frame(true, OpCode::Continuation, b""))].concat(),
            Violation::Reserved,
        ),
        (first(frame(true, OpCode::Ping, b"")), Violation::Reserved),
        (first(frame(true, OpCode::Pong, b"")), Violation::Reserved),
        (first(frame(true, OpCode::Close, b"")), Violation::Reserved),
        (other_bit(0x20), Violation::Reserved),
        (other_bit(0x10), Violation::Reserved),
        ([begun(), text()].concat(), Violation::Fragments),
        (
            first(frame(true, OpCode::Text, &payload(b"\xff"))),
            Violation::Utf8,
        ),
        (
            first(frame(true, OpCode::Text, &[0xff; 20])),
            Violation::Deflate,
        ),
        // Refers to what was never said.
        (
            first(frame(true, OpCode::Text, &[0x02, 0x13, 0x00, 0x00])),
            Violation::Deflate,
        ),
    ] {
        assert_eq!(hear_compressed(&bytes), Err(violation), "{bytes:x?}");
    }
}

#[test]
fn the_limit_is_that_of_what_comes_out() {
    let text = |bytes: usize| first(frame(true, OpCode::Text, &payload(&vec![b'a'; bytes])));
    let largest = Heard::Text("a".repeat(MESSAGE_BYTES_MAX));
    assert_eq!(hear_compressed(&text(MESSAGE_BYTES_MAX)), Ok(vec![largest]));
    let too_big = Err(Violation::TooBig);
    assert_eq!(hear_compressed(&text(MESSAGE_BYTES_MAX + 1)), too_big);
    // A bomb: within the limit on the wire, sixty times that when inflated.
    assert_eq!(hear_compressed(&text(4_000_000)), too_big);
    // What does not compress may be a little longer on the wire than it is, but not much.
    let noise: Vec<u8> = (0..MESSAGE_BYTES_MAX)
        .map(|n| u8::try_from(n * n % 251).unwrap())
        .collect();
    let mut stored = Vec::new();
    for block in noise.chunks(10_000) {
        let length = u16::try_from(block.len()).unwrap();
        stored.push(0);
        stored.extend(length.to_le_bytes());
        stored.extend((!length).to_le_bytes());
        stored.extend(block);
    }
    stored.push(0);
    assert!(stored.len() > MESSAGE_BYTES_MAX);
    let heard = hear_compressed(&first(frame(true, OpCode::Binary, &stored)));
    assert_eq!(heard, Ok(vec![Heard::Binary(noise)]));
    let long = vec![0; MESSAGE_BYTES_MAX * 2];
    assert_eq!(
        hear_compressed(&first(frame(true, OpCode::Binary, &long))),
        too_big
    );
}

/// Masks a server's frame, so that it can be heard as a client's.
fn turned(server: &codec::Frame) -> Vec<u8> {
    let bytes = server.bytes();
    let header = match bytes[1] {
        126 => 4,
        127 => 10,
        _ => 2,
    };
    let mut frame = frame(true, OpCode::Text, &bytes[header..]);
    frame[0] = bytes[0];
    frame
}

/// What does not compress, often, with one compressor: zlib-rs panicked some messages later when it was given no room.
#[test]
fn a_compressor_survives_what_does_not_compress() {
    let mut deflater = Deflater::new(0);
    let mut random = StdRng::seed_from_u64(7);
    for round in 0..2000 {
        let mut bytes = vec![0; [64, 256, 1024, 4096][round % 4]];
        random.fill(&mut bytes[..]);
        let plain = codec::Frame::binary(&bytes);
        let sent = deflater.frame_for(Some(Window::WHOLE), &plain);
        assert!(sent.bytes().len() <= plain.bytes().len());
    }
}

proptest! {
    #[test]
    fn what_is_deflated_is_inflated(text in "[a-e{}\":é😀]{0,3000}", bits in 8_u8..=15) {
        let mut deflater = Deflater::new(0);
        let plain = codec::Frame::text(text.as_bytes());
        for _ in 0..2 {
            let sent = deflater.frame_for(Window::new(bits), &plain);
            prop_assert!(sent.bytes().len() <= plain.bytes().len());
            prop_assert_eq!(hear_compressed(&turned(&sent)), Ok(vec![Heard::Text(text.clone())]));
        }
    }

    #[test]
    fn what_was_not_deflated_is_survived(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
        // Refused or not, but the same however it is cut.
        hear_compressed(&first(frame(true, OpCode::Binary, &bytes))).ok();
    }
}
