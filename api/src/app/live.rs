//! Notes that counts of posts have changed, left by requests of this pod for the job that tells their rooms.

use std::{
    collections::HashSet,
    mem,
    sync::{Mutex, MutexGuard, PoisonError},
};

use shared::ids::PostId;

/// Notes at most. What finds no room is not told live; whoever reads the post reads it all the same.
const NOTES_MAX: usize = 4096;

/// What is counted of a post.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Count {
    /// People who like it.
    Likes,
    /// Comments under it.
    Comments,
    /// People by emoji.
    Reactions,
}

impl Count {
    /// Each of them.
    pub const ALL: [Self; 3] = [Self::Likes, Self::Comments, Self::Reactions];
}

/// The notes.
#[derive(Debug, Default)]
pub struct ChangedCounts(Mutex<HashSet<(Count, PostId)>>);

impl ChangedCounts {
    /// Leaves a note, after the change was committed.
    pub fn note(&self, count: Count, post: PostId) {
        let mut notes = self.lock();
        if notes.len() < NOTES_MAX {
            notes.insert((count, post));
        }
    }

    /// Takes all notes.
    pub fn take(&self) -> HashSet<(Count, PostId)> {
        mem::take(&mut *self.lock())
    }

    fn lock(&self) -> MutexGuard<'_, HashSet<(Count, PostId)>> {
        // Nothing that can panic runs while it is held.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
