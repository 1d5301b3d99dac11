//! Stories of mutes.

use serde_json::{Value, json};

use crate::app::testing::{Actor, Response, TestApp};

impl Actor {
    /// `PUT /users/{id}/mute`.
    pub(crate) async fn mutes(&self, other: &Actor) {
        let path = format!("/users/{}/mute", other.id());
        let answer = self.put(&path, &Value::Null).await.ok();
        assert_eq!(answer, json!({ "muted": true }));
    }

    async fn unmutes(&self, other: &Actor) -> Response {
        self.delete(&format!("/users/{}/mute", other.id())).await
    }
}

#[tokio::test]
async fn a_mute_silences_notifications_and_nothing_else() {
    let app = TestApp::start().await;
    let (ana, bob) = (app.user("ana").await, app.private_user("bob").await);
    bob.mutes(&ana).await;
    bob.mutes(&ana).await;

    assert_eq!(ana.follows(&bob).await, "requested");
    assert_eq!(ana.asks_to_be_friends(&bob).await, "requested");

    // What was asked is there to be answered.
    assert_eq!(bob.lists("/follow/requests").await.0, ["ana"]);
    assert_eq!(bob.accepts_friend(&ana).await, "friends");
    let post = bob.posts("hello").await;
    ana.put(&format!("{post}/like"), &Value::Null).await.ok();
    let message = json!({ "to": bob.id(), "content": "hi" });
    ana.post("/messages", &message).await.ok();
    bob.hears("private_message").await;
    bob.hears("feed_update_available").await;
    // That they see each other now is for gateways to know.
    assert_eq!(bob.unheard(), ["contacts_changed", "presence_contact"]);
    assert_eq!(bob.get("/notifications").await.ok()["unread_count"], 0);

    // The other way it is silent no more than before.
    assert_eq!(bob.follows(&ana).await, "following");
    let heard = ana.hears("notification").await;
    assert_eq!(heard.data()["subtype"], "friend_accepted");
    let heard = ana.hears("notification").await;
    assert_eq!(heard.data()["subtype"], "follow");
}

#[tokio::test]
async fn whoever_is_unmuted_is_heard_again() {
    let app = TestApp::start().await;
    let (ana, bob) = (app.user("ana").await, app.user("bob").await);
    bob.mutes(&ana).await;
    ana.follows(&bob).await;
    for _ in 0..2 {
        assert_eq!(bob.unmutes(&ana).await.ok(), json!({ "muted": false }));
    }
    ana.asks_to_be_friends(&bob).await;

    let heard = bob.hears("notification").await;
    assert_eq!(heard.data()["subtype"], "friend_request");
    assert_eq!(bob.get("/notifications").await.ok()["unread_count"], 1);
}

#[tokio::test]
async fn who_cannot_be_muted() {
    let app = TestApp::start().await;
    let ana = app.user("ana").await;
    let own = format!("/users/{}/mute", ana.id());
    for (path, refusal) in [
        (own.as_str(), (409, "self_not_allowed")),
        ("/users/9000000000/mute", (404, "not_found")),
        ("/users/x/mute", (404, "not_found")),
    ] {
        let set = ana.put(path, &Value::Null).await;
        assert_eq!(set.refusal(), refusal, "{path}");
        assert_eq!(ana.delete(path).await.refusal(), refusal, "{path}");
    }
}
