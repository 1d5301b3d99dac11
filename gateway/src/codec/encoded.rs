//! An event on its way through a node.

use std::sync::{Arc, OnceLock};

use serde::{Deserialize, de::DeserializeOwned};
use shared::{
    connections::{Disconnect, Name, Replaced},
    ids::{GroupId, PostId, SessionId, UserId},
    membership::MembershipChanged,
    wire::{Channel, Event, kind},
};

use super::{Deflater, Frame, Window, native, socketio::Told};
use crate::delivering::Delivering;

/// What a gateway itself does about a control event.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Control {
    /// Close this session's connections.
    SessionRevoked(SessionId),
    /// Close this connection.
    ConnectionReplaced(Name),
    /// Close this connection, or all of the person's: an operator wants it.
    Disconnect(Option<Name>),
    /// Hear a group's channel, or hear it no more.
    MembershipChanged(MembershipChanged),
    /// Nobody hears this group's channel any more.
    GroupDeleted(GroupId),
    /// What the channel's owner may see or do is not what it was.
    AccessChanged,
    /// This account shows less than before.
    AccountChanged(UserId),
    /// There is no such post any more.
    PostDeleted(PostId),
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
    /// Of what is said in a post's room: not everybody there may hear of everybody.
    pub(crate) author: Option<UserId>,
    /// Where it is recorded how it gets to sockets.
    pub(crate) delivering: Option<Arc<Delivering>>,
    native: OnceLock<Frame>,
    /// `None` inside: compressing it is not worth it.
    native_deflated: OnceLock<Option<Frame>>,
    socketio: OnceLock<Told>,
}

impl Encoded {
    /// Checks the outline of the body; the JSON inside is taken on trust, for it comes from our own `api`.
    pub(crate) fn new(event: Arc<Event>) -> Result<Self, InvalidBody> {
        if !(event.body.starts_with(b"{") && event.body.ends_with(b"}")) {
            return Err(InvalidBody);
        }
        let control = match &*event.kind {
            _ if !event.control => None,
            kind::SESSION_REVOKED => {
                let Revoked { session_id } = data(&event)?;
                Some(Control::SessionRevoked(session_id))
            }
            kind::CONNECTION_REPLACED => {
                let Replaced { connection_id } = data(&event)?;
                Some(Control::ConnectionReplaced(connection_id))
            }
            kind::DISCONNECT => {
                let Disconnect { connection_id } = data(&event)?;
                Some(Control::Disconnect(connection_id))
            }
            kind::MEMBERSHIP_CHANGED => Some(Control::MembershipChanged(data(&event)?)),
            kind::GROUP_DELETED => {
                let Deleted { group_id } = data(&event)?;
                Some(Control::GroupDeleted(group_id))
            }
            kind::ACCESS_CHANGED => Some(Control::AccessChanged),
            kind::ACCOUNT_CHANGED => {
                let OfAccount { user_id } = data(&event)?;
                Some(Control::AccountChanged(user_id))
            }
            kind::POST_DELETED => {
                let OfPost { post_id } = data(&event)?;
                Some(Control::PostDeleted(post_id))
            }
            _ => None,
        };
        let author = match event.channel {
            Channel::Post(_) => author(&event)?,
            _ => None,
        };
        Ok(Self {
            author,
            event,
            control,
            delivering: None,
            native: OnceLock::new(),
            native_deflated: OnceLock::new(),
            socketio: OnceLock::new(),
        })
    }

    /// The frame of the native protocol.
    pub(crate) fn native(&self) -> &Frame {
        self.native.get_or_init(|| native::event(&self.event))
    }

    /// The frame of the native protocol, for a connection that has this window if it takes compressed frames at all.
    pub(crate) fn native_for(&self, window: Option<Window>, deflater: &mut Deflater) -> &Frame {
        let native = self.native();
        match window {
            Some(window) if window.suffices(native) => {
                let deflated = &self.native_deflated;
                let deflated = deflated.get_or_init(|| deflater.deflate(native));
                deflated.as_ref().unwrap_or(native)
            }
            _ => native,
        }
    }

    /// What clients of Socket.IO are told.
    pub(crate) fn socketio(&self) -> &Told {
        self.socketio.get_or_init(|| Told::of(&self.event))
    }

    /// The same in memory of its own, for a core that gives it to many: a count of references that several cores change in turn
    /// costs more than a copy of the bytes.
    pub(crate) fn apart(&self) -> Self {
        let deflated = self.native_deflated.get();
        let deflated = deflated.map(|frame| frame.as_ref().map(Frame::apart));
        Self {
            event: Arc::new((*self.event).clone()),
            control: self.control,
            author: self.author,
            delivering: self.delivering.clone(),
            native: self.native().apart().into(),
            native_deflated: deflated.map_or_else(OnceLock::new, OnceLock::from),
            socketio: self
                .socketio
                .get()
                .map(Told::apart)
                .map_or_else(OnceLock::new, OnceLock::from),
        }
    }

    /// The same, whose way to sockets is recorded.
    pub(crate) fn followed_by(&self, delivering: Arc<Delivering>) -> Self {
        Self {
            delivering: Some(delivering),
            ..self.apart()
        }
    }

    /// About what it weighs in a queue, in bytes, whatever the format.
    pub(crate) fn weight(&self) -> usize {
        self.event.body.len()
    }
}

#[derive(Deserialize)]
struct Revoked {
    session_id: SessionId,
}

#[derive(Deserialize)]
struct Deleted {
    group_id: GroupId,
}

#[derive(Deserialize)]
struct OfAccount {
    user_id: UserId,
}

#[derive(Deserialize)]
struct OfPost {
    post_id: PostId,
}

fn author(event: &Event) -> Result<Option<UserId>, InvalidBody> {
    #[derive(Deserialize)]
    struct Body {
        from_user_id: Option<UserId>,
    }
    let body: Body = serde_json::from_slice(&event.body).map_err(|_| InvalidBody)?;
    Ok(body.from_user_id)
}

fn data<T: DeserializeOwned>(event: &Event) -> Result<T, InvalidBody> {
    #[derive(Deserialize)]
    struct Body<T> {
        data: T,
    }
    let body: Body<T> = serde_json::from_slice(&event.body).map_err(|_| InvalidBody)?;
    Ok(body.data)
}
