//! What must hold for any bytes that a client may send: one function per parser, which panics when it does not.
//!
//! `tests` runs them over the seeds in `fuzz/seeds` and what becomes of those; `fuzz/` runs the same under cargo-fuzz.

use std::ops::ControlFlow;

use base64::{Engine as _, prelude::BASE64_STANDARD};
use bytes::Bytes;
use shared::wire::{Command, Reference};

use crate::{
    codec::socketio::{Engine, Kind, Packet, Said, packet::ATTACHMENTS_MAX, translate},
    polling::payload::{Packets, SEPARATOR, to_frames},
    session::{CHANNELS_MAX, Resume},
    transport::{
        Cursor,
        ws::{Inflater, Limits, Message, Parser},
    },
};

const MESSAGE_BYTES_MAX: usize = 4096;
/// The longest header with the longest control payload behind it.
const UNREAD_BYTES_MAX: usize = 14 + 125;

/// The frame parser. The first byte says whether compression was agreed, and where the stream is cut: what is heard must
/// not depend on that.
pub fn frames(input: &[u8]) {
    let Some((first, stream)) = input.split_first() else {
        return;
    };
    let limits = Limits {
        message_bytes_max: MESSAGE_BYTES_MAX,
        compressed: first & 1 == 1,
    };
    let whole = hear(limits, &[stream]);
    let (front, back) = stream.split_at(usize::from(first >> 1).min(stream.len()));
    assert_eq!(hear(limits, &[front, back]), whole, "in two pieces");
    let bytes: Vec<&[u8]> = stream.chunks(1).collect();
    let heard = hear(limits, &bytes);
    // A byte at a time it may only be known sooner that a frame is bad.
    let common = heard.len().min(whole.len());
    assert_eq!(heard[..common], whole[..common], "byte by byte");
}

/// Everything that was heard, and the breach at the end if there was one.
fn hear(limits: Limits, pieces: &[&[u8]]) -> Vec<String> {
    let mut parser = Parser::new(limits);
    let mut inflater = Inflater::default();
    let mut heard = Vec::new();
    for piece in pieces {
        let fed = parser.feed(&mut piece.to_vec(), &mut inflater, |message| {
            if let Message::Text(text) = message {
                assert!(text.len() <= MESSAGE_BYTES_MAX);
            }
            heard.push(format!("{message:?}"));
            ControlFlow::Continue(())
        });
        if let Err(violation) = fed {
            heard.push(violation.to_string());
            return heard;
        }
    }
    assert!(parser.into_rest().len() <= UNREAD_BYTES_MAX);
    heard
}

/// The two fields of a command. What is read is kept as it came.
pub fn command(input: &[u8]) {
    let frame = Bytes::copy_from_slice(input);
    if let Ok(command) = Command::parse(frame) {
        assert_eq!(command.payload, input);
        let reference = command.reference.as_ref().map_or("", Reference::as_json);
        assert!(reference.len() <= Reference::BYTES_MAX);
    }
}

/// Positions to resume from. They are few, and their names short.
pub fn resume(input: &[u8]) {
    if let Ok(resume) = Resume::parse(input) {
        assert!(resume.positions.len() + resume.unknown.len() <= CHANNELS_MAX);
        assert!(resume.unknown.iter().all(|name| name.len() <= 64));
    }
}

/// Where a client of events stands. What is read is written in one way only.
pub fn cursor(input: &[u8]) {
    let text = String::from_utf8_lossy(input);
    if let Ok(cursor) = Cursor::decode(&text) {
        let written = cursor.encode();
        assert_eq!(Cursor::decode(&written).as_ref(), Ok(&cursor));
        assert!(cursor.into_positions().len() <= CHANNELS_MAX);
    }
}

/// A text of Engine.IO with a packet of Socket.IO in it. Whatever event is taken becomes a command.
pub fn packet(input: &[u8]) {
    let text = String::from_utf8_lossy(input);
    let Ok(Engine::Message(message)) = Engine::parse(&text) else {
        return;
    };
    let Ok(packet) = Packet::parse(message) else {
        return;
    };
    assert!(packet.attachments <= ATTACHMENTS_MAX);
    assert!(packet.namespace.starts_with('/'));
    let Kind::Event { name, arguments } = packet.kind else {
        return;
    };
    if let Ok(Said::Command(frame)) = translate(&name, arguments, packet.id) {
        let command = Command::parse(frame).expect("what is translated is a command");
        let reference = command.reference.as_ref().map(Reference::as_json);
        let id = packet.id.map(|id| id.to_string());
        assert_eq!(reference, id.as_deref());
    }
}

/// What is posted at once, and what is told at once. Each packet becomes one message of a WebSocket, and back.
pub fn payload(input: &[u8]) {
    let mut told = input.to_vec();
    let packets = Packets::take(&mut told, MESSAGE_BYTES_MAX);
    assert!(told.len() < input.len() || packets.body.is_empty());
    let body = String::from_utf8_lossy(input);
    let Ok(mut frames) = to_frames(&body) else {
        return;
    };
    let limits = Limits {
        message_bytes_max: body.len(),
        compressed: false,
    };
    let mut heard = Vec::new();
    let mut parser = Parser::new(limits);
    let fed = parser.feed(&mut frames, &mut Inflater::default(), |message| {
        heard.push(match message {
            Message::Text(text) => text.to_owned(),
            Message::Binary(bytes) => format!("b{}", BASE64_STANDARD.encode(bytes)),
            other => panic!("{other:?} was not posted"),
        });
        ControlFlow::Continue(())
    });
    assert!(fed.is_ok() && parser.into_rest().is_empty());
    assert_eq!(heard.join(&SEPARATOR.to_string()), body);
}

#[cfg(test)]
mod tests;
