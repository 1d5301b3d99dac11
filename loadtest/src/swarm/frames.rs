//! What a server says, as cheaply as it can be taken in: no message is looked at but for the time that it bears.

use std::mem;

use memchr::memmem;

/// Before the sixteen digits of the time (in microseconds) at which a message was meant to leave.
pub(crate) const MARK: &str = r#""micros":""#;
/// The same in every protocol's spelling.
const NAME: &str = "micros";
/// Between the name and the digits, at most.
const MARK_REST_MAX: usize = 8;
const DIGITS: usize = 16;

/// Something that a server said.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Said<'a> {
    /// A text; with the time that it bears, if it bears one.
    Text(Option<u64>),
    /// To be answered with the same.
    Ping(&'a [u8]),
    /// Engine.IO's.
    EnginePing,
    /// With its code and reason.
    Close(&'a [u8]),
}

/// Takes frames out of a stream (RFC 6455, section 5.2). Servers do not mask, and ours do not fragment.
#[derive(Debug, Default)]
pub(super) struct Frames {
    /// The beginning of a frame whose end has not come.
    left: Vec<u8>,
}

impl Frames {
    pub(super) fn feed(&mut self, bytes: &[u8], mut hear: impl FnMut(Said<'_>)) {
        if self.left.is_empty() {
            let taken = take_frames(bytes, &mut hear);
            self.left.extend_from_slice(&bytes[taken..]);
            return;
        }
        let mut left = mem::take(&mut self.left);
        left.extend_from_slice(bytes);
        let taken = take_frames(&left, &mut hear);
        left.drain(..taken);
        self.left = left;
    }
}

/// How many bytes whole frames took.
fn take_frames(bytes: &[u8], hear: &mut impl FnMut(Said<'_>)) -> usize {
    let mut taken = 0;
    while let Some((opcode, payload, length)) = first_frame(&bytes[taken..]) {
        match opcode {
            0x8 => hear(Said::Close(payload)),
            0x9 => hear(Said::Ping(payload)),
            0x1 => each_text(payload, hear),
            _ => {}
        }
        taken += length;
    }
    taken
}

/// A frame may hold several texts, a line each.
fn each_text(payload: &[u8], hear: &mut impl FnMut(Said<'_>)) {
    for text in payload.split(|byte| *byte == b'\n') {
        hear(match text {
            b"2" => Said::EnginePing,
            text => Said::Text(time_in(text)),
        });
    }
}

/// The mark may stand in a text inside the text, where its quotes are escaped.
fn time_in(text: &[u8]) -> Option<u64> {
    let end = memmem::find(text, NAME.as_bytes())? + NAME.len();
    let start = end
        + text[end..]
            .iter()
            .take(MARK_REST_MAX)
            .position(u8::is_ascii_digit)?;
    let digits = text.get(start..start + DIGITS)?;
    std::str::from_utf8(digits).ok()?.parse().ok()
}

fn first_frame(bytes: &[u8]) -> Option<(u8, &[u8], usize)> {
    let (&first, &second) = (bytes.first()?, bytes.get(1)?);
    let (start, length) = match second & 0x7f {
        126 => {
            let length = bytes.get(2..4)?.try_into().expect("two bytes");
            (4, usize::from(u16::from_be_bytes(length)))
        }
        127 => {
            let length = bytes.get(2..10)?.try_into().expect("eight bytes");
            (10, usize::try_from(u64::from_be_bytes(length)).ok()?)
        }
        length => (2, usize::from(length)),
    };
    let payload = bytes.get(start..start + length)?;
    Some((first & 0x0f, payload, start + length))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A text of 200 bytes, a ping, Engine.IO's, a close.
    fn stream() -> Vec<u8> {
        let text = format!(
            r#"{{{MARK}0000000000001234","fill":"{}"}}"#,
            "x".repeat(160)
        );
        let length = u16::try_from(text.len()).unwrap();
        let mut stream = vec![0x81, 126];
        stream.extend(length.to_be_bytes());
        stream.extend(text.bytes());
        stream.extend([0x89, 2, b'h', b'i', 0x81, 1, b'2', 0x88, 0]);
        stream
    }

    #[test]
    fn frames_are_found_however_the_stream_is_cut() {
        let stream = stream();
        for cut in 0..=stream.len() {
            let mut frames = Frames::default();
            let mut heard = Vec::new();
            for part in [&stream[..cut], &stream[cut..]] {
                frames.feed(part, |said| {
                    heard.push(match said {
                        Said::Text(time) => format!("{time:?}"),
                        Said::Ping(payload) => format!("ping {}", payload.len()),
                        Said::EnginePing => "2".to_owned(),
                        Said::Close(_) => "close".to_owned(),
                    });
                });
            }
            assert_eq!(
                heard,
                ["Some(1234)", "ping 2", "2", "close"],
                "cut at {cut}"
            );
        }
    }
}
