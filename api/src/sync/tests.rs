//! Pages of changes. That they lead from any state to any later one, whoever writes meanwhile, is told in
//! `bootstrap/tests`.

use hyper::StatusCode;
use serde_json::{Value, json};

use crate::app::{
    event_log::start_new_epoch,
    testing::{Actor, TestApp},
};

async fn says(from: &Actor, to: &Actor, content: &str) -> Value {
    let message = json!({"to": to.id(), "content": content});
    from.post("/messages", &message).await.ok()
}

async fn since(who: &Actor, cursor: &Value) -> Value {
    let path = format!("/sync?since={}", cursor.as_str().unwrap());
    who.get(&path).await.ok()
}

fn contents(page: &Value) -> Vec<&str> {
    let messages = page["messages"].as_array().unwrap().iter();
    messages
        .map(|message| message["content"].as_str().unwrap())
        .collect()
}

#[tokio::test]
async fn what_was_written_edited_and_read_since_a_cursor_comes_once() {
    let app = TestApp::start().await;
    let (ana, bob) = (app.user("ana").await, app.user("bob").await);
    let first = says(&ana, &bob, "first").await;
    says(&ana, &bob, "second").await;
    let start = bob.get("/sync").await.ok();
    assert_eq!(
        (contents(&start), &start["has_more"]),
        (vec![], &json!(false))
    );

    let path = format!("/messages/{}", first["id"]);
    ana.patch(&path, &json!({"content": "first, better"}))
        .await
        .ok();
    says(&ana, &bob, "third").await;
    let path = format!("/conversations/{}/read", first["conversation_id"]);
    bob.post(&path, &json!({"seq": 2})).await.ok();

    let page = since(&bob, &start["cursor"]).await;
    assert_eq!(contents(&page), ["first, better", "third"]);
    let conversation = &page["conversations"][0];
    assert_eq!(
        (&conversation["read_seq"], &conversation["unread_count"]),
        (&json!(2), &json!(1))
    );
    // Of three messages one notification, which "second" found unread.
    assert_eq!(page["notifications"], json!([]));
    assert_eq!(
        page["counts"],
        json!({"unread_notifications": 1, "message_requests": 0})
    );
    let next = since(&bob, &page["cursor"]).await;
    assert_eq!(
        (contents(&next), &next["conversations"]),
        (vec![], &json!([]))
    );
    assert_eq!(
        next["cursor"], page["cursor"],
        "nothing new is the same answer"
    );
}

#[tokio::test]
async fn what_a_transaction_under_way_writes_comes_when_it_has_ended() {
    let app = TestApp::start().await;
    let (ana, bob) = (app.user("ana").await, app.user("bob").await);
    says(&bob, &ana, "an open conversation").await;
    let start = ana.get("/sync").await.ok();
    // A transaction that began before the others, and ends after them.
    let tx = app.app().begin().await.unwrap();
    let early = "update notifications set title = 'early' where user_id = $1";
    assert_eq!(tx.execute(early, &[&ana.id().get()]).await.unwrap(), 1);
    says(&bob, &ana, "meanwhile").await;
    let meanwhile = since(&ana, &start["cursor"]).await;
    assert_eq!(contents(&meanwhile), ["meanwhile"]);
    assert_eq!(meanwhile["notifications"], json!([]));

    tx.commit().await.unwrap();
    says(&bob, &ana, "afterwards").await;
    let afterwards = since(&ana, &meanwhile["cursor"]).await;
    assert_eq!(contents(&afterwards), ["afterwards"]);
    assert_eq!(afterwards["notifications"][0]["title"], "early");
}

#[tokio::test]
async fn who_was_away_between_two_pages_is_told_that_what_they_know_is_old() {
    let app = TestApp::start().await;
    let (ana, bob) = (app.user("ana").await, app.user("bob").await);
    let group = ana.post("/groups", &json!({"name": "Runners"})).await.ok();
    let comes = async |act: &str| {
        let path = format!("/groups/{}/{act}", group["id"]);
        bob.post(&path, &json!({})).await.ok()
    };
    comes("join").await;
    let message = json!({"group_id": group["id"], "content": "as bob knows it"});
    let message = ana.post("/messages", &message).await.ok();
    says(&ana, &bob, "hello").await;
    let start = bob.get("/sync").await.ok();

    says(&ana, &bob, "first").await;
    says(&ana, &bob, "second").await;
    comes("leave").await;
    let path = format!("/messages/{}", message["id"]);
    let edited = json!({"content": "as it is"});
    ana.patch(&path, &edited).await.ok();
    let path = format!("/sync?limit=1&since={}", start["cursor"].as_str().unwrap());
    let mut page = bob.get(&path).await.ok();
    assert_eq!(
        (contents(&page), &page["joined"]),
        (vec!["first"], &json!([]))
    );
    comes("join").await;
    let mut rejoined = Vec::new();
    while page["has_more"] == true {
        page = since(&bob, &page["cursor"]).await;
        rejoined.extend(page["joined"].as_array().unwrap().clone());
    }
    assert_eq!(rejoined, [group["conversation_id"].clone()]);
    assert!(page["channels"][format!("group:{}", group["id"])].is_object());
}

#[tokio::test]
async fn an_idle_poll_is_answered_with_not_modified() {
    let app = TestApp::start().await;
    let (ana, bob) = (app.user("ana").await, app.user("bob").await);
    let start = bob.get("/sync").await.ok();
    let path = format!("/api/v1/sync?since={}", start["cursor"].as_str().unwrap());
    let poll = async |known: &str| {
        let request = hyper::Request::builder()
            .uri(format!("{}{path}", app.http().base()))
            .header("authorization", format!("Bearer {}", bob.token()))
            .header("if-none-match", known)
            .body(bytes::Bytes::new().into());
        app.http().send_raw(request.unwrap()).await.unwrap()
    };
    let first = poll("\"none\"").await;
    assert_eq!(first.status, StatusCode::OK);
    let tag = first.headers["etag"].to_str().unwrap();
    // What others do to each other is no news.
    says(&ana, &app.user("cyd").await, "psst").await;
    assert_eq!(poll(tag).await.status, StatusCode::NOT_MODIFIED);
    says(&ana, &bob, "hello").await;
    assert_eq!(poll(tag).await.status, StatusCode::OK);
}

#[tokio::test]
async fn a_cursor_of_somebody_else_or_of_another_life_says_full_and_nonsense_is_refused() {
    let app = TestApp::start().await;
    let (ana, bob) = (app.user("ana").await, app.user("bob").await);
    let start = ana.get("/sync").await.ok();
    let foreign = since(&bob, &start["cursor"]).await;
    assert_eq!(
        (&foreign["full"], &foreign["cursor"]),
        (&json!(true), &Value::Null)
    );
    assert_eq!(foreign.get("channels"), None);

    for wrong in ["", "x", "bm9uc2Vuc2U", "MS4x"] {
        let refused = ana.get(&format!("/sync?since={wrong}")).await;
        assert_eq!(refused.refusal(), (400, "invalid_request"), "{wrong}");
    }
    let refused = ana.get("/sync?limit=101").await;
    assert_eq!(refused.refusal(), (422, "validation_failed"));
    assert_eq!(
        app.visitor().get("/sync").await.refusal(),
        (401, "unauthenticated")
    );

    start_new_epoch(&app.app().read().await.unwrap())
        .await
        .unwrap();
    assert_eq!(since(&ana, &start["cursor"]).await["full"], true);
}

#[tokio::test]
async fn of_very_many_new_messages_the_newest_come_and_the_hole_shows() {
    let app = TestApp::start().await;
    let (ana, bob) = (app.user("ana").await, app.user("bob").await);
    let first = says(&ana, &bob, "1").await;
    let start = bob.get("/sync").await.ok();
    let many = "
        insert into messages (conversation_id, seq, sender_id, content, created_at)
        select $1, number, $2, number::text, now() from generate_series(2, 1499) number";
    let parameters: &[&(dyn tokio_postgres::types::ToSql + Sync)] =
        &[&first["conversation_id"].as_i64().unwrap(), &ana.id().get()];
    let tx = app.app().begin().await.unwrap();
    tx.execute(many, parameters).await.unwrap();
    let count = "update conversations set last_seq = 1499 where id = $1";
    tx.execute(count, &parameters[..1]).await.unwrap();
    tx.commit().await.unwrap();
    says(&ana, &bob, "1500").await;

    let mut seqs = Vec::new();
    let mut cursor = start["cursor"].clone();
    loop {
        let path = format!("/sync?since={}&limit=100", cursor.as_str().unwrap());
        let page = bob.get(&path).await.ok();
        let messages = page["messages"].as_array().unwrap().iter();
        seqs.extend(messages.map(|message| message["seq"].as_i64().unwrap()));
        cursor = page["cursor"].clone();
        if page["has_more"] == false {
            break;
        }
    }
    assert_eq!(seqs, (501..=1500).collect::<Vec<_>>());
}

#[tokio::test]
async fn what_was_restored_from_another_server_is_not_new_though_its_numbers_are_from_the_future() {
    let app = TestApp::start().await;
    let (ana, bob) = (app.user("ana").await, app.user("bob").await);
    says(&ana, &bob, "restored").await;
    let db = app.app().read().await.unwrap();
    for statement in [
        "alter table messages disable trigger messages_changed",
        "update messages set changed_in = '4000000000000'",
        "alter table messages enable trigger messages_changed",
    ] {
        db.execute(statement, &[]).await.unwrap();
    }
    let start = bob.get("/sync").await.ok();
    says(&ana, &bob, "new").await;
    let page = since(&bob, &start["cursor"]).await;
    assert_eq!(contents(&page), ["new"]);
}
