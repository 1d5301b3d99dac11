use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::{Document, print};
use crate::{
    app::testing::{TestApp, assert_fits},
    features,
};

fn document() -> Value {
    Document::new(&features()).to_value()
}

#[test]
fn the_document_is_valid_asyncapi() {
    let schema: Value = serde_json::from_str(include_str!("asyncapi-3.0.schema.json")).unwrap();
    let validator = jsonschema::draft7::new(&schema).unwrap();
    assert_fits(&document(), &validator);
}

#[test]
fn every_payload_is_a_schema_and_every_reference_leads_somewhere() {
    let document = document();
    for (key, message) in document["components"]["messages"].as_object().unwrap() {
        jsonschema::draft7::new(&message["payload"])
            .unwrap_or_else(|error| panic!("{key}: {error}"));
        assert!(!message["summary"].as_str().unwrap().is_empty(), "{key}");
    }
    let mut references = Vec::new();
    collect(&document, &mut references);
    assert!(references.len() > 200, "{}", references.len());
    for reference in references {
        let pointer = reference.strip_prefix('#').unwrap();
        assert!(document.pointer(pointer).is_some(), "{reference}");
    }
}

fn collect(value: &Value, references: &mut Vec<String>) {
    match value {
        Value::Object(fields) => {
            let reference = fields.get("$ref").and_then(Value::as_str);
            references.extend(reference.map(str::to_owned));
            fields.values().for_each(|value| collect(value, references));
        }
        Value::Array(values) => values.iter().for_each(|value| collect(value, references)),
        _ => {}
    }
}

/// The first column of a table in `docs/protocol.md`.
fn documented(heading: &str) -> BTreeSet<String> {
    let text = include_str!("../../../../docs/protocol.md");
    let (_, section) = text.split_once(heading).unwrap();
    let section = section.split("\n## ").next().unwrap();
    let rows = section.lines().filter(|line| line.starts_with("| `"));
    let cells = rows.filter_map(|row| row.split('|').nth(1));
    let names = cells.flat_map(|cell| cell.split(','));
    names
        .map(|name| name.trim().trim_matches('`').to_owned())
        .collect()
}

fn messages(prefixes: &[&str]) -> BTreeSet<String> {
    let document = document();
    let keys = document["components"]["messages"]
        .as_object()
        .unwrap()
        .keys();
    let names = keys.filter_map(|key| {
        let (prefix, name) = key.split_once('.')?;
        prefixes.contains(&prefix).then(|| name.to_owned())
    });
    names.collect()
}

#[test]
fn it_has_the_events_and_commands_of_the_protocol_s_tables() {
    let told = messages(&["event", "frame"]);
    let missing: Vec<_> = documented("\n## Events\n")
        .difference(&told)
        .cloned()
        .collect();
    assert_eq!(missing, Vec::<String>::new());
    let events = messages(&["event"]);
    let known = documented("\n## Events\n")
        .union(&documented("## State and stream"))
        .cloned()
        .collect();
    let unknown: Vec<_> = events.difference(&known).collect();
    assert_eq!(
        unknown,
        Vec::<&String>::new(),
        "say in docs/protocol.md when they come"
    );
    let taken = messages(&["command"]);
    let missing: Vec<_> = documented("\n## Commands\n")
        .difference(&taken)
        .cloned()
        .collect();
    assert_eq!(missing, Vec::<String>::new());
}

#[test]
fn what_listeners_of_socket_io_get_has_ids_as_texts() {
    let document = document();
    let message = &document["components"]["messages"]["emitted.private_message"];
    assert_eq!(message["name"], "new_message");
    let data = &message["payload"]["allOf"][0]["properties"];
    assert_eq!(data["conversationId"]["type"], "string");
    assert_eq!(data["sender"]["properties"]["id"]["type"], "string");
    assert_eq!(data["seq"]["type"], "integer");
    let sent =
        &document["components"]["messages"]["heard.send_notification"]["payload"]["anyOf"][0];
    let required = json!(["userId", "type", "title", "content"]);
    assert_eq!(sent["required"], required);
    assert_eq!(sent["properties"]["userId"]["type"], "string");
    let typing = &document["components"]["messages"]["heard.typing_start"]["payload"]["anyOf"][0];
    assert!(typing["properties"]["receiverId"].is_object(), "{typing}");
    let online = &document["components"]["messages"]["emitted.user_connected"];
    assert_eq!(online["name"], "user_online");
    assert_eq!(online["payload"]["type"], "string");
}

#[tokio::test]
async fn the_document_is_served_and_events_are_what_it_says() {
    let app = TestApp::start().await;
    let served = app.visitor().get("/asyncapi.json").await.ok();
    assert_eq!(served, document());
    assert_eq!(
        serde_json::from_str::<Value>(&print(&features())).unwrap(),
        served
    );

    let (ana, bo) = (app.user("ana").await, app.user("bob").await);
    let message = json!({"to": bo.id(), "content": "hello"});
    ana.post("/messages", &message).await.ok();
    let heard = bo.hears("private_message").await;
    let data =
        &served["components"]["messages"]["event.private_message"]["payload"]["properties"]["data"];
    let validator = jsonschema::draft7::new(data).unwrap();
    assert!(validator.is_valid(heard.data()), "{}", heard.data());
    assert!(!validator.is_valid(&json!({"message_id": 7})));
}
