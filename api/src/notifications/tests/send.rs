//! What other back ends and operators tell people in their own words.

use serde_json::{Value, json};
use shared::{credentials::Role, ids::UserId};

use super::unread_count;
use crate::app::testing::{Actor, TestApp};

fn parcel(to: UserId) -> Value {
    json!({
        "user_id": to, "notification_type": "parcel", "title": "Your parcel", "content": "is at the door",
    })
}

async fn sends(app: &TestApp, who: &Actor, wish: Value) -> Result<Value, Value> {
    app.command(who, "send_notification", wish).await
}

#[tokio::test]
async fn service_accounts_and_admins_tell_people_and_nobody_else_does() {
    let app = TestApp::start().await;
    let ana = app.user("ana").await;
    let admin = app.user_with("admin", Role::Admin).await;
    let shop = app.user_with("shop", Role::Service).await;
    let bob = app.user("bob").await;
    for sender in [&shop, &admin] {
        let sent = sends(&app, sender, parcel(ana.id())).await.unwrap();
        assert_eq!(sent, json!({"user_id": ana.id()}));
        let heard = ana.hears("notification").await;
        let told = &heard.data()["notification"];
        for (field, expected) in [
            ("type", json!("parcel")),
            ("title", json!("Your parcel")),
            ("message", json!("is at the door")),
            ("related_id", Value::Null),
            ("data", json!({})),
        ] {
            assert_eq!(told[field], expected, "{field}");
        }
        assert_eq!(told["actor"]["id"], json!(sender.id()));
        assert_eq!(heard.data()["subtype"], "parcel");
    }
    let refused = sends(&app, &bob, parcel(ana.id())).await.unwrap_err();
    assert_eq!(refused["code"], "forbidden");
    assert_eq!(unread_count(&ana).await, 2);

    let acts = admin.get("/admin/audit").await.ok();
    let acts: Vec<&Value> = acts["items"].as_array().unwrap().iter().collect();
    let sent = acts.iter().filter(|act| act["act"] == "notification_sent");
    let sent: Vec<_> = sent.collect();
    assert_eq!(sent.len(), 1, "the operator's, not the back end's");
    assert_eq!(sent[0]["subject"], format!("user:{}", ana.id()));
    assert!(!sent[0]["detail"].to_string().contains("at the door"));
}

#[tokio::test]
async fn recipients_decide_whether_they_hear_of_it() {
    let app = TestApp::start().await;
    let shop = app.user_with("shop", Role::Service).await;
    let (off, muting) = (app.user("off").await, app.user("muting").await);
    let (blocking, filtering) = (app.user("blocking").await, app.user("filtering").await);
    let preferences = "/notifications/preferences";
    let switched_off = json!({"types": {"parcel": {"in_app": false}}});
    off.put(preferences, &switched_off).await.ok();
    let policy = json!({"senders": {"not_followed": "filter"}});
    filtering.put(preferences, &policy).await.ok();
    let (mute, block) = (
        format!("/users/{}/mute", shop.id()),
        format!("/users/{}/block", shop.id()),
    );
    muting.put(&mute, &Value::Null).await.ok();
    blocking.put(&block, &Value::Null).await.ok();

    // Which of these it was is not the sender's to know.
    for recipient in [&off, &muting, &filtering] {
        let sent = sends(&app, &shop, parcel(recipient.id())).await;
        assert!(sent.is_ok(), "{sent:?}");
    }
    let refused = sends(&app, &shop, parcel(blocking.id())).await;
    assert_eq!(refused.unwrap_err()["code"], "not_found");
    for recipient in [&off, &muting, &blocking, &filtering] {
        assert_eq!(unread_count(recipient).await, 0);
        assert!(!recipient.unheard().contains(&"notification".to_owned()));
    }
    let kept_aside = filtering.get("/notifications?filtered=true").await.ok();
    assert_eq!(kept_aside["items"][0]["type"], "parcel");
}

#[tokio::test]
async fn what_cannot_be_sent_is_refused() {
    let app = TestApp::start().await;
    let shop = app.user_with("shop", Role::Service).await;
    let ana = app.user("ana").await;
    let with = |field: &str, value: Value| {
        let mut wish = parcel(ana.id());
        wish[field] = value;
        wish
    };
    for (wish, code) in [
        (with("user_id", json!(999_999)), "not_found"),
        (with("user_id", json!("nobody")), "validation_failed"),
        // The product's own words.
        (
            with("notification_type", json!("like")),
            "validation_failed",
        ),
        (
            with("notification_type", json!("No type")),
            "validation_failed",
        ),
        (
            with("notification_type", json!("a".repeat(51))),
            "validation_failed",
        ),
        (with("title", json!(" ")), "validation_failed"),
        (with("title", json!("t".repeat(101))), "validation_failed"),
        (with("content", json!("")), "validation_failed"),
        (
            with("content", json!("c".repeat(1001))),
            "validation_failed",
        ),
        (with("content", Value::Null), "validation_failed"),
    ] {
        let refused = sends(&app, &shop, wish.clone()).await.unwrap_err();
        assert_eq!(refused["code"], code, "{wish}");
    }
    assert_eq!(unread_count(&ana).await, 0);
    let longest = with("title", json!("ä".repeat(100)));
    sends(&app, &shop, longest).await.unwrap();
    // To oneself is nothing to be told of.
    sends(&app, &shop, parcel(shop.id())).await.unwrap();
    assert_eq!(unread_count(&shop).await, 0);
}
