//! A person as others see them beside what they did: the author of a post, the sender of a message.

use schemars::JsonSchema;
use serde::Serialize;
use shared::ids::UserId;

use crate::app::{
    db::{Connection, FromRow, InvalidRow, Row},
    error::Error,
};

/// The columns of a [`Person`], from a row of `users` that the statement calls `account`; or from one of another name, and
/// with another prefix, for [`Person::from_columns`].
macro_rules! person_columns {
    () => {
        crate::users::person_columns!("account", "person")
    };
    ($row:literal, $prefix:literal) => {
        concat!(
            $row,
            ".id as ",
            $prefix,
            "_id, ",
            $row,
            ".username as ",
            $prefix,
            "_username, ",
            $row,
            ".name as ",
            $prefix,
            "_name, ",
            $row,
            ".avatar as ",
            $prefix,
            "_avatar"
        )
    };
}

pub(crate) use person_columns;

/// Who somebody is, in short.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Person {
    /// The user.
    pub id: UserId,
    /// The unique name.
    pub username: String,
    /// The name that the person goes by; may be empty.
    pub name: String,
    /// URL of a picture.
    pub avatar: Option<String>,
}

impl Person {
    /// Reads the columns `{prefix}_id`, `{prefix}_username` and so on: for rows with several people.
    pub fn from_columns(row: &Row<'_>, prefix: &str) -> Result<Self, InvalidRow> {
        Ok(Self {
            id: row.get_prefixed(prefix, "_id")?,
            username: row.get_prefixed(prefix, "_username")?,
            name: row.get_prefixed(prefix, "_name")?,
            avatar: row.get_prefixed(prefix, "_avatar")?,
        })
    }

    /// The name to call the person by in a sentence.
    pub fn display_name(&self) -> &str {
        if self.name.is_empty() {
            &self.username
        } else {
            &self.name
        }
    }
}

impl FromRow for Person {
    fn from_row(row: &Row<'_>) -> Result<Self, InvalidRow> {
        Self::from_columns(row, "person")
    }
}

pub(super) const FIND_PERSON: &str = concat!(
    "select ",
    person_columns!(),
    " from users account where account.id = $1"
);
pub(super) const FIND_PEOPLE: &str = concat!(
    "select ",
    person_columns!(),
    " from users account where account.id = any($1)"
);

/// The person with this id; `not_found` if there is none.
pub async fn find_person(connection: &Connection, id: UserId) -> Result<Person, Error> {
    let person = connection.query_optional(FIND_PERSON, &[&id.get()]).await?;
    person.ok_or_else(|| Error::not_found("user"))
}

/// Those of the people that there are, in no order.
pub async fn find_people(connection: &Connection, ids: &[UserId]) -> Result<Vec<Person>, Error> {
    let ids: Vec<i64> = ids.iter().map(|id| id.get()).collect();
    connection.query(FIND_PEOPLE, &[&ids]).await
}
