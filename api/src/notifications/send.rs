//! `send_notification`: what another back end or an operator tells somebody, in words of their own.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::json;
use shared::{credentials::Role, ids::UserId};

use super::notify::{NewNotification, notify};
use crate::{
    app::{
        App,
        db::Tx,
        error::Error,
        http::{
            SignedIn,
            json::{Input, Wrong},
        },
        notification_type::NotificationType,
    },
    audit::{self, Act},
    users,
};

const TITLE_CHARACTERS_MAX: usize = 100;
const CONTENT_CHARACTERS_MAX: usize = 1000;

/// For service accounts and admins: notifies somebody, in words of one's own.
#[derive(Debug, Deserialize, JsonSchema)]
pub(super) struct SendNotification {
    user_id: UserId,
    /// Recipients can switch it off by this name. Any that is not the product's own.
    #[schemars(regex(pattern = r"^[a-z][a-z0-9_]{0,49}$"))]
    notification_type: String,
    #[schemars(length(max = 100))]
    title: String,
    #[schemars(length(max = 1000))]
    content: String,
}

impl Input for SendNotification {
    fn check(&self, wrong: &mut Wrong) {
        if !NotificationType::is_name(&self.notification_type) {
            let message = "a letter, then a-z, 0-9 and _; at most 50 characters";
            wrong.field("notification_type", "invalid", message);
        }
        wrong.unless_text("title", &self.title, TITLE_CHARACTERS_MAX);
        wrong.unless_text("content", &self.content, CONTENT_CHARACTERS_MAX);
    }
}

/// It is taken. Whether the recipient is told is for the recipient's preferences, and is not said.
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct Sent {
    user_id: UserId,
}

pub(super) async fn send_notification(
    app: App,
    caller: SignedIn,
    wish: SendNotification,
) -> Result<Sent, Error> {
    if !matches!(caller.role, Role::Service | Role::Admin) {
        return Err(Error::forbidden("for service accounts and admins only"));
    }
    if app
        .notification_types()
        .find(&wish.notification_type)
        .is_some()
    {
        let message = "this type is the product's own";
        return Err(Error::field("notification_type", "reserved", message));
    }
    let user_id = wish.user_id;
    let mut tx = app.begin().await?;
    users::require_known(&tx, caller.user_id, user_id).await?;
    if caller.role == Role::Admin {
        note(&tx, caller.user_id, &wish).await?;
    }
    let kind = NotificationType::foreign(wish.notification_type, wish.title);
    let notification = NewNotification {
        to: user_id,
        actor: caller.user_id,
        kind: &kind,
        message: wish.content,
        related_id: None,
        data: json!({}),
    };
    notify(&mut tx, notification).await?;
    tx.commit().await?;
    Ok(Sent { user_id })
}

/// An operator's act; what was written stays between the two.
async fn note(tx: &Tx, admin: UserId, wish: &SendNotification) -> Result<(), Error> {
    let act = Act {
        actor: Some(admin),
        act: "notification_sent",
        subject: format!("user:{}", wish.user_id),
        detail: json!({"type": wish.notification_type, "title": wish.title}),
    };
    audit::note(tx, act).await
}
