//! Whom somebody may reach from a socket.

use serde_json::{Value, json};

use crate::app::testing::{Actor, TestApp};

async fn reaches(app: &TestApp, who: &Actor, purpose: &str, target: Value) -> Value {
    let mut asked = target;
    asked["user_id"] = json!(who.id());
    asked["purpose"] = json!(purpose);
    app.internal("/reach", &asked).await.ok()
}

#[tokio::test]
async fn typing_reaches_the_other_one_of_an_open_conversation() {
    let app = TestApp::start().await;
    let (ana, bob, eve) = (
        app.user("ana").await,
        app.private_user("bob").await,
        app.user("eve").await,
    );
    let to_bob = json!({"to": bob.id()});
    let none = reaches(&app, &ana, "typing", to_bob.clone()).await;
    assert_eq!(none["problem"]["code"], "not_found", "{none}");
    let message = json!({"to": bob.id(), "content": "may I?"});
    let sent = ana.post("/messages", &message).await.ok();
    let conversation = sent["conversation_id"].clone();
    // He has not accepted it.
    for who in [&ana, &bob] {
        let target = json!({"conversation_id": conversation});
        let refused = reaches(&app, who, "typing", target).await;
        assert_eq!(refused["problem"]["code"], "message_request_pending");
    }
    let accept = json!({"conversation_id": conversation, "action": "accept"});
    bob.post("/messages/requests", &accept).await.ok();
    let reach = json!({"to": bob.id(), "conversation_id": conversation, "group_id": null});
    for target in [to_bob.clone(), json!({"conversation_id": conversation})] {
        let reached = reaches(&app, &ana, "typing", target).await;
        assert_eq!(reached, json!({ "reach": reach }));
    }
    let target = json!({"conversation_id": conversation});
    let foreign = reaches(&app, &eve, "typing", target).await;
    assert_eq!(foreign["problem"]["code"], "not_found");
    let oneself = reaches(&app, &ana, "typing", json!({"to": ana.id()})).await;
    assert_eq!(oneself["problem"]["code"], "self_not_allowed");
    bob.blocks(&ana).await;
    for (who, other) in [(&ana, &bob), (&bob, &ana)] {
        for purpose in ["typing", "signal"] {
            let refused = reaches(&app, who, purpose, json!({"to": other.id()})).await;
            assert_eq!(refused["problem"]["code"], "not_found", "{refused}");
        }
    }
}

#[tokio::test]
async fn typing_in_a_group_is_for_its_members_while_they_are_few() {
    let app = TestApp::start().await;
    let (ana, bob) = (app.user("ana").await, app.user("bob").await);
    let group = ana.post("/groups", &json!({"name": "Runners"})).await.ok();
    let target = json!({"group_id": group["id"]});
    let by_conversation = json!({"conversation_id": group["conversation_id"]});
    for target in [target.clone(), by_conversation] {
        let reached = reaches(&app, &ana, "typing", target).await;
        assert_eq!(reached["reach"]["group_id"], group["id"], "{reached}");
        assert_eq!(reached["reach"]["to"], Value::Null);
    }
    let refused = reaches(&app, &bob, "typing", target.clone()).await;
    assert_eq!(refused["problem"]["code"], "not_a_member");
    let db = app.app().read().await.unwrap();
    let crowd = "update groups set member_count = 101 where id = $1";
    let id = group["id"].as_i64().unwrap();
    db.execute(crowd, &[&id]).await.unwrap();
    let off = reaches(&app, &ana, "typing", target).await;
    assert_eq!(off["problem"]["code"], "typing_off");
}

#[tokio::test]
async fn a_signal_needs_a_conversation_of_both() {
    let app = TestApp::start().await;
    let (ana, bob) = (app.user("ana").await, app.user("bob").await);
    let to_bob = json!({"to": bob.id()});
    let refused = reaches(&app, &ana, "signal", to_bob.clone()).await;
    assert_eq!(refused["problem"]["code"], "forbidden");
    let group = ana.post("/groups", &json!({"name": "Runners"})).await.ok();
    let path = format!("/groups/{}/join", group["id"]);
    bob.post(&path, &json!({})).await.ok();
    let reached = reaches(&app, &ana, "signal", to_bob.clone()).await;
    assert_eq!(reached["reach"]["to"], json!(bob.id()), "{reached}");
    let path = format!("/groups/{}/leave", group["id"]);
    bob.post(&path, &json!({})).await.ok();
    let refused = reaches(&app, &ana, "signal", to_bob.clone()).await;
    assert_eq!(refused["problem"]["code"], "forbidden");
    let message = json!({"to": bob.id(), "content": "hello"});
    ana.post("/messages", &message).await.ok();
    let reached = reaches(&app, &ana, "signal", to_bob).await;
    assert_eq!(reached["reach"]["to"], json!(bob.id()));
}

#[tokio::test]
async fn a_question_names_one_target() {
    let app = TestApp::start().await;
    let ana = app.user("ana").await;
    for (purpose, target) in [
        ("typing", json!({})),
        ("typing", json!({"to": 2, "group_id": 3})),
        ("signal", json!({"group_id": 3})),
        ("signal", json!({"conversation_id": 3})),
    ] {
        let mut asked = target;
        asked["user_id"] = json!(ana.id());
        asked["purpose"] = json!(purpose);
        let refused = app.internal("/reach", &asked).await;
        assert_eq!(refused.refusal(), (422, "validation_failed"), "{asked}");
    }
}
