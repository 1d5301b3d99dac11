//! What an event type is: its name, and what its data looks like. It describes itself to the `AsyncAPI` document.

use std::borrow::Cow;

use schemars::{JsonSchema, Schema, SchemaGenerator};

/// A type of event, listed in its [`Feature`](super::feature::Feature). Made of the type of its data, so that what is
/// written and what the `AsyncAPI` document says of it are the same.
#[derive(Debug, Clone, Copy)]
pub struct EventType {
    /// What clients know it by, such as `private_message`.
    pub name: &'static str,
    pub(crate) summary: &'static str,
    pub(crate) is_durable: bool,
    schema: fn(&mut SchemaGenerator) -> Schema,
    schema_id: fn() -> Cow<'static, str>,
}

impl EventType {
    /// One that is in the log: every device of those whom it is for hears it, once, in order. `summary` is a sentence that says
    /// when.
    pub const fn durable<T: JsonSchema>(name: &'static str, summary: &'static str) -> Self {
        Self::new::<T>(name, summary, true)
    }

    /// One that only those hear who are there.
    pub const fn notice<T: JsonSchema>(name: &'static str, summary: &'static str) -> Self {
        Self::new::<T>(name, summary, false)
    }

    const fn new<T: JsonSchema>(
        name: &'static str,
        summary: &'static str,
        is_durable: bool,
    ) -> Self {
        Self {
            name,
            summary,
            is_durable,
            schema: T::json_schema,
            schema_id: T::schema_id,
        }
    }

    /// The schema of its data.
    pub(in crate::app) fn schema(&self, generator: &mut SchemaGenerator) -> Schema {
        (self.schema)(generator)
    }

    /// Whether its data is of this type, whatever it borrows.
    pub(in crate::app) fn is_of<T: JsonSchema>(&self) -> bool {
        (self.schema_id)() == T::schema_id()
    }
}
