//! A group as people see it.

use schemars::JsonSchema;
use serde::Serialize;
use shared::ids::{ConversationId, GroupId};

use super::role::Role;
use crate::{
    app::{
        db::{FromRow, InvalidRow, Row},
        http::place::Place,
        time::Time,
    },
    users::Person,
};

/// A group, to one reader.
#[derive(Debug, Serialize, JsonSchema)]
pub struct GroupView {
    /// Its id.
    pub id: GroupId,
    pub(super) name: String,
    pub(super) description: String,
    pub(super) avatar: Option<String>,
    pub(super) is_private: bool,
    pub(super) member_count: i64,
    /// Its chat.
    pub(super) conversation_id: ConversationId,
    /// The reader's; null for somebody who is no member.
    pub(super) my_role: Option<Role>,
    /// Whether the reader has an invitation to answer.
    pub(super) is_invited: bool,
    /// Whether the reader has asked to join.
    pub(super) has_requested: bool,
    pub(super) created_at: Time,
    pub(super) updated_at: Time,
    /// Where it stands in the list of the reader's groups.
    #[serde(skip)]
    joined_at: Option<Time>,
}

impl GroupView {
    /// Its place in the list of the reader's groups.
    pub fn place(&self) -> Place {
        Place {
            time: self.joined_at.unwrap_or(self.created_at),
            id: self.id.get(),
        }
    }
}

impl FromRow for GroupView {
    fn from_row(row: &Row<'_>) -> Result<Self, InvalidRow> {
        Ok(Self {
            id: row.get("id")?,
            name: row.get("name")?,
            description: row.get("description")?,
            avatar: row.get("avatar")?,
            is_private: row.get("is_private")?,
            member_count: row.get("member_count")?,
            conversation_id: row.get("conversation_id")?,
            my_role: row.get("my_role")?,
            is_invited: row.get("is_invited")?,
            has_requested: row.get("has_requested")?,
            created_at: row.get("created_at")?,
            updated_at: row.get("updated_at")?,
            joined_at: row.get("joined_at")?,
        })
    }
}

/// A member, in a group's list.
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct MemberView {
    #[serde(flatten)]
    pub(super) person: Person,
    pub(super) role: Role,
    pub(super) joined_at: Time,
}

impl MemberView {
    pub(super) fn place(&self) -> Place {
        Place {
            time: self.joined_at,
            id: self.person.id.get(),
        }
    }
}

impl FromRow for MemberView {
    fn from_row(row: &Row<'_>) -> Result<Self, InvalidRow> {
        Ok(Self {
            person: Person::from_row(row)?,
            role: row.get("role")?,
            joined_at: row.get("joined_at")?,
        })
    }
}

/// Somebody who asks to join.
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct RequestView {
    #[serde(flatten)]
    person: Person,
    /// When it was asked.
    since: Time,
}

impl RequestView {
    pub(super) fn place(&self) -> Place {
        Place {
            time: self.since,
            id: self.person.id.get(),
        }
    }
}

impl FromRow for RequestView {
    fn from_row(row: &Row<'_>) -> Result<Self, InvalidRow> {
        Ok(Self {
            person: Person::from_row(row)?,
            since: row.get("since")?,
        })
    }
}
