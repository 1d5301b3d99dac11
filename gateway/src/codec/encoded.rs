//! An event on its way through a node.

use std::sync::{Arc, OnceLock};

use serde::Deserialize;
use shared::{
    ids::SessionId,
    wire::{Event, kind},
};

use super::{Frame, native};

/// What a gateway itself does about a control event.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Control {
    /// Close this session's connections.
    SessionRevoked(SessionId),
}

/// An event whose body cannot be spliced into a frame, or a control event that does not say what to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the body is not the JSON that the event's header promises")]
pub(crate) struct InvalidBody;

/// An event, and its bytes in each wire format, made when the first connection wants them and shared by all.
#[derive(Debug)]
pub(crate) struct Encoded {
    pub(crate) event: Arc<Event>,
    pub(crate) control: Option<Control>,
    native: OnceLock<Frame>,
}

impl Encoded {
    /// Checks the outline of the body; the JSON inside is taken on trust, for it comes from our own `api`.
    pub(crate) fn new(event: Arc<Event>) -> Result<Self, InvalidBody> {
        if !(event.body.starts_with(b"{") && event.body.ends_with(b"}")) {
            return Err(InvalidBody);
        }
        let control = match &*event.kind {
            kind::SESSION_REVOKED if event.control => Some(session_revoked(&event)?),
            _ => None,
        };
        Ok(Self {
            event,
            control,
            native: OnceLock::new(),
        })
    }

    /// The frame of the native protocol.
    pub(crate) fn native(&self) -> &Frame {
        self.native.get_or_init(|| native::event(&self.event))
    }

    /// About what it weighs in a queue, in bytes, whatever the format.
    pub(crate) fn weight(&self) -> usize {
        self.event.body.len()
    }
}

fn session_revoked(event: &Event) -> Result<Control, InvalidBody> {
    #[derive(Deserialize)]
    struct Body {
        data: Data,
    }
    #[derive(Deserialize)]
    struct Data {
        session_id: SessionId,
    }
    let body: Body = serde_json::from_slice(&event.body).map_err(|_| InvalidBody)?;
    Ok(Control::SessionRevoked(body.data.session_id))
}
