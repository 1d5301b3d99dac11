//! One JSON object a line, flat: what a request or a connection is called stands beside what is said of it, wherever it is said.
//!
//! Every request writes one, so this costs little: what a span is called is written when it is known, as it stands in lines.

use std::fmt;

use serde::ser::{SerializeMap, Serializer as _};
use serde_json::{Map, Value};
use tracing::{
    Event, Subscriber,
    field::{Field, Visit},
    span::Record,
};
use tracing_subscriber::{
    field::RecordFields,
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

/// What a span is called: the inside of a JSON object, without its braces.
pub(super) struct SpanFields;

impl<'writer> FormatFields<'writer> for SpanFields {
    fn format_fields<R: RecordFields>(
        &self,
        mut writer: Writer<'writer>,
        fields: R,
    ) -> fmt::Result {
        let mut said = Fields::default();
        fields.record(&mut said);
        let mut inside = String::new();
        said.append_to(&mut inside)?;
        writer.write_str(&inside)
    }

    /// What is said once more, is said last.
    fn add_fields(
        &self,
        known: &'writer mut FormattedFields<Self>,
        fields: &Record<'_>,
    ) -> fmt::Result {
        let mut said = Fields::default();
        fields.record(&mut said);
        if said.0.iter().any(|(name, _)| has(&known.fields, name)) {
            said.take_over(&known.fields, "");
            known.fields.clear();
        }
        said.append_to(&mut known.fields)
    }
}

impl<S> FormatEvent<S, SpanFields> for JsonLines
where
    S: Subscriber + for<'a> LookupSpan<'a>,
{
    fn format_event(
        &self,
        context: &FmtContext<'_, S, SpanFields>,
        mut writer: Writer<'_>,
        event: &Event<'_>,
    ) -> fmt::Result {
        let mut fields = Fields::default();
        event.record(&mut fields);
        let mut line = self.begin(event).map_err(|_| fmt::Error)?;
        for span in context.event_scope().into_iter().flatten() {
            let extensions = span.extensions();
            let Some(known) = extensions.get::<FormattedFields<SpanFields>>() else {
                continue;
            };
            let mut names = span.metadata().fields().iter().map(|field| field.name());
            if names.any(|name| fields.has(name) || has(&line, name)) {
                fields.take_over(known, &line);
            } else if !known.is_empty() {
                line.push(',');
                line.push_str(known);
            }
        }
        fields.append_to(&mut line)?;
        writeln!(writer, "{line}}}")
    }
}

impl JsonLines {
    /// What every line says, and no closing brace.
    fn begin(&self, event: &Event<'_>) -> Result<String, Failure> {
        let mut timestamp = String::new();
        SystemTime.format_time(&mut Writer::new(&mut timestamp))?;
        let about = event.metadata();
        let mut line = Vec::with_capacity(512);
        let mut serializer = serde_json::Serializer::new(&mut line);
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("timestamp", &timestamp)?;
        map.serialize_entry("level", about.level().as_str())?;
        map.serialize_entry("service", &self.service)?;
        map.serialize_entry("node", &self.node)?;
        map.serialize_entry("target", about.target())?;
        map.end()?;
        line.pop();
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

/// Whether the inside of a flat JSON object has this name. Quotes in its texts are escaped, so that none of them looks like
/// one.
fn has(inside: &str, name: &str) -> bool {
    let mut rest = inside;
    while let Some(at) = rest.find(name) {
        let (before, after) = (&rest[..at], &rest[at + name.len()..]);
        if before.ends_with('"') && after.starts_with("\":") {
            return true;
        }
        rest = after;
    }
    false
}

/// What a line says, by name; the nearest says it last.
#[derive(Default)]
struct Fields(Vec<(String, Value)>);

impl Fields {
    fn has(&self, name: &str) -> bool {
        self.0.iter().any(|(known, _)| known == name)
    }

    /// What `outer` says and neither this nor `line` does.
    fn take_over(&mut self, outer: &str, line: &str) {
        let outer: Map<String, Value> =
            serde_json::from_str(&format!("{{{outer}}}")).unwrap_or_default();
        for (name, value) in outer {
            if !self.has(&name) && !has(line, &name) {
                self.0.push((name, value));
            }
        }
    }

    /// Goes on with the inside of an object.
    fn append_to(&self, inside: &mut String) -> fmt::Result {
        use fmt::Write as _;

        for (name, value) in &self.0 {
            if !inside.is_empty() {
                inside.push(',');
            }
            write!(inside, "\"{name}\":{value}")?;
        }
        Ok(())
    }

    fn put(&mut self, field: &Field, value: impl Into<Value>) {
        self.0.push((field.name().to_owned(), value.into()));
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

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};

    use serde_json::json;
    use tracing::{field, info_span, subscriber::with_default};
    use tracing_subscriber::{
        fmt::{self, MakeWriter},
        layer::SubscriberExt,
        registry,
    };

    use super::*;

    #[derive(Clone, Default)]
    struct Written(Arc<Mutex<Vec<u8>>>);

    impl std::io::Write for Written {
        fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
            self.0.lock().unwrap().extend(bytes);
            Ok(bytes.len())
        }

        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }

    impl<'a> MakeWriter<'a> for Written {
        type Writer = Self;

        fn make_writer(&'a self) -> Self {
            self.clone()
        }
    }

    /// What is written while this runs.
    fn text(log: impl FnOnce()) -> String {
        let written = Written::default();
        let lines = JsonLines {
            service: "test".to_owned(),
            node: "node-1".to_owned(),
        };
        let layer = fmt::layer()
            .fmt_fields(SpanFields)
            .event_format(lines)
            .with_writer(written.clone());
        with_default(registry().with(layer), log);
        String::from_utf8(written.0.lock().unwrap().clone()).unwrap()
    }

    fn without_time(mut line: Value) -> Value {
        assert!(line["timestamp"].is_string(), "{line}");
        for name in ["timestamp", "level", "service", "node", "target"] {
            line.as_object_mut().unwrap().remove(name).expect(name);
        }
        line
    }

    #[test]
    fn a_line_says_what_its_spans_are_called_and_the_nearest_says_it_last() {
        let said = text(|| {
            let outer = info_span!(
                "outer",
                request = "r\"1\":",
                user = field::Empty,
                kind = "outer"
            );
            let _in_outer = outer.enter();
            tracing::info!(count = 3_u64, "first");
            outer.record("user", 7);
            tracing::info!(request = "own", "second");
            let inner = info_span!("inner", kind = "inner", user = field::Empty);
            let _in_inner = inner.enter();
            tracing::info!("third \"quoted\"\n");
            outer.record("user", 8);
            tracing::info!(user = 9, "fourth");
        });
        let said = said.lines().map(|line| serde_json::from_str(line).unwrap());
        let said: Vec<Value> = said.map(without_time).collect();
        assert_eq!(
            said,
            [
                json!({"message": "first", "count": 3, "request": "r\"1\":", "kind": "outer"}),
                json!({"message": "second", "request": "own", "kind": "outer", "user": 7}),
                json!({"message": "third \"quoted\"\n", "request": "r\"1\":", "kind": "inner", "user": 7}),
                json!({"message": "fourth", "request": "r\"1\":", "kind": "inner", "user": 9}),
            ]
        );
    }

    #[test]
    fn no_name_is_in_a_line_twice() {
        let text = text(|| {
            let span = info_span!("span", user = 1);
            let _inside = span.enter();
            span.record("user", 2);
            tracing::info!(user = 3, "said");
        });
        assert_eq!(text.matches("\"user\":").count(), 1, "{text}");
    }
}
