//! What goes out as one message is what would have gone out one by one.

use proptest::prelude::*;

use super::*;
use crate::{
    codec::{Deflater, Frame, Window},
    transport::ws::Inflater,
};

/// Compressed where that is worth it and agreed.
fn frames(texts: &[String], window: Option<Window>) -> Vec<Bytes> {
    let mut deflater = Deflater::default();
    let frame = |text: &String| {
        let frame = Frame::text(text.as_bytes());
        deflater.frame_for(window, &frame).bytes().clone()
    };
    texts.iter().map(frame).collect()
}

/// The message that these make, as it is sent.
fn joined(frames: &[Bytes]) -> Vec<u8> {
    let mut frames = frames.to_vec();
    let mut all: Vec<&mut Bytes> = frames.iter_mut().collect();
    let leads = join(&mut all);
    assert_eq!(leads.len(), frames.len());
    let parts = leads.iter().zip(&frames);
    let parts = parts.flat_map(|(lead, frame)| [&lead[..], &frame[..]]);
    parts.collect::<Vec<_>>().concat()
}

/// The text of a message, as a client reads it.
fn read(message: &[u8]) -> String {
    let compressed = is_compressed(message);
    let payload = &message[frame::header_length(message)..];
    let length = message.len() - payload.len();
    let header = frame::header(message[0], payload.len());
    assert_eq!(
        &header[..],
        &message[..length],
        "the header tells the length"
    );
    let mut inflater = Inflater::default();
    let text = if compressed {
        inflater.inflate(payload, usize::MAX >> 1).unwrap().to_vec()
    } else {
        payload.to_vec()
    };
    String::from_utf8(text).unwrap()
}

fn object(bytes: usize) -> String {
    format!("{{\"of\":\"{}\"}}", "hubbub ".repeat(bytes / 7))
}

#[test]
fn what_is_compressed_stays_so_beside_what_is_not() {
    let (short, long) = (object(20), object(2000));
    for (what, sizes, compressed) in [
        ("plain", vec![&short, &short], false),
        ("both compressed", vec![&long, &long], true),
        ("compressed first", vec![&long, &short], true),
        ("compressed last", vec![&short, &long], true),
        (
            "all in turn",
            vec![&short, &long, &short, &short, &long, &long, &short],
            true,
        ),
    ] {
        let texts: Vec<String> = sizes.into_iter().cloned().collect();
        let message = joined(&frames(&texts, Some(Window::WHOLE)));
        assert_eq!(is_compressed(&message), compressed, "{what}");
        assert_eq!(read(&message), texts.join("\n"), "{what}");
        let plain = joined(&frames(&texts, None));
        assert!(!is_compressed(&plain), "{what}");
        assert_eq!(read(&plain), texts.join("\n"), "{what}");
    }
}

#[test]
fn a_message_is_bounded_and_one_alone_stays_as_it_is() {
    let short = Frame::text(b"{}").bytes().clone();
    let large = Frame::text(object(BYTES_MAX / 2).as_bytes())
        .bytes()
        .clone();
    let huge = Frame::text(object(2 * BYTES_MAX).as_bytes())
        .bytes()
        .clone();
    let ping = Frame::ping(0).bytes().clone();
    for (what, frames, expected) in [
        ("one", vec![&short], 1),
        (
            "as many as may be",
            vec![&short; OBJECTS_MAX + 1],
            OBJECTS_MAX,
        ),
        ("as long as may be", vec![&short, &large, &large], 2),
        ("too long for company", vec![&huge, &short], 1),
        ("no text", vec![&ping, &short], 1),
        (
            "as far as they are text",
            vec![&short, &short, &ping, &short],
            2,
        ),
    ] {
        assert_eq!(together(frames.into_iter()), expected, "{what}");
    }
    let mut alone = short.clone();
    let leads = join(&mut [&mut alone]);
    assert_eq!((alone, leads.len(), leads[0].len()), (short, 1, 0));
}

proptest! {
    /// Whatever waits: the message is those objects, one on each line, and their bytes are shared.
    #[test]
    fn a_message_says_what_its_frames_said(
        sizes in prop::collection::vec(0..1500usize, 2..OBJECTS_MAX),
        bits in 8..=15u8,
    ) {
        let texts: Vec<String> = sizes.into_iter().map(object).collect();
        let window = Window::new(bits);
        let frames = frames(&texts, window);
        let count = together(frames.iter());
        prop_assume!(count > 1);
        let message = joined(&frames[..count]);
        prop_assert_eq!(read(&message), texts[..count].join("\n"));
    }
}
