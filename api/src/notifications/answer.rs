//! Answering what a notification asks.

use schemars::JsonSchema;
use serde::Serialize;
use shared::{
    ids::{NotificationId, UserId},
    wire::Code,
};

use super::{queries, settle};
use crate::app::{
    App,
    error::Error,
    notification_type::{Answer, Answered},
};

/// A notification was answered.
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct AnswerGiven {
    notification_id: NotificationId,
    action: Answer,
    is_read: bool,
}

/// What is asked no more, with a group that was deleted for instance, is not offered again.
async fn gone(app: &App, notification: NotificationId, refusal: Error) -> Result<Error, Error> {
    if matches!(refusal.code(), Code::NotFound | Code::NoInvitation) {
        let mut tx = app.begin().await?;
        settle::settle_one(&mut tx, notification).await?;
        tx.commit().await?;
    }
    Ok(refusal)
}

/// Does what the answer means, by the feature that asked; the notification asks nothing afterwards.
pub(super) async fn answer(
    app: &App,
    recipient: UserId,
    (notification_id, answer): (NotificationId, Answer),
) -> Result<AnswerGiven, Error> {
    let mut tx = app.begin().await?;
    // Not locked: the feature locks first what it is about, as its own routes do, and the notification after it.
    let asked = queries::find_asked(&tx, recipient, notification_id).await?;
    let asked = asked.ok_or_else(|| Error::not_found("notification"))?;
    if asked.data.get("actions").is_none() {
        let detail = "it asks nothing, or was answered or withdrawn";
        return Err(Error::new(Code::NoAction, detail));
    }
    let answered = Answered {
        recipient,
        actor: asked.actor,
        related_id: asked.related_id,
        data: asked.data,
        answer,
    };
    if let Err(error) = app
        .notification_types()
        .answer((app.flags(), &mut tx), &asked.kind, answered)
        .await
    {
        drop(tx);
        return Err(gone(app, notification_id, error).await?);
    }
    settle::settle_one(&mut tx, notification_id).await?;
    tx.commit().await?;
    Ok(AnswerGiven {
        notification_id,
        action: answer,
        is_read: true,
    })
}
