//! The one place that decides whether somebody is told something.

use serde_json::Value;
use shared::ids::UserId;

use super::{events, queries};
use crate::app::{db::Tx, error::Error};

/// Something that somebody may want to know.
#[derive(Debug)]
pub struct NewNotification<'a> {
    /// Who may want to know it.
    pub to: UserId,
    /// Whose act it is.
    pub actor: UserId,
    /// The notification type, such as `follow`; clients branch on it.
    pub kind: &'static str,
    /// A few words, the same for every notification of this type.
    pub title: &'a str,
    /// A sentence for people.
    pub message: String,
    /// What it is about; `kind` says what sort of thing that is.
    pub related_id: Option<i64>,
    /// What clients need beyond that: a JSON object.
    pub data: Value,
}

/// Tells somebody something, unless they should not hear of it. Both accounts must exist.
///
/// Blocks, mutes, preferences and folding belong here and nowhere else: features say what happened, never whether it is
/// worth telling.
pub async fn notify(tx: &mut Tx, notification: NewNotification<'_>) -> Result<(), Error> {
    if notification.actor == notification.to {
        return Ok(());
    }
    let stored = queries::insert_notification(tx, &notification, tx.now()).await?;
    events::notification(tx, notification.to, &stored)
}
