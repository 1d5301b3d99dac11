//! A group event as people see it.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use shared::ids::{GroupEventId, GroupId};

use crate::{
    app::{
        db::{Column, FromRow, InvalidRow, Row},
        http::place::Place,
        time::Time,
    },
    users::Person,
};

/// Whether somebody comes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub(super) enum Rsvp {
    Going,
    Maybe,
    No,
}

impl Rsvp {
    /// As it is stored.
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Going => "going",
            Self::Maybe => "maybe",
            Self::No => "no",
        }
    }
}

impl Column for Rsvp {
    type Sql = String;

    fn from_sql(value: String) -> Option<Self> {
        let all = [Self::Going, Self::Maybe, Self::No];
        all.into_iter().find(|status| status.name() == value)
    }
}

/// What is the same for every reader, and does not change with who comes.
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct Facts {
    #[serde(skip)]
    pub(super) id: GroupEventId,
    pub(super) group_id: GroupId,
    pub(super) creator: Person,
    pub(super) title: String,
    pub(super) description: String,
    pub(super) place: Option<String>,
    pub(super) starts_at: Time,
    pub(super) ends_at: Option<Time>,
    pub(super) created_at: Time,
    pub(super) updated_at: Time,
    pub(super) cancelled_at: Option<Time>,
}

impl FromRow for Facts {
    fn from_row(row: &Row<'_>) -> Result<Self, InvalidRow> {
        Ok(Self {
            id: row.get("id")?,
            group_id: row.get("group_id")?,
            creator: Person::from_columns(row, "creator")?,
            title: row.get("title")?,
            description: row.get("description")?,
            place: row.get("place")?,
            starts_at: row.get("starts_at")?,
            ends_at: row.get("ends_at")?,
            created_at: row.get("created_at")?,
            updated_at: row.get("updated_at")?,
            cancelled_at: row.get("cancelled_at")?,
        })
    }
}

/// How many come.
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct Counts {
    #[serde(rename = "going_count")]
    going: i64,
    #[serde(rename = "maybe_count")]
    maybe: i64,
    #[serde(rename = "no_count")]
    no: i64,
}

impl FromRow for Counts {
    fn from_row(row: &Row<'_>) -> Result<Self, InvalidRow> {
        Ok(Self {
            going: row.get("going_count")?,
            maybe: row.get("maybe_count")?,
            no: row.get("no_count")?,
        })
    }
}

/// An event, to one reader.
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct EventView {
    id: GroupEventId,
    #[serde(flatten)]
    pub(super) facts: Facts,
    #[serde(flatten)]
    counts: Counts,
    /// What the reader has answered; null for nothing yet.
    my_rsvp: Option<Rsvp>,
}

impl EventView {
    /// Its place in the lists.
    pub(super) fn place(&self) -> Place {
        Place {
            time: self.facts.starts_at,
            id: self.id.get(),
        }
    }
}

impl FromRow for EventView {
    fn from_row(row: &Row<'_>) -> Result<Self, InvalidRow> {
        Ok(Self {
            id: row.get("id")?,
            facts: Facts::from_row(row)?,
            counts: Counts::from_row(row)?,
            my_rsvp: row.get("my_rsvp")?,
        })
    }
}

/// Somebody who has answered.
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct AttendeeView {
    #[serde(flatten)]
    person: Person,
    status: Rsvp,
    answered_at: Time,
}

impl AttendeeView {
    pub(super) fn place(&self) -> Place {
        Place {
            time: self.answered_at,
            id: self.person.id.get(),
        }
    }
}

impl FromRow for AttendeeView {
    fn from_row(row: &Row<'_>) -> Result<Self, InvalidRow> {
        Ok(Self {
            person: Person::from_row(row)?,
            status: row.get("status")?,
            answered_at: row.get("answered_at")?,
        })
    }
}
