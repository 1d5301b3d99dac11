//! One JSON object a line, flat: what a request or a connection is called stands beside what is said of it, wherever it is said.

use std::fmt;

use serde::ser::{SerializeMap, Serializer as _};
use serde_json::{Map, Value};
use tracing::{
    Event, Subscriber,
    field::{Field, Visit},
};
use tracing_subscriber::{
    fmt::{
        FmtContext, FormatEvent, FormatFields, FormattedFields,
        format::Writer,
        time::{FormatTime, SystemTime},
    },
    registry::LookupSpan,
};

/// Who writes them.
pub(super) struct JsonLines {
    pub(super) service: String,
    pub(super) node: String,
}

impl<S, N> FormatEvent<S, N> for JsonLines
where
    S: Subscriber + for<'a> LookupSpan<'a>,
    N: for<'a> FormatFields<'a> + 'static,
{
    fn format_event(
        &self,
        context: &FmtContext<'_, S, N>,
        mut writer: Writer<'_>,
        event: &Event<'_>,
    ) -> fmt::Result {
        let mut fields = Fields::default();
        for span in context.event_scope().into_iter().flatten() {
            if let Some(known) = span.extensions().get::<FormattedFields<N>>() {
                fields.take_over(known);
            }
        }
        event.record(&mut fields);
        let line = self.line(event, &fields.0).map_err(|_| fmt::Error)?;
        writeln!(writer, "{line}")
    }
}

impl JsonLines {
    fn line(&self, event: &Event<'_>, fields: &Map<String, Value>) -> Result<String, Failure> {
        let mut timestamp = String::new();
        SystemTime.format_time(&mut Writer::new(&mut timestamp))?;
        let about = event.metadata();
        let mut line = Vec::with_capacity(256);
        let mut serializer = serde_json::Serializer::new(&mut line);
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("timestamp", &timestamp)?;
        map.serialize_entry("level", about.level().as_str())?;
        map.serialize_entry("service", &self.service)?;
        map.serialize_entry("node", &self.node)?;
        map.serialize_entry("target", about.target())?;
        for (name, value) in fields {
            map.serialize_entry(name, value)?;
        }
        map.end()?;
        Ok(String::from_utf8(line)?)
    }
}

/// What cannot happen: texts and numbers can be written, and what is written is text.
#[derive(Debug, thiserror::Error)]
#[error(transparent)]
enum Failure {
    Time(#[from] fmt::Error),
    Json(#[from] serde_json::Error),
    Text(#[from] std::string::FromUtf8Error),
}

/// What a line says, by name; the nearest says it last.
#[derive(Default)]
struct Fields(Map<String, Value>);

impl Fields {
    /// From the innermost span outwards.
    fn take_over(&mut self, known: &str) {
        if let Ok(Value::Object(outer)) = serde_json::from_str(known) {
            for (name, value) in outer {
                self.0.entry(name).or_insert(value);
            }
        }
    }

    fn put(&mut self, field: &Field, value: impl Into<Value>) {
        self.0.insert(field.name().to_owned(), value.into());
    }
}

impl Visit for Fields {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        self.put(field, format!("{value:?}"));
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        self.put(field, value);
    }

    fn record_i64(&mut self, field: &Field, value: i64) {
        self.put(field, value);
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        self.put(field, value);
    }

    fn record_bool(&mut self, field: &Field, value: bool) {
        self.put(field, value);
    }

    fn record_f64(&mut self, field: &Field, value: f64) {
        self.put(field, value);
    }

    fn record_error(&mut self, field: &Field, value: &(dyn std::error::Error + 'static)) {
        self.put(field, value.to_string());
    }
}
