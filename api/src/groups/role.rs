//! What a member may do.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::app::db::Column;

/// A member's role; later ones may do all that earlier ones may.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "snake_case")]
pub(super) enum Role {
    /// Takes part.
    Member,
    /// Also invites, answers requests, removes members, changes the profile.
    Admin,
    /// Also gives roles, and deletes the group.
    Owner,
}

impl Role {
    /// As it is stored.
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Member => "member",
            Self::Admin => "admin",
            Self::Owner => "owner",
        }
    }
}

impl Column for Role {
    type Sql = String;

    fn from_sql(value: String) -> Option<Self> {
        [Self::Member, Self::Admin, Self::Owner]
            .into_iter()
            .find(|role| role.name() == value)
    }
}
