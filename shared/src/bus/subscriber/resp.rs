//! RESP3, as much as a Pub/Sub connection receives. Messages are slices of what was read, never copies.

use std::ops::Range;

use bytes::{Bytes, BytesMut};

/// The longest string that is believed; records are far shorter.
const STRING_BYTES_MAX: usize = 16 << 20;
/// The most items of one array that are believed.
const ITEMS_MAX: usize = 4096;
/// How deep arrays may nest; the answer to HELLO needs three.
const DEPTH_MAX: usize = 8;
/// The longest line: an error's text.
const LINE_BYTES_MAX: usize = 4096;

/// Something that Redis sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Frame {
    /// Somebody published.
    Message { channel: Bytes, payload: Bytes },
    /// A subscription is in force.
    Subscribed(Bytes),
    /// A subscription has ended.
    Unsubscribed(Bytes),
    /// The answer to a command.
    Reply,
    /// A command was refused.
    Error(Bytes),
}

/// What was received is not RESP3, or larger than anything that Redis has to say to us.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("malformed answer from redis: {0}")]
pub(super) struct Malformed(&'static str);

/// Takes the next whole frame off the buffer; `None` when more bytes are needed.
pub(super) fn next_frame(buffer: &mut BytesMut) -> Result<Option<Frame>, Malformed> {
    let mut scanner = Scanner {
        bytes: buffer,
        at: 0,
    };
    let shape = match scanner.frame() {
        Ok(shape) => shape,
        Err(Stop::Incomplete) => return Ok(None),
        Err(Stop::Malformed(why)) => return Err(Malformed(why)),
    };
    let end = scanner.at;
    let bytes = buffer.split_to(end).freeze();
    Ok(Some(shape.cut(&bytes)))
}

enum Stop {
    Incomplete,
    Malformed(&'static str),
}

/// A frame, as places in the buffer.
enum Shape {
    Push([Option<Range<usize>>; 3]),
    Error(Range<usize>),
    Reply,
}

impl Shape {
    fn cut(self, bytes: &Bytes) -> Frame {
        let slice = |range: Range<usize>| bytes.slice(range);
        match self {
            Self::Error(text) => Frame::Error(slice(text)),
            Self::Push([Some(kind), Some(channel), payload]) => match (&bytes[kind], payload) {
                (b"message" | b"smessage", Some(payload)) => Frame::Message {
                    channel: slice(channel),
                    payload: slice(payload),
                },
                (b"subscribe" | b"ssubscribe", _) => Frame::Subscribed(slice(channel)),
                (b"unsubscribe" | b"sunsubscribe", _) => Frame::Unsubscribed(slice(channel)),
                _ => Frame::Reply,
            },
            Self::Push(_) | Self::Reply => Frame::Reply,
        }
    }
}

struct Scanner<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl Scanner<'_> {
    fn frame(&mut self) -> Result<Shape, Stop> {
        match self.bytes.first() {
            None => Err(Stop::Incomplete),
            Some(b'>') => self.push(),
            Some(b'-' | b'!') => Ok(Shape::Error(self.value(0)?)),
            Some(_) => self.value(0).map(|_| Shape::Reply),
        }
    }

    fn push(&mut self) -> Result<Shape, Stop> {
        let mut items = [None, None, None];
        for index in 0..self.count(ITEMS_MAX)? {
            let is_string = self.bytes.get(self.at) == Some(&b'$');
            let range = self.value(1)?;
            if let Some(item) = items.get_mut(index)
                && is_string
            {
                *item = Some(range);
            }
        }
        Ok(Shape::Push(items))
    }

    /// Skips a value. For strings and lines, where their text is.
    fn value(&mut self, depth: usize) -> Result<Range<usize>, Stop> {
        if depth > DEPTH_MAX {
            return Err(Stop::Malformed("nested too deeply"));
        }
        match self.bytes.get(self.at) {
            None => Err(Stop::Incomplete),
            Some(b'+' | b'-' | b':' | b',' | b'#' | b'_' | b'(') => self.line(),
            Some(b'$' | b'!' | b'=') => self.string(),
            Some(b'*' | b'~' | b'>') => self.items(1, depth),
            Some(b'%' | b'|') => self.items(2, depth),
            Some(_) => Err(Stop::Malformed("unknown type")),
        }
    }

    fn items(&mut self, each: usize, depth: usize) -> Result<Range<usize>, Stop> {
        for _ in 0..self.count(ITEMS_MAX)? * each {
            self.value(depth + 1)?;
        }
        Ok(self.at..self.at)
    }

    fn string(&mut self) -> Result<Range<usize>, Stop> {
        if self.bytes[self.at..].starts_with(b"$-1\r\n") {
            return self.line();
        }
        let length = self.count(STRING_BYTES_MAX)?;
        let text = self.at..self.at + length;
        match self.bytes.get(text.end..text.end + 2) {
            None => Err(Stop::Incomplete),
            Some(b"\r\n") => {
                self.at = text.end + 2;
                Ok(text)
            }
            Some(_) => Err(Stop::Malformed("a string ends elsewhere than it said")),
        }
    }

    /// The number after a type byte.
    fn count(&mut self, max: usize) -> Result<usize, Stop> {
        let line = self.line()?;
        let text = std::str::from_utf8(&self.bytes[line]).ok();
        let count: usize = text
            .and_then(|text| text.parse().ok())
            .ok_or(Stop::Malformed("a length is no number"))?;
        if count > max {
            return Err(Stop::Malformed("too long"));
        }
        Ok(count)
    }

    /// A line without its type byte and its end.
    fn line(&mut self) -> Result<Range<usize>, Stop> {
        let start = self.at + 1;
        let rest = self.bytes.get(start..).unwrap_or_default();
        match rest.iter().take(LINE_BYTES_MAX).position(|b| *b == b'\r') {
            None if rest.len() >= LINE_BYTES_MAX => Err(Stop::Malformed("a line without end")),
            None => Err(Stop::Incomplete),
            Some(length) => match rest.get(length + 1) {
                None => Err(Stop::Incomplete),
                Some(b'\n') => {
                    self.at = start + length + 2;
                    Ok(start..start + length)
                }
                Some(_) => Err(Stop::Malformed("a carriage return within a line")),
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Every frame in the bytes, fed `step` bytes at a time.
    fn frames(bytes: &[u8], step: usize) -> Result<Vec<Frame>, Malformed> {
        let mut buffer = BytesMut::new();
        let mut frames = Vec::new();
        for piece in bytes.chunks(step) {
            buffer.extend_from_slice(piece);
            while let Some(frame) = next_frame(&mut buffer)? {
                frames.push(frame);
            }
        }
        Ok(frames)
    }

    fn bytes(text: &str) -> Bytes {
        Bytes::copy_from_slice(text.as_bytes())
    }

    const TRAFFIC: &str = "%2\r\n+server\r\n$5\r\nredis\r\n$5\r\nproto\r\n:3\r\n\
        >3\r\n$9\r\nsubscribe\r\n$1\r\na\r\n:1\r\n\
        >3\r\n$7\r\nmessage\r\n$1\r\na\r\n$5\r\nx\r\ny\n\r\n\
        -ERR no\r\n_\r\n#t\r\n$-1\r\n*2\r\n:1\r\n*0\r\n\
        >3\r\n$7\r\nmessage\r\n$1\r\nb\r\n$0\r\n\r\n\
        >2\r\n$11\r\ninvalidated\r\n_\r\n\
        >3\r\n$11\r\nunsubscribe\r\n$1\r\na\r\n:0\r\n";

    #[test]
    fn frames_are_found_however_the_bytes_are_cut() {
        let message = |channel, payload| Frame::Message {
            channel: bytes(channel),
            payload: bytes(payload),
        };
        let expected = vec![
            Frame::Reply,
            Frame::Subscribed(bytes("a")),
            message("a", "x\r\ny\n"),
            Frame::Error(bytes("ERR no")),
            Frame::Reply,
            Frame::Reply,
            Frame::Reply,
            Frame::Reply,
            message("b", ""),
            Frame::Reply,
            Frame::Unsubscribed(bytes("a")),
        ];
        for step in 1..=TRAFFIC.len() {
            assert_eq!(
                frames(TRAFFIC.as_bytes(), step),
                Ok(expected.clone()),
                "{step}"
            );
        }
    }

    #[test]
    fn what_is_not_resp_is_refused_and_never_waited_for() {
        let deep = "*1\r\n".repeat(DEPTH_MAX + 2);
        let long = format!("+{}", "x".repeat(LINE_BYTES_MAX));
        for text in [
            "HTTP/1.1 400 Bad Request\r\n",
            "$x\r\n",
            "$99999999\r\n",
            "$-2\r\n",
            "*5000\r\n",
            "+a\rb\r\n",
            "$1\r\nabc\r\n",
            &deep,
            &long,
        ] {
            assert!(frames(text.as_bytes(), 7).is_err(), "{text:?}");
        }
    }

    proptest! {
        #[test]
        fn no_bytes_make_it_panic(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            drop(frames(&bytes, 13));
        }
    }
}
