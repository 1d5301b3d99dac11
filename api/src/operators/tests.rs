//! Stories of operators.

use serde_json::json;
use shared::{
    connections::{Connection, Connections, Name},
    credentials::Role,
    ids::UserId,
};

use crate::app::testing::TestApp;

fn connection(user_id: UserId, opened_at_ms: i64) -> Connection {
    Connection {
        user_id,
        name: Name::random(),
        opened_at_ms,
    }
}

#[tokio::test]
async fn connections_of_all_nodes_are_listed_and_told_to_close() {
    let app = TestApp::start().await;
    let admin = app.user_with("admin", Role::Admin).await;
    let bob = app.user("bob").await;
    let mut open = Vec::new();
    for (at, node) in ["gateway-1", "gateway-2"].into_iter().enumerate() {
        let roster = Connections::new(app.app().bus().clone(), 10).called(node);
        roster.renew().await.unwrap();
        let new = connection(bob.id(), i64::try_from(at).unwrap());
        roster.enter(&[new]).await.unwrap();
        open.push(new.name);
    }
    // Of a node that is there no more.
    let dead = Connections::new(app.app().bus().clone(), 10).called("dead");
    dead.enter(&[connection(bob.id(), 5)]).await.unwrap();

    let path = format!("/admin/users/{}", bob.id());
    let listed = admin.get(&format!("{path}/connections")).await.ok();
    let expected = json!([
        {"connection_id": open[0].to_string(), "node": "gateway-1", "opened_at": "1970-01-01T00:00:00.000Z"},
        {"connection_id": open[1].to_string(), "node": "gateway-2", "opened_at": "1970-01-01T00:00:00.001Z"},
    ]);
    assert_eq!(listed["items"], expected);
    let one = format!("{path}/disconnect?connection_id={}", open[1]);
    let told = admin.post(&one, &json!({})).await.ok();
    assert_eq!(told["connections"], 1);
    let heard = bob.hears("disconnect").await;
    assert!(heard.event.control);
    let one = json!({"connection_id": open[1].to_string()});
    assert_eq!(heard.data(), &one);
    let all = format!("{path}/disconnect");
    assert_eq!(admin.post(&all, &json!({})).await.ok()["connections"], 2);
    let heard = bob.hears("disconnect").await;
    assert_eq!(heard.data(), &json!({}));
    let wrong = format!("{path}/disconnect?connection_id=7");
    let refused = admin.post(&wrong, &json!({})).await;
    assert_eq!(refused.refusal(), (422, "validation_failed"));
    for unknown in ["connections", "disconnect"] {
        let path = format!("/admin/users/999999/{unknown}");
        let refused = match unknown {
            "connections" => admin.get(&path).await,
            _ => admin.post(&path, &json!({})).await,
        };
        assert_eq!(refused.refusal(), (404, "not_found"), "{unknown}");
    }
}

#[tokio::test]
async fn whoever_is_suspended_is_out_and_every_act_is_written_down() {
    let app = TestApp::start().await;
    let admin = app.user_with("admin", Role::Admin).await;
    let bob = app.user("bob").await;
    let path = format!("/admin/users/{}", bob.id());
    let none = json!({});
    let suspend = admin.post(&format!("{path}/suspend"), &none).await;
    assert_eq!(suspend.status, 204);
    bob.hears("session_revoked").await;
    assert_eq!(
        bob.get("/auth/me").await.refusal(),
        (401, "session_revoked")
    );
    let unsuspend = admin.post(&format!("{path}/unsuspend"), &none).await;
    assert_eq!(unsuspend.status, 204);
    let role = json!({"role": "service"});
    let changed = admin.put(&format!("{path}/role"), &role).await;
    assert_eq!(changed.status, 204);
    let unknown = admin
        .put(&format!("{path}/role"), &json!({"role": "god"}))
        .await;
    assert_eq!(unknown.refusal(), (422, "validation_failed"));
    let word = json!({"content": "back in five minutes"});
    assert_eq!(admin.post("/broadcast", &word).await.status, 204);

    let acts = admin.get("/admin/audit").await.ok();
    let acts = acts["items"].as_array().unwrap().iter().rev();
    let acts: Vec<_> = acts
        .map(|act| {
            (
                act["act"].as_str().unwrap(),
                act["subject"].as_str().unwrap(),
            )
        })
        .collect();
    let whom = format!("user:{}", bob.id());
    let whom = whom.as_str();
    assert_eq!(
        acts,
        [
            ("user_suspended", whom),
            ("user_unsuspended", whom),
            ("role_changed", whom),
            ("broadcast", "broadcast"),
        ]
    );
}

#[tokio::test]
async fn nobody_takes_the_last_admin_away_by_acting_on_themselves() {
    let app = TestApp::start().await;
    let admin = app.user_with("admin", Role::Admin).await;
    let path = format!("/admin/users/{}", admin.id());
    let suspend = admin.post(&format!("{path}/suspend"), &json!({})).await;
    assert_eq!(suspend.refusal(), (409, "self_not_allowed"));
    let role = json!({"role": "user"});
    let role = admin.put(&format!("{path}/role"), &role).await;
    assert_eq!(role.refusal(), (409, "self_not_allowed"));
}

#[tokio::test]
async fn a_gateway_s_broadcast_is_written_down() {
    let app = TestApp::start().await;
    let admin = app.user_with("admin", Role::Admin).await;
    let said = json!({"user_id": admin.id(), "content": "back in five minutes"});
    app.internal("/broadcasts", &said).await.ok();
    let acts = admin.get("/admin/audit").await.ok();
    assert_eq!(acts["items"][0]["act"], "broadcast");
    assert_eq!(acts["items"][0]["actor_id"], json!(admin.id()));
}
