use serde_json::{Value, json};

use crate::app::testing::{Actor, TestApp};

/// Sends a message and returns it.
async fn says(from: &Actor, to: &Actor, content: &str) -> Value {
    let message = json!({"to": to.id(), "content": content});
    from.post("/messages", &message).await.ok()
}

fn contents(page: &Value) -> Vec<&str> {
    let items = page["items"].as_array().unwrap().iter();
    items
        .map(|item| item["content"].as_str().unwrap())
        .collect()
}

#[tokio::test]
async fn the_list_shows_the_last_message_and_what_is_unread() {
    let app = TestApp::start().await;
    let (ana, bob) = (app.user("ana").await, app.user("bob").await);
    says(&ana, &bob, "one").await;
    says(&ana, &bob, "two").await;
    says(&bob, &ana, "three").await;
    let last = says(&ana, &bob, "four").await;

    let seen_by_bob = bob.get("/conversations").await.ok();
    assert_eq!(
        seen_by_bob,
        json!({
            "items": [{
                "id": last["conversation_id"],
                "kind": "direct",
                "peer": {"id": ana.id(), "username": "ana", "name": "Ana", "avatar": null},
                "peer_read_seq": 0,
                "group": null,
                "request": null,
                "read_seq": 0,
                "last_seq": 4,
                "unread_count": 3,
                "last_message": last,
            }],
            "next_cursor": null,
        })
    );
    let seen_by_ana = ana.get("/conversations").await.ok();
    assert_eq!(
        seen_by_ana["items"][0]["unread_count"], 1,
        "one's own are read"
    );
    assert_eq!(seen_by_ana["items"][0]["peer"]["username"], "bob");
}

#[tokio::test]
async fn the_most_recently_active_conversation_comes_first_and_pages_go_on() {
    let app = TestApp::start().await;
    let ana = app.user("ana").await;
    let others = [
        app.user("bob").await,
        app.user("cyd").await,
        app.user("dia").await,
    ];
    for other in &others {
        says(&ana, other, "hi").await;
    }
    says(&others[0], &ana, "hello").await;
    let peers = |page: &Value| -> Vec<String> {
        let items = page["items"].as_array().unwrap().iter();
        items
            .map(|item| item["peer"]["username"].as_str().unwrap().to_owned())
            .collect()
    };

    let first = ana.get("/conversations?limit=2").await.ok();
    assert_eq!(peers(&first), ["bob", "dia"]);
    let cursor = first["next_cursor"].as_str().unwrap();
    let second = ana
        .get(&format!("/conversations?limit=2&cursor={cursor}"))
        .await
        .ok();
    assert_eq!(peers(&second), ["cyd"]);
    assert_eq!(second["next_cursor"], Value::Null);
}

#[tokio::test]
async fn the_history_is_read_in_either_direction_and_always_in_order() {
    let app = TestApp::start().await;
    let (ana, bob) = (app.user("ana").await, app.user("bob").await);
    let mut conversation = Value::Null;
    for content in ["1", "2", "3", "4", "5"] {
        conversation = says(&ana, &bob, content).await["conversation_id"].clone();
    }
    let read = async |query: &str| {
        let path = format!("/conversations/{conversation}/messages?{query}");
        bob.get(&path).await.ok()
    };
    let go_on = async |page: &Value| {
        let cursor = page["next_cursor"].as_str().unwrap();
        read(&format!("limit=2&cursor={cursor}")).await
    };

    assert_eq!(contents(&read("").await), ["1", "2", "3", "4", "5"]);
    assert_eq!(contents(&read("before_seq=3").await), ["1", "2"]);
    assert_eq!(contents(&read("after_seq=3").await), ["4", "5"]);
    assert_eq!(contents(&read("after_seq=5").await), [""; 0]);

    let newest = read("limit=2").await;
    assert_eq!(contents(&newest), ["4", "5"]);
    let older = go_on(&newest).await;
    assert_eq!(contents(&older), ["2", "3"]);
    let oldest = go_on(&older).await;
    assert_eq!(
        (contents(&oldest), &oldest["next_cursor"]),
        (vec!["1"], &Value::Null)
    );

    let first = read("after_seq=0&limit=2").await;
    assert_eq!(contents(&first), ["1", "2"]);
    let second = go_on(&first).await;
    assert_eq!(contents(&second), ["3", "4"]);
    let third = go_on(&second).await;
    assert_eq!(
        (contents(&third), &third["next_cursor"]),
        (vec!["5"], &Value::Null)
    );
    let by_person = bob
        .get(&format!("/messages?user={}&after_seq=3", ana.id()))
        .await
        .ok();
    assert_eq!(contents(&by_person), ["4", "5"]);
}

#[tokio::test]
async fn a_read_marker_moves_forward_only_and_both_people_hear_of_it() {
    let app = TestApp::start().await;
    let (ana, bob) = (app.user("ana").await, app.user("bob").await);
    for content in ["1", "2"] {
        says(&ana, &bob, content).await;
    }
    let conversation = says(&ana, &bob, "3").await["conversation_id"].clone();
    let read_to = async |seq: i64| {
        let path = format!("/conversations/{conversation}/read");
        bob.post(&path, &json!({"seq": seq})).await.ok()["read_seq"].clone()
    };

    assert_eq!(read_to(2).await, 2);
    for ignored in [1, 2, 0, -1, 4, i64::MAX, i64::MIN] {
        assert_eq!(read_to(ignored).await, 2, "{ignored} changes nothing");
    }
    let heard = ana.hears("message_read").await;
    let expected = json!({
        "conversation_id": conversation, "user_id": bob.id(), "seq": 2, "last_seq": 3, "unread_count": 1,
    });
    assert_eq!(heard.data(), &expected);
    let echo = bob.hears("message_read").await;
    assert_eq!((echo.event.id, echo.data()), (heard.event.id, &expected));
    let seen_by_bob = &bob.get("/conversations").await.ok()["items"][0];
    assert_eq!(
        (&seen_by_bob["read_seq"], &seen_by_bob["unread_count"]),
        (&json!(2), &json!(1))
    );

    let command = json!({"conversation_id": conversation, "seq": 3});
    let acknowledged = app.command(&bob, "read", command).await.unwrap();
    assert_eq!(
        acknowledged,
        json!({"conversation_id": conversation, "read_seq": 3, "last_seq": 3})
    );
    let next = ana.hears("message_read").await;
    assert_eq!(next.data()["seq"], 3);
    assert_eq!(
        next.offset(),
        heard.offset() + 1,
        "what changed nothing told nobody"
    );
    let seen_by_ana = &ana.get("/conversations").await.ok()["items"][0];
    assert_eq!(seen_by_ana["peer_read_seq"], 3);
}

#[tokio::test]
async fn strangers_cannot_tell_a_conversation_from_one_that_does_not_exist() {
    let app = TestApp::start().await;
    let (ana, bob) = (app.user("ana").await, app.user("bob").await);
    let eve = app.user("eve").await;
    let conversation = says(&ana, &bob, "psst").await["conversation_id"].clone();

    for conversation in [
        conversation,
        json!(999),
        json!("9007199254740992"),
        json!("x"),
    ] {
        let conversation = conversation
            .as_str()
            .map_or(conversation.to_string(), str::to_owned);
        let history = eve
            .get(&format!("/conversations/{conversation}/messages"))
            .await;
        let path = format!("/conversations/{conversation}/read");
        let marker = eve.post(&path, &json!({"seq": 1})).await;
        for refused in [history, marker] {
            assert_eq!(refused.refusal(), (404, "not_found"), "{conversation}");
        }
    }
    assert_eq!(eve.get("/conversations").await.ok()["items"], json!([]));
    let none_yet = eve.get(&format!("/messages?user={}", ana.id())).await.ok();
    assert_eq!(none_yet, json!({"items": [], "next_cursor": null}));
    let nobody = eve.get("/messages?user=999").await;
    assert_eq!(nobody.refusal(), (404, "not_found"));
}

#[tokio::test]
async fn bad_input_is_refused_with_a_code() {
    let app = TestApp::start().await;
    let (ana, bob) = (app.user("ana").await, app.user("bob").await);
    let conversation = says(&ana, &bob, "hi").await["conversation_id"].clone();
    let history = format!("/conversations/{conversation}/messages");
    for (query, expected) in [
        ("after_seq=1&before_seq=2", (422, "validation_failed")),
        ("after_seq=x", (400, "invalid_request")),
        ("cursor=bm9uc2Vuc2U", (400, "invalid_request")),
        ("limit=101", (422, "validation_failed")),
    ] {
        let refused = ana.get(&format!("{history}?{query}")).await;
        assert_eq!(refused.refusal(), expected, "{query}");
    }
    for body in [
        json!({}),
        json!({"seq": "one"}),
        json!({"seq": 1.5}),
        json!({"seq": null}),
    ] {
        let refused = ana
            .post(&format!("/conversations/{conversation}/read"), &body)
            .await;
        assert_eq!(refused.refusal(), (422, "validation_failed"), "{body}");
    }
    let command = json!({"conversation_id": conversation});
    let refused = app.command(&ana, "read", command).await.unwrap_err();
    assert_eq!(
        (&refused["code"], &refused["errors"][0]["field"]),
        (&json!("validation_failed"), &json!("seq"))
    );
}

#[tokio::test]
async fn whoever_hides_how_far_they_have_read_sees_it_of_nobody() {
    let app = TestApp::start().await;
    let (ana, bob) = (app.user("ana").await, app.user("bob").await);
    let conversation = says(&ana, &bob, "1").await["conversation_id"].clone();
    let path = format!("/conversations/{conversation}/read");
    let seen_by = async |person: &Actor| {
        let item = person.get("/conversations").await.ok()["items"][0].clone();
        (item["read_seq"].clone(), item["peer_read_seq"].clone())
    };
    let receipts = async |shown: bool| {
        let preferences = json!({"read_receipts": shown});
        let path = "/conversations/preferences";
        let changed = bob.put(path, &preferences).await.ok();
        assert_eq!(changed, preferences);
        assert_eq!(bob.get(path).await.ok(), preferences);
    };

    receipts(false).await;
    bob.post(&path, &json!({"seq": 1})).await.ok();
    let own = bob.hears("message_read").await;
    assert_eq!(own.data()["seq"], 1, "one's own devices know");
    says(&bob, &ana, "2").await;
    ana.post(&path, &json!({"seq": 2})).await.ok();
    let heard = ana.hears("message_read").await;
    assert_eq!(heard.data()["user_id"], json!(ana.id()), "not of Bob");
    assert_eq!(seen_by(&ana).await, (json!(2), Value::Null));
    assert_eq!(seen_by(&bob).await, (json!(1), Value::Null));
    // What comes after it shows that Bob has not heard of Ana's marker.
    says(&ana, &bob, "3").await;
    for content in ["1", "2", "3"] {
        let heard = bob.hears("private_message").await;
        assert_eq!(heard.data()["content"], content);
    }
    assert!(!bob.unheard().contains(&"message_read".to_owned()));

    receipts(true).await;
    assert_eq!(seen_by(&ana).await, (json!(2), json!(1)));
    assert_eq!(seen_by(&bob).await, (json!(1), json!(2)));
    bob.post(&path, &json!({"seq": 3})).await.ok();
    let heard = ana.hears("message_read").await;
    assert_eq!(heard.data()["user_id"], json!(bob.id()));
    let bad = bob.put("/conversations/preferences", &json!({})).await;
    assert_eq!(bad.refusal(), (422, "validation_failed"));
}

#[tokio::test]
async fn members_see_who_has_read_unless_it_is_hidden_or_one_blocks_the_other() {
    let app = TestApp::start().await;
    let (ana, bob) = tokio::join!(app.user("ana"), app.user("bob"));
    let (cleo, dan, eve) = tokio::join!(app.user("cleo"), app.user("dan"), app.user("eve"));
    let group = ana.post("/groups", &json!({"name": "Runners"})).await.ok();
    let chat = format!("/conversations/{}", group["conversation_id"]);
    for member in [&bob, &cleo, &dan] {
        let path = format!("/groups/{}/join", group["id"]);
        member.post(&path, &json!({})).await.ok();
    }
    let preferences = "/conversations/preferences";
    cleo.put(preferences, &json!({"read_receipts": false}))
        .await
        .ok();
    let changed = cleo.hears("conversation_preferences_changed").await;
    assert_eq!(changed.data(), &json!({"read_receipts": false}));
    cleo.put(preferences, &json!({"read_receipts": false}))
        .await
        .ok();
    assert!(
        !cleo
            .unheard()
            .contains(&"conversation_preferences_changed".to_owned()),
        "the same again is no news"
    );
    ana.put(&format!("/users/{}/block", dan.id()), &json!({}))
        .await
        .ok();

    for content in ["1", "2"] {
        let message = json!({"group_id": group["id"], "content": content});
        ana.post("/messages", &message).await.ok();
    }
    for (member, seq) in [(&bob, 1), (&cleo, 2), (&dan, 2)] {
        member
            .post(&format!("{chat}/read"), &json!({"seq": seq}))
            .await
            .ok();
    }
    let readers = async |who: &Actor, seq: i64| {
        let path = format!("{chat}/readers?seq={seq}");
        let mut answer = who.get(&path).await.ok();
        let names = answer["readers"].as_array().map(|readers| {
            let pairs = readers
                .iter()
                .map(|r| json!([r["username"], r["read_seq"]]));
            pairs.collect::<Vec<Value>>()
        });
        (answer["count"].take(), names)
    };
    assert_eq!(
        readers(&ana, 1).await,
        (json!(1), Some(vec![json!(["bob", 1])]))
    );
    assert_eq!(readers(&ana, 2).await, (json!(0), Some(vec![])));
    assert_eq!(
        readers(&bob, 2).await,
        (json!(1), Some(vec![json!(["dan", 2])]))
    );
    assert_eq!(
        readers(&cleo, 1).await,
        (Value::Null, None),
        "who hides it sees nobody's"
    );
    // Bob has heard of Dan's marker, Ana has not, nor of Cleo's.
    let heard = ana.hears("message_read").await;
    assert_eq!(heard.data()["user_id"], json!(bob.id()));
    let heard = dan.hears("message_read").await;
    assert_eq!(heard.data()["user_id"], json!(bob.id()));
    dan.hears("message_read").await;
    assert!(!ana.unheard().contains(&"message_read".to_owned()));

    let foreign = eve.get(&format!("{chat}/readers?seq=1")).await;
    assert_eq!(foreign.refusal(), (404, "not_found"));
    let wrong = ana.get(&format!("{chat}/readers?seq=x")).await;
    assert_eq!(wrong.refusal(), (400, "invalid_request"));
}

#[tokio::test]
async fn a_block_between_two_people_hides_how_far_they_have_read() {
    let app = TestApp::start().await;
    let (ana, bob) = (app.user("ana").await, app.user("bob").await);
    let conversation = says(&ana, &bob, "1").await["conversation_id"].clone();
    ana.put(&format!("/users/{}/block", bob.id()), &json!({}))
        .await
        .ok();
    let path = format!("/conversations/{conversation}/read");
    bob.post(&path, &json!({"seq": 1})).await.ok();
    bob.hears("message_read").await;
    let seen = ana.get("/conversations").await.ok();
    assert_eq!(seen["items"][0]["peer_read_seq"], Value::Null);
    let db = app.app().read().await.unwrap();
    let told = "select count(*) from event_log where kind = 'message_read'";
    let told: i64 = db.query_one(told, &[]).await.unwrap();
    assert_eq!(told, 1, "the reader's own devices alone");
}
