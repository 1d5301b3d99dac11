//! Writing a post, whatever its kind.

use shared::ids::{GroupId, PostId, UserId};

use super::{
    Activity, Attachment, Mention, PostView, mentioned_readers,
    queries::{self, find_view},
    tell_mentioned,
};
use crate::{
    app::{db::Tx, error::Error},
    groups,
};

/// A post to be. Its values have been checked.
#[derive(Debug)]
pub struct NewPost<'a> {
    /// Who writes it.
    pub author: UserId,
    /// The text; empty only for an activity.
    pub content: &'a str,
    /// What is attached.
    pub attachments: &'a [Attachment],
    /// The group it is for; else for whoever may see what the author's account shows.
    pub group: Option<GroupId>,
    /// What makes it an activity.
    pub activity: Option<&'a Activity>,
}

/// Stores a post and tells the people whom it mentions. `not_found` if it is for a group that the author is not in.
pub async fn write(tx: &mut Tx, new: &NewPost<'_>) -> Result<PostView, Error> {
    let post: Option<PostId> = queries::insert_post(tx, new, tx.now()).await?;
    let post = post.ok_or_else(|| Error::not_found("group"))?;
    let view = find_view(tx, new.author, post).await?;
    if let Some(group) = new.group {
        groups::group_content_update(tx, new.author, group, "post")?;
    }
    let notes = new.activity.and_then(|activity| activity.notes.as_deref());
    let text = format!("{}\n{}", new.content, notes.unwrap_or_default());
    let mention = Mention {
        by: &view.author,
        post,
        comment: None,
    };
    for reader in mentioned_readers(tx, &text, post).await? {
        tell_mentioned(tx, reader, &mention).await?;
    }
    Ok(view)
}
