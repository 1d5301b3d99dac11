//! The account, as its owner sees it.

use schemars::JsonSchema;
use serde::Serialize;
use shared::{credentials::Role, ids::UserId};

use crate::app::{
    db::{FromRow, InvalidRow, Row},
    time::Time,
};

/// Everything that a user may know of themselves.
#[derive(Debug, Serialize, JsonSchema)]
pub struct AccountView {
    /// The user.
    pub id: UserId,
    /// The unique name.
    pub username: String,
    /// For log-in; nobody else sees it.
    pub email: String,
    /// The name that the person goes by.
    pub name: String,
    /// A few words about themselves.
    pub bio: String,
    /// URL of a picture.
    pub avatar: Option<String>,
    /// Whether followers need to be accepted.
    pub is_private: bool,
    /// Whether the user looks offline to everybody.
    pub is_invisible: bool,
    /// What the user may do.
    pub role: Role,
    /// When the account was made.
    pub created_at: Time,
}

impl FromRow for AccountView {
    fn from_row(row: &Row<'_>) -> Result<Self, InvalidRow> {
        Ok(Self {
            id: row.get("id")?,
            username: row.get("username")?,
            email: row.get("email")?,
            name: row.get("name")?,
            bio: row.get("bio")?,
            avatar: row.get("avatar")?,
            is_private: row.get("is_private")?,
            is_invisible: row.get("is_invisible")?,
            role: row.get("role")?,
            created_at: row.get("created_at")?,
        })
    }
}
