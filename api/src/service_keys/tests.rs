//! Stories of keys.

use jiff::SignedDuration;
use serde_json::{Value, json};
use shared::{clock::Clock, credentials::Role};

use crate::app::testing::{Actor, TestApp};

/// Somebody who shows a key.
fn holder(app: &TestApp, account: &Actor, key: &Value) -> Actor {
    let user = json!({"id": account.id(), "username": account.username()});
    app.actor(&json!({"user": user, "access_token": key["secret"]}))
}

fn everything(account: &Actor) -> Value {
    let scopes = ["publish:users", "publish:room", "publish:broadcast"];
    json!({"user_id": account.id(), "name": "shop", "scopes": scopes})
}

fn order_to(account: &Actor) -> Value {
    json!({"users": [account.id()], "type": "order_shipped", "data": {"order": 7}})
}

#[tokio::test]
async fn a_key_is_shown_once_and_holds_until_it_is_revoked() {
    let app = TestApp::start().await;
    let admin = app.user_with("admin", Role::Admin).await;
    let shop = app.user_with("shop", Role::Service).await;
    let made = admin.post("/admin/keys", &everything(&shop)).await.ok();
    let back_end = holder(&app, &shop, &made);
    let answer = back_end.post("/publish", &order_to(&admin)).await.ok();
    assert_eq!(answer["recipients"], 1);

    let listed = admin.get("/admin/keys").await.ok();
    assert_eq!(listed["items"][0], made["key"]);
    let secret = made["secret"].as_str().unwrap();
    let random = secret.rsplit('_').next().unwrap();
    assert!(!listed.to_string().contains(random), "{listed}");

    let path = format!("/admin/keys/{}", made["key"]["id"]);
    assert_eq!(admin.delete(&path).await.status, 204);
    assert_eq!(admin.delete(&path).await.refusal(), (404, "not_found"));
    let refused = back_end.post("/publish", &order_to(&admin)).await;
    assert_eq!(refused.refusal(), (401, "unauthenticated"));
    let acts = admin.get("/admin/audit").await.ok();
    let acts = acts["items"].as_array().unwrap().iter();
    let acts: Vec<_> = acts.map(|act| act["act"].as_str().unwrap()).collect();
    assert_eq!(acts, ["key_revoked", "key_created"]);
}

#[tokio::test]
async fn a_rotated_key_overlaps_with_the_one_before_it_as_long_as_was_said() {
    let clock = Clock::manual(Clock::System.now());
    let app = TestApp::start_at(clock.clone(), |_| {}).await;
    let admin = app.user_with("admin", Role::Admin).await;
    let shop = app.user_with("shop", Role::Service).await;
    let made = admin.post("/admin/keys", &everything(&shop)).await.ok();
    let path = format!("/admin/keys/{}/rotate", made["key"]["id"]);
    let minute = json!({"overlap_seconds": 60});
    let rotated = admin.post(&path, &minute).await.ok();
    assert_eq!(rotated["key"]["prefix"], made["key"]["prefix"]);
    let (old, new) = (holder(&app, &shop, &made), holder(&app, &shop, &rotated));
    let order = order_to(&admin);
    for key in [&old, &new] {
        key.post("/publish", &order).await.ok();
    }
    clock.advance(SignedDuration::from_secs(60));
    assert_eq!(old.post("/publish", &order).await.status, 401);
    new.post("/publish", &order).await.ok();
    let long = json!({"overlap_seconds": 604_801});
    let refused = admin.post(&path, &long).await;
    assert_eq!(refused.refusal(), (422, "validation_failed"));
}

#[tokio::test]
async fn a_key_is_no_session_and_no_more_than_its_account() {
    let app = TestApp::start().await;
    let admin = app.user_with("admin", Role::Admin).await;
    let ana = app.user("ana").await;
    let refused = admin.post("/admin/keys", &everything(&ana)).await;
    assert_eq!(refused.refusal(), (422, "validation_failed"));
    let shop = app.user_with("shop", Role::Service).await;
    let made = admin.post("/admin/keys", &everything(&shop)).await.ok();
    let back_end = holder(&app, &shop, &made);
    for path in ["/auth/me", "/admin/keys", "/posts"] {
        let refused = back_end.get(path).await;
        assert_eq!(refused.refusal(), (401, "unauthenticated"), "{path}");
    }
    let mut forged = made.clone();
    let secret = made["secret"].as_str().unwrap();
    forged["secret"] = json!(format!("{}AAAA", &secret[..secret.len() - 4]));
    let forger = holder(&app, &shop, &forged);
    assert_eq!(forger.post("/publish", &order_to(&ana)).await.status, 401);
    // The account ceases to be a service's: so does the key.
    let mut tx = app.app().begin().await.unwrap();
    let set = crate::auth::moderation::set_role(&mut tx, shop.id(), Role::User);
    set.await.unwrap();
    tx.commit().await.unwrap();
    assert_eq!(back_end.post("/publish", &order_to(&ana)).await.status, 401);
}

#[tokio::test]
async fn each_key_has_a_rate_of_its_own() {
    let app = TestApp::start_with(|settings| {
        settings.rates.per_key = shared::ratelimit::Rate::new(3, 1);
    })
    .await;
    let admin = app.user_with("admin", Role::Admin).await;
    let shop = app.user_with("shop", Role::Service).await;
    let mut keys = Vec::new();
    for _ in 0..2 {
        let made = admin.post("/admin/keys", &everything(&shop)).await.ok();
        keys.push(holder(&app, &shop, &made));
    }
    let order = order_to(&admin);
    let mut last = 200;
    for _ in 0..10 {
        last = keys[0].post("/publish", &order).await.status;
    }
    assert_eq!(last, 429);
    keys[1].post("/publish", &order).await.ok();
}
