//! Events of comments.

use shared::wire::{Channel, Class};

use super::queries::CommentView;
use crate::app::{
    db::{NoticeSpec, Tx},
    error::Error,
    event_type::EventType,
};

pub(super) const NEW_COMMENT: EventType = EventType::notice::<CommentView>(
    "new_comment",
    "A comment under a post, live in the post's room.",
);

/// A comment appears in the post's live room. It is not in the log: who opens the post reads the comments anyway.
pub(super) fn new_comment(tx: &mut Tx, comment: &CommentView) -> Result<(), Error> {
    // Each comment is a key of its own, so that none replaces another one that waits in the same queue.
    let key = format!("comment:{}", comment.id);
    tx.notice(&NoticeSpec {
        channel: Channel::Post(comment.post_id),
        kind: NEW_COMMENT,
        class: Class::State,
        key: Some(&key),
        from: Some(comment.author.id),
        to: None,
        group: None,
        data: comment,
    })
}
