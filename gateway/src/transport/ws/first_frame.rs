//! A WebSocket before anybody knows whose it is: one text is read from it, or it is refused.

use std::{io, ops::ControlFlow};

use shared::wire::CloseReason;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

use super::{Inflater, Limits, Message, Parser, Violation};
use crate::{codec::Frame, transport::last_words};

/// The first text, and the bytes that came after it.
#[derive(Debug)]
pub(crate) struct FirstFrame {
    pub(crate) text: String,
    pub(crate) rest: Vec<u8>,
}

/// Why there is none.
#[derive(Debug, thiserror::Error)]
pub(crate) enum NoFirstFrame {
    #[error("the client left")]
    Gone,
    #[error("the first frame is not text")]
    Binary,
    #[error(transparent)]
    Violation(#[from] Violation),
    #[error(transparent)]
    Io(#[from] io::Error),
}

impl NoFirstFrame {
    /// What to close with, if anybody is there to hear it.
    pub(crate) fn close_reason(&self) -> Option<CloseReason> {
        match self {
            Self::Gone | Self::Io(_) => None,
            Self::Binary => Some(CloseReason::BinaryNotAccepted),
            Self::Violation(violation) => Some(violation.close_reason()),
        }
    }
}

const READ_BYTES: usize = 4096;

enum Heard {
    Text(String),
    Binary,
    Ping(Vec<u8>),
    Close(Option<u16>),
}

/// Waits for the first text; answers pings meanwhile. Whoever calls it limits the time.
pub(crate) async fn first_text(
    stream: &mut TcpStream,
    mut bytes: Vec<u8>,
    limits: Limits,
) -> Result<FirstFrame, NoFirstFrame> {
    let mut parser = Parser::new(limits);
    let mut inflater = Inflater::default();
    loop {
        let mut heard = None;
        parser.feed(&mut bytes, &mut inflater, |message| {
            heard = match message {
                Message::Text(text) => Some(Heard::Text(text.to_owned())),
                Message::Binary(_) => Some(Heard::Binary),
                Message::Ping(payload) => Some(Heard::Ping(payload.to_vec())),
                Message::Close(code) => Some(Heard::Close(code)),
                Message::Pong(_) => return ControlFlow::Continue(()),
            };
            ControlFlow::Break(())
        })?;
        bytes.clear();
        match heard {
            Some(Heard::Text(text)) => {
                let rest = parser.into_rest();
                return Ok(FirstFrame { text, rest });
            }
            Some(Heard::Binary) => return Err(NoFirstFrame::Binary),
            Some(Heard::Ping(payload)) => stream.write_all(Frame::pong(&payload).bytes()).await?,
            Some(Heard::Close(code)) => {
                stream.write_all(Frame::close_echo(code).bytes()).await?;
                return Err(NoFirstFrame::Gone);
            }
            None => {
                bytes.resize(READ_BYTES, 0);
                let count = stream.read(&mut bytes).await?;
                bytes.truncate(count);
                if count == 0 {
                    return Err(NoFirstFrame::Gone);
                }
            }
        }
    }
}

/// Says why, and closes.
pub(crate) async fn refuse(stream: TcpStream, frames: &[Frame]) {
    let frames: Vec<&[u8]> = frames.iter().map(|frame| &frame.bytes()[..]).collect();
    last_words(stream, &frames.concat()).await;
}
