//! Stories of friends.

use futures_util::future::join_all;
use serde_json::{Value, json};

use crate::app::testing::{Actor, TestApp};

impl Actor {
    /// `POST /friends/request/{id}`; answers the status.
    pub(crate) async fn asks_to_be_friends(&self, other: &Actor) -> String {
        self.says_to_friend("request", other).await
    }

    /// `POST /friends/accept/{id}`; answers the status.
    pub(crate) async fn accepts_friend(&self, other: &Actor) -> String {
        self.says_to_friend("accept", other).await
    }

    /// Both ask, and so are friends.
    pub(crate) async fn befriends(&self, other: &Actor) {
        self.asks_to_be_friends(other).await;
        assert_eq!(other.asks_to_be_friends(self).await, "friends");
    }

    async fn says_to_friend(&self, what: &str, other: &Actor) -> String {
        let path = format!("/friends/{what}/{}", other.id());
        let answer = self.post(&path, &Value::Null).await.ok();
        answer["status"].as_str().expect("a status").to_owned()
    }

    /// Usernames and directions of `GET /friends/requests`.
    async fn friend_requests(&self, query: &str) -> Vec<(String, String)> {
        let page = self.get(&format!("/friends/requests{query}")).await.ok();
        let text = |value: &Value| value.as_str().expect("a text").to_owned();
        let items = page["items"].as_array().expect("items").iter();
        items
            .map(|item| (text(&item["username"]), text(&item["direction"])))
            .collect()
    }

    /// Usernames of `GET /friends`.
    async fn friends(&self) -> Vec<String> {
        self.lists("/friends").await.0
    }
}

fn named(name: &str, direction: &str) -> (String, String) {
    (name.to_owned(), direction.to_owned())
}

#[tokio::test]
async fn one_asks_and_the_other_accepts_and_both_are_told() {
    let app = TestApp::start().await;
    let (ana, bob) = (app.user("ana").await, app.user("bob").await);

    assert_eq!(ana.asks_to_be_friends(&bob).await, "requested");

    let heard = bob.hears("notification").await;
    assert_eq!(heard.data()["subtype"], "friend_request");
    assert_eq!(heard.data()["message"], "Ana wants to be friends with you");
    assert_eq!(
        heard.data()["additional_data"],
        json!({ "request_id": ana.id(), "actions": ["accept", "reject"] })
    );
    assert_eq!(ana.friend_requests("").await, [named("bob", "outgoing")]);
    assert_eq!(bob.friend_requests("").await, [named("ana", "incoming")]);
    assert_eq!(ana.friends().await, [""; 0]);

    assert_eq!(bob.accepts_friend(&ana).await, "friends");

    let heard = ana.hears("notification").await;
    assert_eq!(heard.data()["subtype"], "friend_accepted");
    assert_eq!(heard.data()["message"], "Bob accepted your friend request");
    assert_eq!(ana.friends().await, ["bob"]);
    assert_eq!(bob.friends().await, ["ana"]);
    assert_eq!(ana.friend_requests("").await, []);
    assert_eq!(bob.friend_requests("").await, []);
}

#[tokio::test]
async fn a_request_that_crosses_another_accepts_it() {
    let app = TestApp::start().await;
    let (ana, bob) = (app.user("ana").await, app.user("bob").await);

    ana.asks_to_be_friends(&bob).await;
    assert_eq!(bob.asks_to_be_friends(&ana).await, "friends");

    let heard = ana.hears("notification").await;
    assert_eq!(heard.data()["subtype"], "friend_accepted");
    assert_eq!(ana.asks_to_be_friends(&bob).await, "friends");
    assert_eq!(ana.friends().await, ["bob"]);
}

#[tokio::test]
async fn a_request_is_rejected_taken_back_or_answered_once() {
    let app = TestApp::start().await;
    let (ana, bob) = (app.user("ana").await, app.user("bob").await);
    let (to_ana, to_bob) = (ana.id(), bob.id());

    ana.asks_to_be_friends(&bob).await;
    // Nobody answers one's own request.
    for what in ["accept", "reject"] {
        let path = format!("/friends/{what}/{to_bob}");
        let answer = ana.post(&path, &Value::Null).await;
        assert_eq!(answer.refusal(), (404, "not_found"), "{what}");
    }
    assert_eq!(bob.says_to_friend("reject", &ana).await, "none");
    for what in ["accept", "reject"] {
        let path = format!("/friends/{what}/{to_ana}");
        let answer = bob.post(&path, &Value::Null).await;
        assert_eq!(answer.refusal(), (404, "not_found"), "{what}");
    }

    ana.asks_to_be_friends(&bob).await;
    let none = json!({ "status": "none" });
    for _ in 0..2 {
        let removed = ana.delete(&format!("/friends/{to_bob}")).await;
        assert_eq!(removed.ok(), none);
    }
    assert_eq!(bob.friend_requests("").await, []);
    assert_eq!((ana.friends().await, bob.friends().await), (vec![], vec![]));
}

#[tokio::test]
async fn either_ends_a_friendship_and_it_begins_anew_with_a_request() {
    let app = TestApp::start().await;
    let (ana, bob) = (app.user("ana").await, app.user("bob").await);
    ana.befriends(&bob).await;

    bob.delete(&format!("/friends/{}", ana.id())).await.ok();

    assert_eq!((ana.friends().await, bob.friends().await), (vec![], vec![]));
    assert_eq!(ana.asks_to_be_friends(&bob).await, "requested");
}

#[tokio::test]
async fn the_notification_of_a_request_answers_it() {
    let app = TestApp::start().await;
    let (ana, bob) = (app.user("ana").await, app.user("bob").await);
    ana.asks_to_be_friends(&bob).await;
    let told = bob.hears("notification").await;
    let path = format!("/notifications/{}", told.data()["notification"]["id"]);

    let accept = json!({ "action": "accept" });
    bob.post(&path, &accept).await.ok();

    assert_eq!(ana.friends().await, ["bob"]);
}

#[tokio::test]
async fn lists_show_the_newest_first_and_go_on_page_by_page() {
    let app = TestApp::start().await;
    let star = app.user("star").await;
    for name in ["fan1", "fan2", "fan3"] {
        star.befriends(&app.user(name).await).await;
    }
    for name in ["new1", "new2"] {
        app.user(name).await.asks_to_be_friends(&star).await;
    }
    let crush = app.user("crush").await;
    star.asks_to_be_friends(&crush).await;

    let (first, cursor) = star.lists("/friends?limit=2").await;
    let path = format!("/friends?limit=2&cursor={}", cursor.unwrap());
    let (second, cursor) = star.lists(&path).await;
    assert_eq!([first, second].concat(), ["fan3", "fan2", "fan1"]);
    assert_eq!(cursor, None);

    let (incoming, outgoing) = ("incoming", "outgoing");
    assert_eq!(
        star.friend_requests("").await,
        [
            named("crush", outgoing),
            named("new2", incoming),
            named("new1", incoming)
        ]
    );
    assert_eq!(
        star.friend_requests("?direction=outgoing").await,
        [named("crush", outgoing)]
    );
    assert_eq!(
        star.friend_requests("?direction=incoming&limit=1").await,
        [named("new2", incoming)]
    );
}

#[tokio::test]
async fn who_cannot_be_a_friend() {
    let app = TestApp::start().await;
    let ana = app.user("ana").await;
    for what in ["request", "accept", "reject"] {
        for (id, refusal) in [
            (ana.id().to_string(), (409, "self_not_allowed")),
            ("9000000000".to_owned(), (404, "not_found")),
            ("x".to_owned(), (404, "not_found")),
        ] {
            let path = format!("/friends/{what}/{id}");
            let answer = ana.post(&path, &Value::Null).await;
            assert_eq!(answer.refusal(), refusal, "{path}");
        }
    }
    let own = ana.delete(&format!("/friends/{}", ana.id())).await;
    assert_eq!(own.refusal(), (409, "self_not_allowed"));
    let nobody = ana.delete("/friends/9000000000").await;
    assert_eq!(nobody.refusal(), (404, "not_found"));
    let wrong = ana.get("/friends/requests?direction=up").await;
    assert_eq!(wrong.refusal(), (422, "validation_failed"));
    let stranger = app.visitor().get("/friends").await;
    assert_eq!(stranger.refusal(), (401, "unauthenticated"));
}

#[tokio::test]
async fn requests_that_cross_at_once_are_one_friendship() {
    let app = TestApp::start().await;
    let (ana, bob) = (app.user("ana").await, app.user("bob").await);

    let of_ana = join_all((0..6).map(|_| ana.asks_to_be_friends(&bob)));
    let of_bob = join_all((0..6).map(|_| bob.asks_to_be_friends(&ana)));
    let (of_ana, of_bob) = tokio::join!(of_ana, of_bob);

    for statuses in [&of_ana, &of_bob] {
        let known = |status: &String| ["friends", "requested"].contains(&status.as_str());
        assert!(statuses.iter().all(known), "{statuses:?}");
    }
    assert!(of_ana.contains(&"friends".to_owned()), "{of_ana:?}");
    assert!(of_bob.contains(&"friends".to_owned()), "{of_bob:?}");
    assert_eq!(ana.friends().await, ["bob"]);
    assert_eq!(bob.friends().await, ["ana"]);
    // One of them was asked, and the other was told of the answer: once each.
    for person in [&ana, &bob] {
        let told = person.get("/notifications").await.ok();
        assert_eq!(told["items"].as_array().unwrap().len(), 1, "{told}");
    }
}

#[tokio::test]
async fn one_request_has_one_answer_though_two_are_given_at_once() {
    let app = TestApp::start().await;
    let (ana, bob) = (app.user("ana").await, app.user("bob").await);
    ana.asks_to_be_friends(&bob).await;

    let (accept, reject) = (
        format!("/friends/accept/{}", ana.id()),
        format!("/friends/reject/{}", ana.id()),
    );
    let answers = tokio::join!(
        bob.post(&accept, &Value::Null),
        bob.post(&reject, &Value::Null)
    );

    let mut statuses = [answers.0.status, answers.1.status];
    statuses.sort_unstable();
    assert_eq!(statuses, [200, 404]);
    let are_friends = answers.0.status == 200;
    assert_eq!(ana.friends().await.len(), usize::from(are_friends));
}

#[tokio::test]
async fn friends_see_what_a_private_account_shows_and_a_request_opens_nothing() {
    let app = TestApp::start().await;
    let (ana, bob) = (app.user("ana").await, app.private_user("bob").await);
    let post = bob.posts("for friends").await;
    let shown = format!("/users/{}/posts", bob.id());

    ana.asks_to_be_friends(&bob).await;
    assert_eq!(ana.get(&post).await.refusal(), (404, "not_found"));

    bob.accepts_friend(&ana).await;
    assert_eq!(ana.reads(&shown).await.0, ["for friends"]);
    ana.get(&post).await.ok();
    let message = json!({ "to": bob.id(), "content": "hi" });
    ana.post("/messages", &message).await.ok();

    bob.delete(&format!("/friends/{}", ana.id())).await.ok();
    assert_eq!(ana.get(&post).await.refusal(), (404, "not_found"));
}

#[tokio::test]
async fn the_feed_shows_friends_once_though_they_are_followed_too() {
    let app = TestApp::start().await;
    let (ana, bob) = (app.user("ana").await, app.private_user("bob").await);
    let (eve, sam) = (app.user("eve").await, app.user("sam").await);
    ana.befriends(&bob).await;
    ana.befriends(&eve).await;
    ana.follows(&eve).await;
    sam.asks_to_be_friends(&ana).await;
    for person in [&bob, &eve, &sam] {
        person.posts(person.username()).await;
    }

    assert_eq!(ana.reads("/feed").await.0, ["eve", "bob"]);

    eve.delete(&format!("/friends/{}", ana.id())).await.ok();
    bob.delete(&format!("/friends/{}", ana.id())).await.ok();
    assert_eq!(ana.reads("/feed").await.0, ["eve"]);
}
