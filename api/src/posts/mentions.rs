//! `@username` in a post, and in a comment under one.

use serde_json::json;
use shared::ids::{CommentId, PostId, UserId};

use super::may_see;
use crate::{
    app::{
        db::{Connection, Tx},
        error::Error,
    },
    notifications::{MENTION, NewNotification, find_mentioned, notify},
    users::Person,
};

/// Where somebody is mentioned.
#[derive(Debug)]
pub struct Mention<'a> {
    /// Who wrote it.
    pub by: &'a Person,
    /// The post, or the one that it is under.
    pub post: PostId,
    /// The comment, if it is in one.
    pub comment: Option<CommentId>,
}

/// Whom a text mentions that is in a post or under it, in the order of their ids. Only those who may see the post, so
/// that a name in a private post tells nobody of it.
pub async fn mentioned_readers(
    db: &Connection,
    text: &str,
    post: PostId,
) -> Result<Vec<UserId>, Error> {
    let mut readers = Vec::new();
    for person in find_mentioned(db, text).await? {
        if may_see(db, person.id, post).await? {
            readers.push(person.id);
        }
    }
    Ok(readers)
}

/// Tells those whom an edited text mentions, and did not before.
pub(super) async fn tell_new_mentions(
    tx: &mut Tx,
    mention: &Mention<'_>,
    before: &str,
    text: &str,
) -> Result<(), Error> {
    let already = find_mentioned(tx, before).await?;
    for reader in mentioned_readers(tx, text, mention.post).await? {
        if already.iter().all(|person| person.id != reader) {
            tell_mentioned(tx, reader, mention).await?;
        }
    }
    Ok(())
}

/// Tells somebody that they are mentioned.
pub async fn tell_mentioned(tx: &mut Tx, to: UserId, mention: &Mention<'_>) -> Result<(), Error> {
    let place = if mention.comment.is_some() {
        "comment"
    } else {
        "post"
    };
    let notification = NewNotification {
        to,
        actor: mention.by.id,
        kind: &MENTION,
        message: format!("{} mentioned you in a {place}", mention.by.display_name()),
        related_id: Some(mention.post.get()),
        data: json!({ "post_id": mention.post, "comment_id": mention.comment }),
    };
    notify(tx, notification).await
}
