//! Commands as gateways forward them.

use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::{Value, json};
use shared::{ids::UserId, wire::Code};

use super::{Command, Registry};
use crate::{
    app::{
        App,
        error::Error,
        http::{
            SignedIn,
            json::{Input, Wrong},
        },
        testing::{TestApp, TestStores},
    },
    features,
};

#[derive(Deserialize, JsonSchema)]
struct Greet {
    to: UserId,
    greeting: String,
}

impl Input for Greet {
    fn check(&self, wrong: &mut Wrong) {
        wrong.unless_text("greeting", &self.greeting, 10);
    }
}

async fn greet(_: App, caller: SignedIn, input: Greet) -> Result<Value, Error> {
    if input.to == caller.user_id {
        return Err(Error::new(Code::SelfNotAllowed, "greet somebody else"));
    }
    Ok(json!({"greeted": input.to}))
}

#[tokio::test]
async fn a_command_s_fields_are_checked_like_a_body_s_and_its_errors_keep_their_codes() {
    let stores = TestStores::create().await;
    let (app, ..) = stores.pod("api-1");
    let registry = Registry::new([Command::new("greet", greet)]);
    let caller = SignedIn {
        user_id: UserId::new(1).unwrap(),
        session_id: "1".parse().unwrap(),
        role: shared::credentials::Role::User,
    };
    for (name, fields, expected) in [
        (
            "greet",
            json!({"to": 2, "greeting": "hi"}),
            Ok(r#"{"greeted":2}"#),
        ),
        (
            "greet",
            json!({"to": "2", "greeting": "hi", "type": "greet"}),
            Ok(r#"{"greeted":2}"#),
        ),
        (
            "greet",
            json!({"to": 1, "greeting": "hi"}),
            Err(Code::SelfNotAllowed),
        ),
        (
            "greet",
            json!({"to": 0, "greeting": "hi"}),
            Err(Code::ValidationFailed),
        ),
        ("greet", json!({"to": 2}), Err(Code::ValidationFailed)),
        (
            "greet",
            json!({"to": 2, "greeting": " "}),
            Err(Code::ValidationFailed),
        ),
        (
            "greet",
            json!({"to": 2, "greeting": "\0"}),
            Err(Code::ValidationFailed),
        ),
        (
            "grate",
            json!({"to": 2, "greeting": "hi"}),
            Err(Code::UnknownType),
        ),
    ] {
        let payload = fields.to_string().into();
        let outcome = registry.run(app.clone(), caller, name, payload).await;
        let outcome = outcome.as_ref().map(|data| data.get()).map_err(Error::code);
        assert_eq!(outcome, expected, "{name} {fields}");
    }
}

#[tokio::test]
async fn gateways_get_the_client_s_refusal_as_an_answer() {
    let app = TestApp::start().await;
    let ana = app.user("ana").await;
    let problem = app
        .command(&ana, "brew_coffee", json!({}))
        .await
        .unwrap_err();
    assert_eq!(problem["code"], "unknown_type");
    let refused = app
        .internal("/commands", &json!({"name": "brew_coffee"}))
        .await;
    assert_eq!(refused.refusal(), (400, "invalid_request"));
}

#[test]
fn no_two_features_have_a_command_of_one_name() {
    let features = features();
    let commands = features
        .iter()
        .flat_map(|feature| feature.commands.iter().cloned());
    let mut names: Vec<&str> = commands.clone().map(|command| command.name()).collect();
    Registry::new(commands);
    names.sort_unstable();
    assert!(names.contains(&"private"), "{names:?}");
}
