//! One room of a post: who comes in, who stays, why somebody is put out.

use std::sync::Arc;

use serde_json::value::RawValue;
use shared::{
    ids::{GroupId, PostId, UserId},
    wire::Command,
};

use super::{Effect, Path};
use crate::codec::Encoded;

/// Events held for a room; past that it is left.
pub(super) const HELD_MAX: usize = 64;

/// Why a connection is not in a room any more.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum LeftBecause {
    /// The post was deleted.
    Deleted,
    /// It may not be seen any more.
    NoAccess,
    /// Whether it may be seen could not be found out.
    Unavailable,
}

impl LeftBecause {
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Deleted => "deleted",
            Self::NoAccess => "no_access",
            Self::Unavailable => "unavailable",
        }
    }
}

/// Whose comments somebody does not see, sorted; unknown where they are too many: then comments are not told live.
#[derive(Debug, Clone, Default)]
pub(crate) struct Hidden(Option<Box<[UserId]>>);

impl Hidden {
    /// From what `api` lists.
    pub(crate) fn new(people: Option<Vec<UserId>>) -> Self {
        Self(people.map(|mut people| {
            people.sort_unstable();
            people.into()
        }))
    }

    fn hides(&self, author: Option<UserId>) -> bool {
        let Some(author) = author else {
            return false;
        };
        match &self.0 {
            Some(people) => people.binary_search(&author).is_ok(),
            None => true,
        }
    }
}

/// What `api` says of a room to somebody who may come in.
#[derive(Debug)]
pub(crate) struct Entrance {
    pub(crate) author: UserId,
    pub(crate) group: Option<GroupId>,
    pub(crate) hidden: Hidden,
    /// The acknowledgement's data.
    pub(crate) counts: Box<RawValue>,
}

/// What `api` says of rooms that somebody is in.
#[derive(Debug)]
pub(crate) struct RoomsSeen {
    /// Those that may be seen.
    pub(crate) posts: Vec<PostId>,
    pub(crate) hidden: Hidden,
}

/// Nobody could be asked in time.
#[derive(Debug, Clone, Copy)]
pub(crate) struct RoomsUnknown;

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Doubt {
    /// Something may have been missed.
    Vague,
    /// Something was taken.
    Named,
}

#[derive(Debug)]
pub(super) struct PostRoom {
    pub(super) post: PostId,
    pub(super) author: UserId,
    pub(super) group: Option<GroupId>,
    pub(super) doubt: Option<Doubt>,
    pub(super) held: Vec<Arc<Encoded>>,
}

/// The room that is being entered: one at a time, as commands are done one at a time.
#[derive(Debug)]
pub(super) struct Entering {
    pub(super) post: PostId,
    /// Until the channel is heard.
    pub(super) command: Option<Command>,
    /// It asks anew for a room that it is in.
    pub(super) is_inside: bool,
    pub(super) held: Vec<Arc<Encoded>>,
    /// The answer that is under way may be older than what has happened since.
    pub(super) in_doubt: bool,
    /// The post was deleted since.
    pub(super) is_gone: bool,
}

impl Entering {
    pub(super) fn new(post: PostId, command: Command, is_inside: bool) -> Self {
        Self {
            post,
            command: Some(command),
            is_inside,
            held: Vec::new(),
            in_doubt: false,
            is_gone: false,
        }
    }

    /// Whether it can still be entered.
    pub(super) fn is_possible(&self) -> Result<(), LeftBecause> {
        if self.is_gone {
            Err(LeftBecause::Deleted)
        } else if self.held.len() > HELD_MAX {
            Err(LeftBecause::Unavailable)
        } else {
            Ok(())
        }
    }
}

/// Tells the client, unless it is somebody whom it does not hear.
pub(super) fn deliver(encoded: &Arc<Encoded>, hidden: &Hidden, effects: &mut Vec<Effect>) {
    if !hidden.hides(encoded.author) {
        effects.push(Effect::Deliver(Arc::clone(encoded), Path::Live));
    }
}
