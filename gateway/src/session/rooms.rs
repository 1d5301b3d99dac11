//! Live rooms of posts that a connection is in, and whether it may still be.
//!
//! A room's channel is joined first and asked about second; what comes meanwhile is held. In a room that is in doubt, one of
//! two things happens. Where something was taken from somebody who might be this one (`Doubt::Named`), what comes is held
//! until `api` has said what is true. Where it only is not known whether anything was missed (`Doubt::Vague`), the room
//! goes on meanwhile. Neither for ever: a room about which nobody can be asked is left.

use std::{mem, sync::Arc};

use shared::{
    ids::{GroupId, PostId},
    wire::Channel,
};

use super::{
    Effect,
    post_room::{
        Doubt, Entering, Entrance, HELD_MAX, Hidden, LeftBecause, PostRoom, RoomsSeen,
        RoomsUnknown, deliver,
    },
};
use crate::codec::{Encoded, native};

/// Rooms that one connection may be in.
pub(super) const ROOMS_MAX: usize = 32;
/// How long events of a room are held, in milliseconds.
const NAMED_PATIENCE_MS: u64 = 5_000;
/// How long a room goes on while nobody can be asked about it, in milliseconds.
const VAGUE_PATIENCE_MS: u64 = 5 * 60_000;
/// A room is asked about so often, whatever was heard or not, in milliseconds.
const CHECK_EVERY_MS: u64 = 60_000;

/// All rooms of a connection.
#[derive(Debug, Default)]
pub(super) struct Rooms {
    inside: Vec<PostRoom>,
    pub(super) entering: Option<Entering>,
    hidden: Hidden,
    now_ms: u64,
    checked_at_ms: u64,
    vague_since_ms: Option<u64>,
}

impl Rooms {
    pub(super) fn is_full(&self) -> bool {
        self.inside.len() >= ROOMS_MAX
    }

    pub(super) fn contains(&self, post: PostId) -> bool {
        self.inside.iter().any(|room| room.post == post)
    }

    /// The room is entered, perhaps anew: what was held follows, unless it is in doubt again.
    pub(super) fn enter(
        &mut self,
        entering: Entering,
        entrance: &Entrance,
        effects: &mut Vec<Effect>,
    ) {
        let Entering {
            post,
            held,
            in_doubt,
            ..
        } = entering;
        self.hidden = entrance.hidden.clone();
        // What was held of a room that it is in already, until it was known whether it may hear it: now that is known.
        let index = self.inside.iter().position(|room| room.post == post);
        let before = index.map(|index| self.inside.remove(index).held);
        self.inside.push(PostRoom {
            post,
            author: entrance.author,
            group: entrance.group,
            doubt: None,
            held: Vec::new(),
        });
        if in_doubt {
            self.doubt(Doubt::Named, |room| room.post == post);
        }
        for encoded in before.into_iter().flatten().chain(held) {
            self.on_event(post, &encoded, effects);
        }
        self.check(effects);
    }

    /// Forgets a room; false if it was not there.
    pub(super) fn remove(&mut self, post: PostId) -> bool {
        let before = self.inside.len();
        self.inside.retain(|room| room.post != post);
        self.inside.len() < before
    }

    /// Something was said in a room.
    pub(super) fn on_event(
        &mut self,
        post: PostId,
        encoded: &Arc<Encoded>,
        effects: &mut Vec<Effect>,
    ) {
        if let Some(entering) = &mut self.entering
            && entering.post == post
            && !entering.is_inside
        {
            if entering.held.len() <= HELD_MAX {
                entering.held.push(Arc::clone(encoded));
            }
            return;
        }
        let Some(room) = self.inside.iter_mut().find(|room| room.post == post) else {
            return;
        };
        if room.doubt != Some(Doubt::Named) {
            deliver(encoded, &self.hidden, effects);
        } else if room.held.len() < HELD_MAX {
            room.held.push(Arc::clone(encoded));
        } else {
            self.leave(post, LeftBecause::Unavailable, effects);
        }
    }

    /// A post was deleted.
    pub(super) fn on_deleted(&mut self, post: PostId, effects: &mut Vec<Effect>) {
        if let Some(entering) = &mut self.entering
            && entering.post == post
        {
            entering.is_gone = true;
        }
        self.leave(post, LeftBecause::Deleted, effects);
    }

    /// It is in a group no more.
    pub(super) fn on_group_left(&mut self, group: GroupId, effects: &mut Vec<Effect>) {
        self.doubt_entering();
        let of_group = self.inside.iter().filter(|room| room.group == Some(group));
        let posts: Vec<PostId> = of_group.map(|room| room.post).collect();
        for post in posts {
            self.leave(post, LeftBecause::NoAccess, effects);
        }
    }

    /// Something was taken, or may have been missed, that concerns these rooms.
    pub(super) fn on_doubt(
        &mut self,
        doubt: Doubt,
        concerns: impl Fn(&PostRoom) -> bool,
        effects: &mut Vec<Effect>,
    ) {
        self.doubt_entering();
        self.doubt(doubt, concerns);
        self.check(effects);
    }

    fn doubt_entering(&mut self) {
        if let Some(entering) = &mut self.entering {
            entering.in_doubt = true;
        }
    }

    fn doubt(&mut self, doubt: Doubt, concerns: impl Fn(&PostRoom) -> bool) {
        for room in self.inside.iter_mut().filter(|room| concerns(room)) {
            room.doubt = room.doubt.max(Some(doubt));
        }
    }

    /// Asks about the rooms in doubt. What was asked before is answered no more.
    fn check(&mut self, effects: &mut Vec<Effect>) {
        let in_doubt = self.inside.iter().filter(|room| room.doubt.is_some());
        let posts: Vec<PostId> = in_doubt.map(|room| room.post).collect();
        if posts.is_empty() {
            self.vague_since_ms = None;
            return;
        }
        let patience_ms = if self.is_named() {
            NAMED_PATIENCE_MS
        } else {
            let since_ms = *self.vague_since_ms.get_or_insert(self.now_ms);
            let past_ms = self.now_ms.saturating_sub(since_ms);
            VAGUE_PATIENCE_MS.saturating_sub(past_ms)
        };
        effects.push(Effect::CheckRooms { posts, patience_ms });
    }

    fn is_named(&self) -> bool {
        let mut rooms = self.inside.iter();
        rooms.any(|room| room.doubt == Some(Doubt::Named))
    }

    /// What was found out about the rooms in doubt.
    pub(super) fn on_checked(
        &mut self,
        outcome: Result<RoomsSeen, RoomsUnknown>,
        effects: &mut Vec<Effect>,
    ) {
        if let Ok(seen) = outcome {
            self.hidden = seen.hidden;
            return self.settle(&seen.posts, effects);
        }
        // What is merely vague may go on for longer.
        let given_up = if self.is_named() {
            Doubt::Named
        } else {
            Doubt::Vague
        };
        self.give_up(given_up, effects);
        self.check(effects);
    }

    fn settle(&mut self, visible: &[PostId], effects: &mut Vec<Effect>) {
        self.vague_since_ms = None;
        let mut lost = Vec::new();
        for room in &mut self.inside {
            if room.doubt.take().is_none() {
                continue;
            }
            let held = mem::take(&mut room.held);
            if visible.contains(&room.post) {
                for encoded in &held {
                    deliver(encoded, &self.hidden, effects);
                }
            } else {
                lost.push(room.post);
            }
        }
        for post in lost {
            self.leave(post, LeftBecause::NoAccess, effects);
        }
    }

    fn give_up(&mut self, doubt: Doubt, effects: &mut Vec<Effect>) {
        let unknown = self.inside.iter().filter(|room| room.doubt == Some(doubt));
        let posts: Vec<PostId> = unknown.map(|room| room.post).collect();
        for post in posts {
            self.leave(post, LeftBecause::Unavailable, effects);
        }
    }

    fn leave(&mut self, post: PostId, why: LeftBecause, effects: &mut Vec<Effect>) {
        if self.remove(post) {
            effects.push(Effect::Leave(Channel::Post(post)));
            effects.push(Effect::Send(native::left_post(post, why)));
        }
    }

    /// Time passed: now and then every room is asked about, in case that word of a change was lost.
    pub(super) fn on_tick(&mut self, now_ms: u64, effects: &mut Vec<Effect>) {
        self.now_ms = now_ms;
        let is_settled = self.inside.iter().all(|room| room.doubt.is_none());
        if is_settled && now_ms.saturating_sub(self.checked_at_ms) >= CHECK_EVERY_MS {
            self.checked_at_ms = now_ms;
            self.doubt(Doubt::Vague, |_| true);
            self.check(effects);
        }
    }
}
