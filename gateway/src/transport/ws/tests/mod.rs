//! The parser and the handshake as tables; whole suites run against `examples/websocket_echo.rs`.

mod compressed;
mod extension;
mod frames;
mod subprotocol;

use std::ops::ControlFlow;

use fastwebsockets::{Frame, OpCode, Payload};

use super::{Inflater, Limits, Message, Parser, Violation};

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
            Message::Pong(_) => Self::Pong,
            Message::Close(code) => Self::Close(code),
        }
    }
}

const LIMITS: Limits = Limits {
    message_bytes_max: MESSAGE_BYTES_MAX,
    compressed: false,
};

/// Feeds the pieces one after the other.
fn hear(pieces: &[&[u8]]) -> Result<Vec<Heard>, Violation> {
    hear_within(LIMITS, pieces)
}

fn hear_within(limits: Limits, pieces: &[&[u8]]) -> Result<Vec<Heard>, Violation> {
    let mut parser = Parser::new(limits);
    let mut inflater = Inflater::default();
    let mut heard = Vec::new();
    for piece in pieces {
        parser.feed(&mut piece.to_vec(), &mut inflater, |message| {
            heard.push(message.into());
            ControlFlow::Continue(())
        })?;
    }
    assert_eq!(parser.held(), 0, "an idle parser holds no bytes");
    Ok(heard)
}

/// A client's frame, as fastwebsockets makes it.
fn frame(fin: bool, opcode: OpCode, payload: &[u8]) -> Vec<u8> {
    let mut frame = Frame::new(fin, opcode, None, Payload::Owned(payload.to_vec()));
    frame.mask();
    let mut bytes = Vec::new();
    frame.write(&mut bytes).to_vec()
}
