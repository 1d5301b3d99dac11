//! A notification, out of a row.

use schemars::JsonSchema;
use serde::Serialize;
use serde_json::Value;
use shared::ids::NotificationId;

use crate::{
    app::{
        db::{FromRow, InvalidRow, Row},
        time::Time,
    },
    users::Person,
};

/// A notification as its recipient gets it.
#[derive(Debug, Serialize, JsonSchema)]
pub struct NotificationView {
    /// Its id.
    pub id: NotificationId,
    #[serde(rename = "type")]
    pub(in crate::notifications) kind: String,
    pub(in crate::notifications) title: String,
    pub(in crate::notifications) message: String,
    pub(in crate::notifications) related_id: Option<i64>,
    pub(in crate::notifications) actor: Person,
    pub(in crate::notifications) data: Value,
    pub(in crate::notifications) is_read: bool,
    pub(in crate::notifications) created_at: Time,
}

impl FromRow for NotificationView {
    fn from_row(row: &Row<'_>) -> Result<Self, InvalidRow> {
        Ok(Self {
            id: row.get("id")?,
            kind: row.get("kind")?,
            title: row.get("title")?,
            message: row.get("message")?,
            related_id: row.get("related_id")?,
            actor: Person::from_columns(row, "actor")?,
            data: row.get("data")?,
            is_read: row.get("is_read")?,
            created_at: row.get("created_at")?,
        })
    }
}

/// The columns that a [`NotificationView`] is read from but for `is_read`, out of `notification` and the `actor`'s row of
/// `users`.
macro_rules! notification_columns {
    () => {
        concat!(
            "
    notification.id, notification.kind, notification.title, notification.message,
    notification.related_id, notification.data, notification.created_at,
    ",
            crate::users::person_columns!("actor", "actor")
        )
    };
}

pub(in crate::notifications) use notification_columns;
