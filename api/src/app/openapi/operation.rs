//! What is known of one route and method.

use axum::http::Method;
use schemars::{
    JsonSchema, Schema, SchemaGenerator,
    generate::SchemaSettings,
    transform::{RecursiveTransform, Transform},
};
use serde_json::{Value, json};
use shared::{credentials::Role, wire::Code};

/// Something that a handler takes.
#[diagnostic::on_unimplemented(
    message = "`{Self}` does not say what it means in the OpenAPI document",
    note = "implement `Argument` in `app/openapi/arguments.rs`"
)]
pub trait Argument {
    /// Adds what it asks of a request, and how it refuses one.
    fn describe(operation: &mut Operation<'_>);
}

/// Something that a handler answers.
#[diagnostic::on_unimplemented(
    message = "`{Self}` does not say what it means in the OpenAPI document",
    note = "answer `Json<T>`, `Created<T>`, `Stored<T>` or `NoContent`; `T` derives `JsonSchema`"
)]
pub trait Outcome {
    /// Adds the answers that are a success.
    fn describe(operation: &mut Operation<'_>);
}

/// The document's schemas, collected while its operations are described.
#[derive(Debug)]
pub(super) struct Schemas {
    /// What clients send. Written in place, because each is used once.
    asked: SchemaGenerator,
    /// What they are answered: named, and referred to.
    pub(super) answered: SchemaGenerator,
}

impl Default for Schemas {
    fn default() -> Self {
        let settings = SchemaSettings::draft2020_12().with(|settings| settings.meta_schema = None);
        let asked = settings.clone().for_deserialize();
        let asked = asked.with(|settings| settings.inline_subschemas = true);
        let answered = settings.for_serialize();
        let answered =
            answered.with(|settings| settings.definitions_path = "/components/schemas".into());
        Self {
            asked: asked.into_generator(),
            answered: answered.into_generator(),
        }
    }
}

/// A successful answer.
#[derive(Debug)]
pub(super) struct Success {
    pub(super) status: u16,
    pub(super) schema: Option<Schema>,
}

/// A parameter in the query or a header.
#[derive(Debug)]
pub(super) struct Parameter {
    pub(super) place: &'static str,
    pub(super) name: String,
    pub(super) is_required: bool,
    pub(super) schema: Value,
}

/// A route and method while it is described.
#[derive(Debug)]
pub struct Operation<'a> {
    schemas: &'a mut Schemas,
    pub(super) method: Method,
    pub(super) needs_session: bool,
    pub(super) takes_key: bool,
    /// The role that a caller must have.
    pub(super) role: Option<Role>,
    /// Those in the path, in their order there.
    pub(super) path: Vec<Schema>,
    pub(super) parameters: Vec<Parameter>,
    pub(super) body: Option<Schema>,
    pub(super) successes: Vec<Success>,
    pub(super) problems: Vec<Code>,
}

impl<'a> Operation<'a> {
    pub(super) fn new(method: Method, schemas: &'a mut Schemas) -> Self {
        Self {
            schemas,
            method,
            needs_session: false,
            takes_key: false,
            role: None,
            path: Vec::new(),
            parameters: Vec::new(),
            body: None,
            successes: Vec::new(),
            problems: Vec::new(),
        }
    }

    /// Only who is signed in gets through.
    pub fn needs_session(&mut self) {
        self.needs_session = true;
    }

    /// Only who has this role gets through.
    pub fn needs_role(&mut self, role: Role) {
        self.role = Some(role);
    }

    /// A service account's key will do.
    pub fn takes_key(&mut self) {
        self.takes_key = true;
    }

    /// It may be refused with these.
    pub fn refuses(&mut self, codes: &[Code]) {
        for code in codes {
            if !self.problems.contains(code) {
                self.problems.push(*code);
            }
        }
    }

    /// The path has parts of these types: one, or a tuple.
    pub(super) fn takes_path<T: JsonSchema>(&mut self) {
        let schema = T::json_schema(&mut self.schemas.asked);
        self.path = match schema.get("prefixItems").and_then(Value::as_array) {
            Some(parts) => parts
                .iter()
                .filter_map(|part| part.clone().try_into().ok())
                .collect(),
            None => vec![schema],
        };
    }

    /// The query has a parameter for each field of this type.
    pub(super) fn takes_query<T: JsonSchema>(&mut self) {
        let schema = asked(T::json_schema(&mut self.schemas.asked));
        let required = schema.get("required").and_then(Value::as_array);
        let required = required.cloned().unwrap_or_default();
        let fields = schema.get("properties").and_then(Value::as_object);
        for (name, schema) in fields.into_iter().flatten() {
            let is_required = required.iter().any(|required| required == name);
            // There is no null in a query: what is not given is left out.
            self.takes_parameter("query", name, is_required, without_null(schema));
        }
    }

    /// A parameter in the query or a header.
    pub(super) fn takes_parameter(
        &mut self,
        place: &'static str,
        name: &str,
        is_required: bool,
        schema: Value,
    ) {
        if self.parameters.iter().any(|known| known.name == name) {
            return;
        }
        self.parameters.push(Parameter {
            place,
            name: name.to_owned(),
            is_required,
            schema,
        });
    }

    /// The body is one of these, in JSON.
    pub(super) fn takes_body<T: JsonSchema>(&mut self) {
        self.body = Some(asked(T::json_schema(&mut self.schemas.asked)));
    }

    /// Success is this status with one of these in JSON.
    pub(in crate::app) fn answers<T: JsonSchema>(&mut self, status: u16) {
        let schema = Some(self.schemas.answered.subschema_for::<T>());
        self.successes.push(Success { status, schema });
    }

    /// Success is this status, without a body.
    pub(super) fn answers_nothing(&mut self, status: u16) {
        let schema = None;
        self.successes.push(Success { status, schema });
    }
}

/// A schema of what clients send, with numbers within their types.
fn asked(mut schema: Schema) -> Schema {
    RecursiveTransform(|schema: &mut Schema| {
        let bounds = match schema.get("format").and_then(Value::as_str) {
            Some("int32") => [json!(i32::MIN), json!(i32::MAX)],
            Some("int64") => [json!(i64::MIN), json!(i64::MAX)],
            _ => return,
        };
        for (bound, value) in ["minimum", "maximum"].into_iter().zip(bounds) {
            if schema.get(bound).is_none() {
                schema.insert(bound.to_owned(), value);
            }
        }
    })
    .transform(&mut schema);
    schema
}

fn without_null(schema: &Value) -> Value {
    let mut schema = schema.clone();
    if let Some(Value::Array(kinds)) = schema.get("type")
        && let [kind, Value::String(null)] = &kinds[..]
        && null == "null"
    {
        schema["type"] = kind.clone();
    }
    if let Some(kinds) = schema.get_mut("anyOf").and_then(Value::as_array_mut) {
        kinds.retain(|kind| kind["type"] != "null");
    }
    schema
}
