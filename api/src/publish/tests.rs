//! Stories of other back ends.

use bytes::Bytes;
use hyper::{Method, Request};
use serde_json::{Value, json};
use shared::{
    credentials::Role,
    ids::UserId,
    testing::Answer,
    wire::{Channel, Class},
};

use crate::app::testing::{Actor, TestApp};

async fn publish(app: &TestApp, who: &Actor, idempotency_key: &str, body: &Value) -> Answer {
    let request = Request::builder()
        .method(Method::POST)
        .uri(format!("{}/api/v1/publish", app.http().base()))
        .header("authorization", format!("Bearer {}", who.token()))
        .header("content-type", "application/json")
        .header("idempotency-key", idempotency_key)
        .body(Bytes::from(body.to_string()).into());
    app.http().send_raw(request.unwrap()).await.unwrap()
}

async fn key_of(app: &TestApp, service: &Actor, scopes: &[&str]) -> Actor {
    let admin = app.user_with("admin", Role::Admin).await;
    let wish = json!({"user_id": service.id(), "name": "shop", "scopes": scopes});
    let made = admin.post("/admin/keys", &wish).await.ok();
    let user = json!({"id": service.id(), "username": service.username()});
    app.actor(&json!({"user": user, "access_token": made["secret"]}))
}

#[tokio::test]
async fn a_durable_event_is_in_the_log_of_each_of_its_people_once() {
    let app = TestApp::start().await;
    let shop = app.user_with("shop", Role::Service).await;
    let back_end = key_of(&app, &shop, &["publish:users"]).await;
    let (ana, bob) = (app.user("ana").await, app.user("bob").await);
    let order = json!({
        "users": [ana.id(), bob.id(), ana.id(), 999_999], "type": "order_shipped",
        "data": {"order": 7}, "durable": true,
    });
    let first = publish(&app, &back_end, "order-7", &order).await;
    assert_eq!(first.status, 200, "{}", first.json);
    assert_eq!(first.json["recipients"], 2);
    assert_eq!(first.json["unknown_users"], json!([999_999]));
    let again = publish(&app, &back_end, "order-7", &order).await;
    assert_eq!(again.headers["idempotent-replayed"], "true");
    assert_eq!(again.json, first.json);
    for person in [&ana, &bob] {
        let heard = person.hears("order_shipped").await;
        assert_eq!(heard.data(), &json!({"order": 7}));
        assert_eq!(json!(heard.event.id), first.json["event_id"]);
        assert_eq!(heard.event.class, Class::Durable);
        assert_eq!(heard.offset(), 1);
        assert!(person.unheard().is_empty());
    }
}

#[tokio::test]
async fn a_session_of_a_service_account_publishes_and_nobody_else_s_does() {
    let app = TestApp::start().await;
    let shop = app.user_with("shop", Role::Service).await;
    let admin = app.user_with("admin", Role::Admin).await;
    let ana = app.user("ana").await;
    app.ears().join(Channel::Broadcast).await;
    let sale = json!({"broadcast": true, "type": "sale", "data": {}});
    for refused in [&ana, &admin] {
        let refused = refused.post("/publish", &sale).await;
        assert_eq!(refused.refusal(), (403, "forbidden"));
    }
    let nobody = app.visitor().post("/publish", &sale).await;
    assert_eq!(nobody.refusal(), (401, "unauthenticated"));
    let answer = shop.post("/publish", &sale).await.ok();
    let heard = app.ears().hear(Channel::Broadcast, "sale").await;
    assert_eq!(json!(heard.event.id), answer["event_id"]);
    assert_eq!(answer["recipients"], Value::Null);

    let post = ana.post("/posts", &json!({"content": "a post"})).await.ok();
    let room = format!("post:{}", post["id"]);
    let room: Channel = room.parse().unwrap();
    app.ears().join(room).await;
    let price = json!({"room": room, "type": "price", "data": {"euro": 3}});
    shop.post("/publish", &price).await.ok();
    app.ears().hear(room, "price").await;
    let group = ana.post("/groups", &json!({"name": "Runners"})).await.ok();
    let group = json!({
        "room": format!("group:{}", group["id"]), "type": "price", "data": {}, "durable": true,
    });
    shop.post("/publish", &group).await.ok();
    for unknown in ["post:999999", "group:999999"] {
        let price = json!({"room": unknown, "type": "price", "data": {}});
        let refused = shop.post("/publish", &price).await;
        assert_eq!(refused.refusal(), (404, "not_found"));
    }
}

#[tokio::test]
async fn a_key_does_what_it_was_made_for_and_nothing_speaks_in_the_product_s_name() {
    let app = TestApp::start().await;
    let shop = app.user_with("shop", Role::Service).await;
    let back_end = key_of(&app, &shop, &["publish:users"]).await;
    let sale = json!({"broadcast": true, "type": "sale", "data": {}});
    let refused = back_end.post("/publish", &sale).await;
    assert_eq!(refused.refusal(), (403, "forbidden"));
    let many: Vec<i64> = (1..=1001).collect();
    for wrong in [
        json!({"users": [1], "broadcast": true, "type": "sale", "data": {}}),
        json!({"type": "sale", "data": {}}),
        json!({"users": [], "type": "sale", "data": {}}),
        json!({"users": many, "type": "sale", "data": {}}),
        json!({"users": [1], "type": "sale", "data": 7}),
        json!({"users": [1], "type": "Sale!", "data": {}}),
        json!({"users": [1], "type": "private_message", "data": {}}),
        json!({"users": [1], "type": "welcome", "data": {}}),
        json!({"room": "user:1", "type": "sale", "data": {}}),
        json!({"room": "post:1", "type": "sale", "data": {}, "durable": true}),
    ] {
        let refused = shop.post("/publish", &wrong).await;
        assert_eq!(refused.refusal(), (422, "validation_failed"), "{wrong}");
    }
}

#[tokio::test]
async fn a_thousand_people_are_told_by_one_request() {
    let app = TestApp::start().await;
    let shop = app.user_with("shop", Role::Service).await;
    let last = app.user("ana").await;
    let first = last.id().get() + 1;
    let db = app.app().read().await.unwrap();
    let people = "
        insert into users (username, email, password_hash, created_at, updated_at)
        select 'p' || n, 'p' || n || '@example.com', '!', now(), now() from generate_series(1, 999) n";
    db.execute(people, &[]).await.unwrap();
    let users: Vec<i64> = (first..first + 999).chain([last.id().get()]).collect();
    let order = json!({"users": users, "type": "order_shipped", "data": {}, "durable": true});
    let answer = shop.post("/publish", &order).await.ok();
    assert_eq!(answer["recipients"], 1000);
    assert_eq!(answer["unknown_users"], json!([]));
    last.hears("order_shipped").await;
    let one = Channel::User(UserId::new(first).unwrap());
    let heads = crate::app::event_log::EventLog::new(app.app());
    assert_eq!(heads.heads(&[one]).await.unwrap()[0].offset, 1);
}
