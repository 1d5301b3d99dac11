//! Rows are read by column name into structs; ids cross the boundary as `bigint` and are checked.

use std::cell::Cell;

use jiff::Timestamp;
use shared::{
    credentials::Role,
    ids::{
        CommentId, ConversationId, EventId, GroupEventId, GroupId, InvalidId, MessageId,
        NotificationId, PostId, ServiceKeyId, SessionId, UserId,
    },
};
use tokio_postgres::types::FromSqlOwned;

use crate::app::time::Time;

/// A row that is not what its statement promises: a defect of ours, never the caller's fault.
#[derive(Debug, thiserror::Error)]
pub enum InvalidRow {
    /// No such column, or of another type.
    #[error(transparent)]
    Column(#[from] tokio_postgres::Error),
    /// A value that the type does not allow.
    #[error("column {column} holds an impossible value")]
    Value {
        /// Its name.
        column: String,
    },
}

/// One row of an answer.
pub struct Row<'a> {
    row: &'a tokio_postgres::Row,
    /// After the column that was read last, where the next one to be read most often is: looking for each from the first
    /// would cost more than reading it.
    next: Cell<usize>,
}

impl<'a> Row<'a> {
    pub(super) fn new(row: &'a tokio_postgres::Row) -> Self {
        let next = Cell::new(0);
        Self { row, next }
    }

    /// The value of a column.
    pub fn get<T: Column>(&self, name: &str) -> Result<T, InvalidRow> {
        self.get_prefixed("", name)
    }

    /// The value of the column that is called `prefix` and then `name`.
    pub fn get_prefixed<T: Column>(&self, prefix: &str, name: &str) -> Result<T, InvalidRow> {
        let column = || format!("{prefix}{name}");
        let value = match self.find(prefix, name) {
            Some(index) => self.row.try_get::<_, T::Sql>(index)?,
            // The driver says that there is none.
            None => self.row.try_get::<_, T::Sql>(&*column())?,
        };
        T::from_sql(value).ok_or_else(|| InvalidRow::Value { column: column() })
    }

    fn find(&self, prefix: &str, name: &str) -> Option<usize> {
        let (columns, next) = (self.row.columns(), self.next.get());
        let is_it = |index: &usize| columns[*index].name().strip_prefix(prefix) == Some(name);
        let found = (next..columns.len()).chain(0..next).find(is_it)?;
        self.next.set(found + 1);
        Some(found)
    }

    /// What a column of JSON holds.
    pub fn get_json<T: serde::de::DeserializeOwned>(&self, name: &str) -> Result<T, InvalidRow> {
        let value: serde_json::Value = self.get(name)?;
        serde_json::from_value(value).map_err(|_| InvalidRow::Value {
            column: name.to_owned(),
        })
    }

    /// The value of a row's only column, whatever its name.
    fn only<T: Column>(&self) -> Result<T, InvalidRow> {
        let value = self.row.try_get::<_, T::Sql>(0)?;
        T::from_sql(value).ok_or_else(|| InvalidRow::Value {
            column: self.row.columns()[0].name().to_owned(),
        })
    }
}

/// A struct that a row is read into.
pub trait FromRow: Sized {
    /// Reads the columns by name.
    fn from_row(row: &Row<'_>) -> Result<Self, InvalidRow>;
}

/// A single value is read from a row's only column.
impl<T: Column> FromRow for T {
    fn from_row(row: &Row<'_>) -> Result<Self, InvalidRow> {
        row.only()
    }
}

/// A type that a column is read as.
pub trait Column: Sized {
    /// How PostgreSQL's driver reads it.
    type Sql: FromSqlOwned;

    /// `None` where the type does not allow the value.
    fn from_sql(value: Self::Sql) -> Option<Self>;
}

impl<T: Column> Column for Option<T> {
    type Sql = Option<T::Sql>;

    fn from_sql(value: Self::Sql) -> Option<Self> {
        match value {
            Some(value) => T::from_sql(value).map(Some),
            None => Some(None),
        }
    }
}

impl<T: Column> Column for Vec<T> {
    type Sql = Vec<T::Sql>;

    fn from_sql(value: Self::Sql) -> Option<Self> {
        value.into_iter().map(T::from_sql).collect()
    }
}

macro_rules! plain_columns {
    ($($kind:ty),* $(,)?) => {$(
        impl Column for $kind {
            type Sql = Self;

            fn from_sql(value: Self) -> Option<Self> {
                Some(value)
            }
        }
    )*};
}

plain_columns!(
    bool,
    i32,
    i64,
    f64,
    String,
    Vec<u8>,
    serde_json::Value,
    jiff::civil::Date
);

macro_rules! id_columns {
    ($($id:ty),* $(,)?) => {$(
        impl Column for $id {
            type Sql = i64;

            fn from_sql(value: i64) -> Option<Self> {
                let id: Result<Self, InvalidId> = value.try_into();
                id.ok()
            }
        }
    )*};
}

id_columns!(
    UserId,
    SessionId,
    ServiceKeyId,
    GroupId,
    GroupEventId,
    PostId,
    CommentId,
    ConversationId,
    MessageId,
    NotificationId,
    EventId,
);

impl Column for Time {
    type Sql = Timestamp;

    fn from_sql(value: Timestamp) -> Option<Self> {
        Some(Self(value))
    }
}

impl Column for Role {
    type Sql = String;

    fn from_sql(value: String) -> Option<Self> {
        match value.as_str() {
            "user" => Some(Self::User),
            "admin" => Some(Self::Admin),
            "service" => Some(Self::Service),
            _ => None,
        }
    }
}
