//! Editing and deleting, by the author alone.

use shared::ids::{MessageId, UserId};

use super::{events, notifications, queries};
use crate::{
    app::{App, db::Tx, error::Error},
    conversations::{self, MessageView},
};

/// Changes the text of a message. Its number, and what a repetition of it is compared with, stay.
pub(super) async fn edit(
    app: &App,
    author: UserId,
    message: MessageId,
    content: &str,
) -> Result<MessageView, Error> {
    let mut tx = app.begin().await?;
    let present = lock_own(&tx, author, message).await?;
    if present.deleted_at.is_some() {
        return Err(Error::not_found("message"));
    }
    if present.content == content {
        return Ok(present);
    }
    let edited = queries::edit_message(&tx, message, content, app.now()).await?;
    let listeners = conversations::list_listeners(&tx, edited.conversation_id).await?;
    events::message_edited(&mut tx, &edited, &listeners)?;
    notifications::new_mentions(&mut tx, &edited, &present.content).await?;
    tx.commit().await?;
    Ok(edited)
}

/// Empties a message, which keeps its number. One that is deleted already stays so.
pub(super) async fn delete(
    app: &App,
    author: UserId,
    message: MessageId,
) -> Result<MessageView, Error> {
    let mut tx = app.begin().await?;
    let present = lock_own(&tx, author, message).await?;
    if present.deleted_at.is_some() {
        return Ok(present);
    }
    let deleted = queries::delete_message(&tx, message, app.now()).await?;
    let listeners = conversations::list_listeners(&tx, deleted.conversation_id).await?;
    events::message_deleted(&mut tx, &deleted, &listeners)?;
    tx.commit().await?;
    Ok(deleted)
}

/// The message, which nobody else changes or delivers before the transaction's end.
async fn lock_own(tx: &Tx, author: UserId, message: MessageId) -> Result<MessageView, Error> {
    let found = queries::lock_message(tx, message, author).await?;
    let found = found.ok_or_else(|| Error::not_found("message"))?;
    if found.sender.id != author {
        let detail = "only its author changes a message";
        return Err(Error::forbidden(detail));
    }
    Ok(found)
}
