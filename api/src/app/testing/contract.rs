//! Every answer that a test gets over HTTP is held against the OpenAPI document: its status, its problem code, its body.
//! So every story is a test of the contract too, and a refusal that nobody declared fails the story that meets it.

use std::{
    collections::HashMap,
    sync::{Arc, LazyLock, Mutex},
};

use hyper::Method;
use jsonschema::Validator;
use serde_json::{Value, json};

use crate::{app::openapi, features};

static CONTRACT: LazyLock<Contract> = LazyLock::new(Contract::read);

/// Panics where the answer is none that the document tells of. `path` is below `/api/v1`.
pub(super) fn check(method: &Method, path: &str, status: u16, body: &Value) {
    if let Err(breach) = CONTRACT.check(method, path, status, body) {
        panic!("{method} {path} answered {status} {body}, but {breach}");
    }
}

/// Panics unless a document is what its official schema asks for.
#[track_caller]
pub(crate) fn assert_fits(document: &Value, schema: &Validator) {
    let errors = schema.iter_errors(document);
    let errors: Vec<_> = errors
        .map(|error| format!("{error} at {}", error.instance_path()))
        .collect();
    assert_eq!(errors, Vec::<String>::new());
}

struct Contract {
    document: Value,
    /// Made when they are needed first: a test meets few of them.
    validators: Mutex<HashMap<String, Arc<Validator>>>,
}

impl Contract {
    fn read() -> Self {
        let document = serde_json::from_str(&openapi::print(features())).expect("it is JSON");
        let validators = Mutex::default();
        Self {
            document,
            validators,
        }
    }

    fn check(&self, method: &Method, path: &str, status: u16, body: &Value) -> Result<(), String> {
        let path = path.split('?').next().unwrap_or_default();
        let Some(template) = self.template(path) else {
            return match status {
                404 => Ok(()),
                _ => Err("the document has no such path".to_owned()),
            };
        };
        let name = method.as_str().to_lowercase();
        let operation = &self.document["paths"][&template][&name];
        if operation.is_null() {
            return match status {
                405 => Ok(()),
                _ => Err(format!("the document has no {name} there")),
            };
        }
        let response = &operation["responses"][status.to_string()];
        if response.is_null() {
            return Err(format!("the document has no {status} there"));
        }
        let Some(content) = response["content"].as_object() else {
            return match body {
                Value::Null => Ok(()),
                _ => Err("the document has no body there".to_owned()),
            };
        };
        let schema = content
            .values()
            .next()
            .map_or(&Value::Null, |media| &media["schema"]);
        let validator = self.validator(format!("{name} {template} {status}"), schema);
        validator
            .validate(body)
            .map_err(|error| format!("{error} at {}", error.instance_path()))
    }

    /// The path in the document that a request's path is one of: that with the fewest parameters.
    fn template(&self, path: &str) -> Option<String> {
        let is_parameter = |part: &str| part.starts_with('{');
        let parts: Vec<&str> = path.split('/').collect();
        let paths = self.document["paths"].as_object().expect("it has paths");
        let fitting = paths.keys().filter(|template| {
            let own: Vec<&str> = template.split('/').collect();
            let fits = |(own, given): (&&str, &&str)| is_parameter(own) || own == given;
            own.len() == parts.len() && own.iter().zip(&parts).all(fits)
        });
        let fewest = fitting.min_by_key(|template| template.matches('{').count());
        fewest.cloned()
    }

    fn validator(&self, name: String, schema: &Value) -> Arc<Validator> {
        let make = || {
            let components = &self.document["components"];
            let schema = json!({"allOf": [schema], "components": components});
            let options = jsonschema::draft202012::options().should_validate_formats(true);
            Arc::new(options.build(&schema).expect("a valid schema"))
        };
        let mut validators = self
            .validators
            .lock()
            .expect("no test panics while it holds it");
        Arc::clone(validators.entry(name).or_insert_with(make))
    }
}
