use serde_json::{Value, json};
use shared::{ids::GroupId, wire::Channel};

use crate::app::testing::{Actor, TestApp};

/// A group of Ana's, and the ears on its channel.
async fn group_of(app: &TestApp, ana: &Actor, is_private: bool) -> (i64, Channel) {
    let group = json!({"name": "Runners", "is_private": is_private});
    let group = ana.post("/groups", &group).await.ok();
    let id = group["id"].as_i64().unwrap();
    let channel = Channel::Group(GroupId::new(id).unwrap());
    app.ears().join(channel).await;
    (id, channel)
}

async fn join(who: &Actor, group: i64) -> Value {
    let path = format!("/groups/{group}/join");
    who.post(&path, &json!({})).await.ok()["status"].clone()
}

async fn memberships(app: &TestApp, who: &Actor) -> Value {
    let asked = json!({"user_id": who.id()});
    app.internal("/groups/memberships", &asked).await.ok()
}

async fn my_groups(who: &Actor) -> Vec<i64> {
    let page = who.get("/groups").await.ok();
    let items = page["items"].as_array().unwrap().iter();
    items.map(|group| group["id"].as_i64().unwrap()).collect()
}

#[tokio::test]
async fn whoever_makes_a_group_owns_it() {
    let app = TestApp::start().await;
    let (ana, bob) = (app.user("ana").await, app.user("bob").await);
    let group =
        json!({"name": "Runners", "description": "Early", "avatar": "https://a.example/r.png"});
    let made = ana.post("/groups", &group).await;
    assert_eq!(made.status, 201);
    let made = made.json;
    assert_eq!(
        (&made["my_role"], &made["member_count"], &made["is_private"]),
        (&json!("owner"), &json!(1), &json!(false))
    );
    let path = format!("/groups/{}", made["id"]);
    assert_eq!(ana.get(&path).await.ok(), made);
    assert_eq!(ana.get("/groups").await.ok()["items"], json!([made]));
    // Others know of it, and are not in it.
    let seen = bob.get(&path).await.ok();
    assert_eq!(
        (&seen["name"], &seen["my_role"]),
        (&json!("Runners"), &Value::Null)
    );
    assert_eq!(my_groups(&bob).await, [0_i64; 0]);

    for wrong in [
        json!({}),
        json!({"name": " "}),
        json!({"name": "x".repeat(101)}),
        json!({"name": "x", "description": "x".repeat(2001)}),
        json!({"name": "x", "is_private": "yes"}),
    ] {
        let refused = ana.post("/groups", &wrong).await;
        assert_eq!(refused.refusal(), (422, "validation_failed"), "{wrong}");
    }
}

#[tokio::test]
async fn a_change_of_membership_is_one_event_for_the_person_and_the_group() {
    let app = TestApp::start().await;
    let (ana, bob) = (app.user("ana").await, app.user("bob").await);
    let (group, channel) = group_of(&app, &ana, false).await;
    assert_eq!(join(&bob, group).await, "joined");

    let own = bob.hears("membership_changed").await;
    let joined = app.ears().hear(channel, "membership_changed").await;
    assert!(own.event.control, "gateways act on it");
    assert_eq!((own.event.id, &own.body), (joined.event.id, &joined.body));
    assert_eq!(own.data()["change"], "joined");
    assert_eq!(own.data()["user"]["username"], "bob");
    assert_eq!(
        own.data()["since"],
        1,
        "behind the founder's joining, before this one"
    );
    assert_eq!(joined.offset(), 2);
    assert_eq!(own.data()["version"], 1);
    assert_eq!(
        join(&bob, group).await,
        "joined",
        "again is no error, and no event"
    );
    let path = format!("/groups/{group}/members");
    let members = bob.get(&path).await.ok();
    let names = members["items"].as_array().unwrap().iter();
    let names: Vec<&Value> = names.map(|member| &member["username"]).collect();
    assert_eq!(names, ["bob", "ana"]);

    let known = memberships(&app, &bob).await;
    assert_eq!(
        (&known["groups"], &known["version"]),
        (&json!([group]), &json!(1))
    );
    assert_eq!(known["at"]["offset"], own.offset());

    bob.post(&format!("/groups/{group}/leave"), &json!({}))
        .await
        .ok();
    let left = bob.hears("membership_changed").await;
    assert_eq!(
        (&left.data()["change"], &left.data()["version"]),
        (&json!("left"), &json!(2))
    );
    let known = memberships(&app, &bob).await;
    assert_eq!(
        (&known["groups"], &known["version"]),
        (&json!([]), &json!(2))
    );
    assert_eq!(known["at"]["offset"], left.offset());
    assert_eq!(bob.get(&path).await.refusal(), (403, "not_a_member"));
    assert_eq!(
        ana.get(&format!("/groups/{group}")).await.ok()["member_count"],
        1
    );
    let again = bob
        .post(&format!("/groups/{group}/leave"), &json!({}))
        .await;
    assert_eq!(again.refusal(), (403, "not_a_member"));
}

#[tokio::test]
async fn a_private_group_is_joined_by_asking() {
    let app = TestApp::start().await;
    let (ana, bob, eve) = (
        app.user("ana").await,
        app.user("bob").await,
        app.user("eve").await,
    );
    let (group, _) = group_of(&app, &ana, true).await;
    for _ in 0..2 {
        assert_eq!(join(&bob, group).await, "requested");
    }
    let told = ana.hears("notification").await;
    assert_eq!(told.data()["subtype"], "group_join_request");
    assert_eq!(
        told.data()["additional_data"]["request_id"],
        json!(bob.id())
    );
    assert_eq!(
        bob.get(&format!("/groups/{group}")).await.ok()["has_requested"],
        true
    );
    let requests = format!("/groups/{group}/requests");
    assert_eq!(ana.get(&requests).await.ok()["items"][0]["username"], "bob");
    assert_eq!(bob.get(&requests).await.refusal(), (403, "not_a_member"));

    let answer = format!("/groups/{group}/requests/{}", bob.id());
    let reject = json!({"action": "reject"});
    assert_eq!(
        eve.post(&answer, &reject).await.refusal(),
        (403, "not_a_member")
    );
    assert_eq!(ana.post(&answer, &reject).await.ok()["status"], "none");
    assert_eq!(
        ana.post(&answer, &reject).await.refusal(),
        (404, "not_found")
    );

    assert_eq!(join(&bob, group).await, "requested");
    let accept = json!({"action": "accept"});
    assert_eq!(ana.post(&answer, &accept).await.ok()["status"], "joined");
    assert_eq!(my_groups(&bob).await, [group]);
    // A member who is no admin answers nobody.
    assert_eq!(join(&eve, group).await, "requested");
    let answer = format!("/groups/{group}/requests/{}", eve.id());
    assert_eq!(
        bob.post(&answer, &accept).await.refusal(),
        (403, "forbidden")
    );
    // An invitation meets the request.
    let invite = json!({"group_id": group, "user_id": eve.id()});
    assert_eq!(
        ana.post("/groups/invite", &invite).await.ok()["status"],
        "joined"
    );
}

#[tokio::test]
async fn invitations_are_accepted_declined_and_withdrawn() {
    let app = TestApp::start().await;
    let (ana, bob) = (app.user("ana").await, app.user("bob").await);
    let (group, _) = group_of(&app, &ana, true).await;
    let invite = json!({"group_id": group, "user_id": bob.id(), "group_name": "ignored"});
    let answer = format!("/groups/{group}/invitation");
    for action in ["accept", "decline"] {
        let refused = bob.post(&answer, &json!({"action": action})).await;
        assert_eq!(refused.refusal(), (404, "no_invitation"));
    }
    assert_eq!(
        bob.post("/groups/invite", &invite).await.refusal(),
        (403, "not_a_member")
    );

    for _ in 0..2 {
        assert_eq!(
            ana.post("/groups/invite", &invite).await.ok()["status"],
            "invited"
        );
    }
    let by_name = bob.hears("group_invite").await;
    assert_eq!(by_name.data()["group_name"], "Runners");
    let told = bob.hears("notification").await;
    assert_eq!(told.data()["subtype"], "group_invite");
    assert_eq!(
        bob.get(&format!("/groups/{group}")).await.ok()["is_invited"],
        true
    );
    let declined = bob.post(&answer, &json!({"action": "decline"})).await.ok();
    assert_eq!(declined["status"], "none");

    ana.post("/groups/invite", &invite).await.ok();
    let withdrawn = format!("/groups/{group}/invitations/{}", bob.id());
    assert_eq!(ana.delete(&withdrawn).await.status, 204);
    assert_eq!(
        ana.delete(&withdrawn).await.refusal(),
        (404, "no_invitation")
    );
    let accept = json!({"action": "accept"});
    assert_eq!(
        bob.post(&answer, &accept).await.refusal(),
        (404, "no_invitation")
    );

    ana.post("/groups/invite", &invite).await.ok();
    assert_eq!(bob.post(&answer, &accept).await.ok()["status"], "joined");
    assert_eq!(
        ana.post("/groups/invite", &invite).await.refusal(),
        (409, "conflict")
    );
    let nobody = json!({"group_id": group, "user_id": 999});
    assert_eq!(
        ana.post("/groups/invite", &nobody).await.refusal(),
        (404, "not_found")
    );
    let nowhere = json!({"group_id": 999, "user_id": bob.id()});
    assert_eq!(
        ana.post("/groups/invite", &nowhere).await.refusal(),
        (404, "not_found")
    );
}

#[tokio::test]
async fn roles_are_the_owner_s_and_there_is_always_one() {
    let app = TestApp::start().await;
    let (ana, bob, eve) = (
        app.user("ana").await,
        app.user("bob").await,
        app.user("eve").await,
    );
    let (group, channel) = group_of(&app, &ana, false).await;
    join(&bob, group).await;
    join(&eve, group).await;
    let member = |who: &Actor| format!("/groups/{group}/members/{}", who.id());
    let (admin, owner) = (json!({"role": "admin"}), json!({"role": "owner"}));

    assert_eq!(
        bob.patch(&member(&eve), &admin).await.refusal(),
        (403, "forbidden")
    );
    assert_eq!(
        bob.delete(&member(&eve)).await.refusal(),
        (403, "forbidden")
    );
    assert_eq!(ana.patch(&member(&bob), &admin).await.status, 204);
    let told = app.ears().hear(channel, "group_role_changed").await;
    assert_eq!(
        told.data(),
        &json!({"group_id": group, "user_id": bob.id(), "role": "admin"})
    );
    assert_eq!(
        bob.delete(&member(&ana)).await.refusal(),
        (403, "forbidden")
    );
    assert_eq!(bob.delete(&member(&eve)).await.status, 204);
    assert_eq!(
        bob.delete(&member(&eve)).await.refusal(),
        (404, "not_found")
    );

    let leave = format!("/groups/{group}/leave");
    assert_eq!(
        ana.post(&leave, &json!({})).await.refusal(),
        (409, "last_owner")
    );
    assert_eq!(
        ana.delete(&member(&ana)).await.refusal(),
        (409, "last_owner")
    );
    let demoted = ana.patch(&member(&ana), &admin).await;
    assert_eq!(demoted.refusal(), (409, "last_owner"));
    assert_eq!(ana.patch(&member(&bob), &owner).await.status, 204);
    let path = format!("/groups/{group}");
    assert_eq!(ana.get(&path).await.ok()["my_role"], "admin");
    assert_eq!(bob.get(&path).await.ok()["my_role"], "owner");
    ana.post(&leave, &json!({})).await.ok();
    assert_eq!(
        ana.patch(&path, &json!({"name": "Mine"})).await.refusal(),
        (403, "not_a_member")
    );
}

#[tokio::test]
async fn members_hear_of_a_new_profile_and_of_the_end() {
    let app = TestApp::start().await;
    let (ana, bob) = (app.user("ana").await, app.user("bob").await);
    let (group, channel) = group_of(&app, &ana, false).await;
    join(&bob, group).await;
    let path = format!("/groups/{group}");
    let change = json!({"name": "Walkers", "avatar": null});
    assert_eq!(
        bob.patch(&path, &change).await.refusal(),
        (403, "forbidden")
    );
    assert_eq!(ana.patch(&path, &change).await.ok()["name"], "Walkers");
    let told = app.ears().hear(channel, "group_updated").await;
    assert_eq!(told.data()["name"], bob.get(&path).await.ok()["name"]);

    assert_eq!(bob.delete(&path).await.refusal(), (403, "forbidden"));
    assert_eq!(ana.delete(&path).await.status, 204);
    let told = app.ears().hear(channel, "group_deleted").await;
    assert!(told.event.control);
    for who in [&ana, &bob] {
        assert_eq!(who.get(&path).await.refusal(), (404, "not_found"));
        assert_eq!(my_groups(who).await, [0_i64; 0]);
        assert_eq!(memberships(&app, who).await["groups"], json!([]));
    }
    assert_eq!(ana.delete(&path).await.refusal(), (404, "not_found"));
}

#[tokio::test]
async fn a_message_to_a_group_is_one_event_however_many_hear_it() {
    let app = TestApp::start().await;
    let (ana, bob, eve) = (
        app.user("ana").await,
        app.user("bob").await,
        app.user("eve").await,
    );
    let (group, channel) = group_of(&app, &ana, false).await;
    join(&bob, group).await;
    let message = json!({"group_id": group, "content": "hi", "client_message_id": "a"});
    let sent = ana.post("/messages", &message).await;
    assert_eq!(sent.status, 201);
    let heard = app.ears().hear(channel, "group_message").await;
    assert_eq!(heard.body["group_id"], group);
    assert_eq!(heard.data()["message_id"], sent.json["id"]);
    assert_eq!(
        (&heard.data()["seq"], &heard.data()["content"]),
        (&json!(1), &json!("hi"))
    );
    assert_eq!(ana.post("/messages", &message).await.status, 200, "once");

    let answer = json!({"group_id": group, "content": "hello"});
    let sent = app.command(&bob, "group", answer).await.unwrap();
    assert_eq!(sent["seq"], 2);
    let conversation = sent["conversation_id"].clone();
    let into = json!({"conversation_id": conversation, "content": "and again"});
    assert_eq!(app.command(&ana, "message", into).await.unwrap()["seq"], 3);
    app.ears().hear(channel, "group_message").await;
    let heard = app.ears().hear(channel, "group_message").await;
    assert_eq!(heard.data()["content"], "and again");
    bob.hears("membership_changed").await;
    assert_eq!(
        bob.unheard(),
        [""; 0],
        "nothing of it on a person's own channel"
    );

    let path = format!("/messages/group?group={group}&limit=2&offset=1");
    let page = bob.get(&path).await.ok();
    assert_eq!(
        (&page["items"][0]["content"], &page["items"][1]["content"]),
        (&json!("hi"), &json!("hello"))
    );
    for refused in [
        eve.post("/messages", &json!({"group_id": group, "content": "x"}))
            .await,
        eve.get(&path).await,
    ] {
        assert_eq!(refused.refusal(), (403, "not_a_member"));
    }
    let foreign = json!({"conversation_id": conversation, "content": "x"});
    assert_eq!(
        eve.post("/messages", &foreign).await.refusal(),
        (404, "not_found")
    );
    let both = json!({"group_id": group, "to": bob.id(), "content": "x"});
    assert_eq!(
        eve.post("/messages", &both).await.refusal(),
        (422, "validation_failed")
    );
    let nowhere = json!({"group_id": 999, "content": "x"});
    assert_eq!(
        ana.post("/messages", &nowhere).await.refusal(),
        (404, "not_found")
    );
    let empty = json!({"group_id": group, "content": " "});
    assert_eq!(
        ana.post("/messages", &empty).await.refusal(),
        (422, "validation_failed")
    );
}

#[tokio::test]
async fn a_group_s_chat_is_listed_read_and_edited_like_any_other() {
    let app = TestApp::start().await;
    let (ana, bob) = (app.user("ana").await, app.user("bob").await);
    let (group, channel) = group_of(&app, &ana, false).await;
    let early = json!({"group_id": group, "content": "before"});
    ana.post("/messages", &early).await.ok();
    join(&bob, group).await;
    let message = json!({"group_id": group, "content": "after"});
    let sent = ana.post("/messages", &message).await.ok();
    let direct = json!({"to": bob.id(), "content": "psst"});
    ana.post("/messages", &direct).await.ok();

    let list = bob.get("/conversations").await.ok();
    let (first, second) = (&list["items"][0], &list["items"][1]);
    assert_eq!(list["items"].as_array().unwrap().len(), 2);
    assert_eq!(
        (&first["peer"]["username"], &first["group"]),
        (&json!("ana"), &Value::Null)
    );
    assert_eq!(
        (&second["peer"], &second["kind"]),
        (&Value::Null, &json!("group"))
    );
    assert_eq!(
        second["group"],
        json!({"id": group, "name": "Runners", "avatar": null, "member_count": 2})
    );
    assert_eq!(
        second["unread_count"], 1,
        "what was there before bob came counts as read"
    );

    let conversation = &second["id"];
    let path = format!("/conversations/{conversation}/read");
    let read = bob.post(&path, &json!({"seq": 2})).await.ok();
    assert_eq!(read["read_seq"], 2);
    assert_eq!(
        ana.hears("message_read").await.data()["user_id"],
        json!(bob.id())
    );

    let path = format!("/messages/{}", sent["id"]);
    let edit = json!({"content": "afterwards"});
    assert_eq!(bob.patch(&path, &edit).await.refusal(), (403, "forbidden"));
    ana.patch(&path, &edit).await.ok();
    let heard = app.ears().hear(channel, "message_edited").await;
    assert_eq!(heard.data()["content"], "afterwards");
    assert_eq!(heard.body["group_id"], group);

    bob.post(&format!("/groups/{group}/leave"), &json!({}))
        .await
        .ok();
    let history = format!("/conversations/{conversation}/messages");
    assert_eq!(bob.get(&history).await.refusal(), (404, "not_found"));
    assert_eq!(
        bob.get("/conversations").await.ok()["items"]
            .as_array()
            .unwrap()
            .len(),
        1
    );
    // Whoever comes back reads what was said meanwhile.
    join(&bob, group).await;
    assert_eq!(
        bob.get(&history).await.ok()["items"]
            .as_array()
            .unwrap()
            .len(),
        2
    );
}

#[tokio::test]
async fn members_are_told_that_there_is_something_new() {
    let app = TestApp::start().await;
    let ana = app.user("ana").await;
    let (group, channel) = group_of(&app, &ana, false).await;
    let path = format!("/groups/{group}/posts");
    let posted = ana.post(&path, &json!({"content": "a run"})).await;
    assert_eq!(posted.status, 201, "{}", posted.json);
    let heard = app.ears().hear(channel, "group_content_update").await;
    assert_eq!(heard.data(), &json!({"group_id": group, "kind": "post"}));
    assert!(heard.event.position.is_none(), "a notice");
}

#[tokio::test]
async fn nobody_writes_after_having_been_removed() {
    let app = TestApp::start().await;
    let (ana, bob) = (app.user("ana").await, app.user("bob").await);
    let (group, channel) = group_of(&app, &ana, false).await;
    join(&bob, group).await;
    // Bob's message is under way when Ana removes him.
    let tx = app.app().begin().await.unwrap();
    let id = GroupId::new(group).unwrap();
    super::require_chat(&tx, id, bob.id()).await.unwrap();
    let (remover, path) = (ana.clone(), format!("/groups/{group}/members/{}", bob.id()));
    let removing = tokio::spawn(async move { remover.delete(&path).await.status });
    app.until_waiting(1).await;
    assert!(
        !removing.is_finished(),
        "removed in the middle of a message"
    );
    tx.commit().await.unwrap();
    assert_eq!(removing.await.unwrap(), 204);
    app.ears().hear(channel, "membership_changed").await;
    let late = json!({"group_id": group, "content": "x"});
    assert_eq!(
        bob.post("/messages", &late).await.refusal(),
        (403, "not_a_member")
    );
}
