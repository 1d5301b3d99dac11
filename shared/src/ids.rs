//! Newtypes for the ids of the domain.
//!
//! Ids come from database sequences and stay below 2^53, so that every JSON reader, JavaScript's included,
//! holds them exactly. On the wire they are numbers; numeric strings are accepted too.

use std::{fmt, num::ParseIntError, str::FromStr};

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

/// The largest id: 2^53 - 1, JavaScript's `Number.MAX_SAFE_INTEGER`.
pub const ID_MAX: i64 = (1 << 53) - 1;

/// Why a text or number is not an id.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("an id is a whole number from 1 to 9007199254740991")]
pub struct InvalidId;

impl From<ParseIntError> for InvalidId {
    fn from(_: ParseIntError) -> Self {
        Self
    }
}

/// Reads an id from a JSON number or a numeric string.
struct IdVisitor;

impl de::Visitor<'_> for IdVisitor {
    type Value = i64;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "a whole number from 1 to {ID_MAX}")
    }

    fn visit_i64<E: de::Error>(self, number: i64) -> Result<i64, E> {
        in_range(number).map_err(E::custom)
    }

    fn visit_u64<E: de::Error>(self, number: u64) -> Result<i64, E> {
        i64::try_from(number)
            .map_err(|_| InvalidId)
            .and_then(in_range)
            .map_err(E::custom)
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<i64, E> {
        parse(text).map_err(E::custom)
    }
}

fn in_range(number: i64) -> Result<i64, InvalidId> {
    if (1..=ID_MAX).contains(&number) {
        Ok(number)
    } else {
        Err(InvalidId)
    }
}

/// Digits only: `+7`, ` 7` and `7.0` are not ids, so that one id has one spelling in paths and channel names.
fn parse(text: &str) -> Result<i64, InvalidId> {
    if text.starts_with('0') || !text.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(InvalidId);
    }
    in_range(text.parse()?)
}

/// Numbers; for readers numeric strings too.
#[cfg(feature = "schema")]
fn id_schema(is_read: bool) -> schemars::Schema {
    let number = schemars::json_schema!({"type": "integer", "minimum": 1, "maximum": ID_MAX});
    if !is_read {
        return number;
    }
    // One digit less than the largest has, so that the pattern promises nothing that is refused.
    let text = schemars::json_schema!({"type": "string", "pattern": "^[1-9][0-9]{0,14}$"});
    schemars::json_schema!({"anyOf": [number, text]})
}

macro_rules! ids {
    ($($(#[$doc:meta])* $name:ident)*) => {$(
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(i64);

        impl $name {
            /// Checks the range: 1 to [`ID_MAX`].
            pub fn new(number: i64) -> Result<Self, InvalidId> {
                in_range(number).map(Self)
            }

            /// The number itself, for SQL parameters and hashing.
            pub const fn get(self) -> i64 {
                self.0
            }
        }

        impl TryFrom<i64> for $name {
            type Error = InvalidId;

            fn try_from(number: i64) -> Result<Self, InvalidId> {
                Self::new(number)
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }

        impl FromStr for $name {
            type Err = InvalidId;

            fn from_str(text: &str) -> Result<Self, InvalidId> {
                parse(text).map(Self)
            }
        }

        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.serialize_i64(self.0)
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                deserializer.deserialize_any(IdVisitor).map(Self)
            }
        }

        #[cfg(feature = "schema")]
        impl schemars::JsonSchema for $name {
            fn inline_schema() -> bool {
                true
            }

            fn schema_name() -> std::borrow::Cow<'static, str> {
                stringify!($name).into()
            }

            fn json_schema(generator: &mut schemars::SchemaGenerator) -> schemars::Schema {
                id_schema(generator.contract().is_deserialize())
            }
        }
    )*};
}

ids! {
    /// A person or service account.
    UserId
    /// A log-in of a user on one device.
    SessionId
    /// A key that a service account publishes with.
    ServiceKeyId
    /// A group of people.
    GroupId
    /// Something that a group meets for.
    GroupEventId
    /// A post or an activity.
    PostId
    /// A comment on a post.
    CommentId
    /// A direct conversation or a group's chat.
    ConversationId
    /// A message in a conversation.
    MessageId
    /// A notification of one user.
    NotificationId
    /// An event. Durable ones are numbered by the database; ephemeral ones draw from the upper half of the range.
    EventId
}

impl EventId {
    /// Ids of ephemeral events start here, far above what the database's sequence will reach.
    const EPHEMERAL_MIN: i64 = 1 << 52;

    /// A fresh id for an event that the log does not number.
    pub fn ephemeral() -> Self {
        Self(rand::random_range(Self::EPHEMERAL_MIN..=ID_MAX))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_and_numeric_strings_are_read_and_numbers_written() {
        for (json, expected) in [
            ("1", Some(1)),
            ("\"17\"", Some(17)),
            ("9007199254740991", Some(ID_MAX)),
            ("9007199254740992", None),
            ("18446744073709551615", None),
            ("0", None),
            ("-1", None),
            ("1.0", None),
            ("\"01\"", None),
            ("\"+1\"", None),
            ("\"\"", None),
            ("\"1 \"", None),
            ("null", None),
            ("[1]", None),
        ] {
            let read: Option<UserId> = serde_json::from_str(json).ok();
            assert_eq!(read.map(UserId::get), expected, "{json}");
        }
        let user = UserId::new(5).unwrap();
        assert_eq!(serde_json::to_string(&user).unwrap(), "5");
    }

    #[test]
    fn ephemeral_event_ids_stay_in_range_and_out_of_the_sequence_s_way() {
        for _ in 0..1000 {
            let id = EventId::ephemeral().get();
            assert!((EventId::EPHEMERAL_MIN..=ID_MAX).contains(&id));
        }
    }
}
