//! Many who write, and many who listen.

use futures_util::future::join_all;
use serde_json::{Value, json};
use shared::{ids::GroupId, wire::Channel};

use super::{field, numbers};
use crate::{
    app::{
        db::{FromRow, InvalidRow, Row},
        testing::{Actor, TestApp},
    },
    groups,
};

/// A public group of this person's.
async fn group_of(owner: &Actor) -> (GroupId, Value) {
    let group = owner.post("/groups", &json!({"name": "Crowd"})).await.ok();
    let id = GroupId::new(group["id"].as_i64().unwrap()).unwrap();
    (id, group["conversation_id"].clone())
}

#[tokio::test]
async fn fifty_members_who_write_at_once_leave_no_hole_and_one_order_everywhere() {
    let app = TestApp::start().await;
    let other_pod = app.start_another("api-2").await;
    let ana = app.user("ana").await;
    let (group, conversation) = group_of(&ana).await;
    let channel = Channel::Group(group);
    app.ears().join(channel).await;
    other_pod.ears().join(channel).await;
    let names: Vec<String> = (0..50).map(|number| format!("member{number}")).collect();
    let members = join_all(names.iter().map(|name| app.user(name))).await;
    for member in &members {
        let path = format!("/groups/{group}/join");
        member.post(&path, &json!({})).await.ok();
    }

    let sending = members.iter().enumerate().map(|(number, member)| {
        let pod = if number % 2 == 0 { &app } else { &other_pod };
        async move {
            let mut sent = Vec::new();
            for round in 0..2 {
                let message = json!({"group_id": group, "content": format!("{number}.{round}")});
                sent.push(pod.command(member, "group", message).await.unwrap());
            }
            sent
        }
    });
    let mut sent = join_all(sending).await.concat();
    sent.sort_by_key(|message| message["seq"].as_i64());
    assert_eq!(field(&sent, "seq"), numbers(1..=100));

    let path = format!("/conversations/{conversation}/messages?after_seq=0&limit=100");
    for reader in [&ana, &members[49]] {
        let history = reader.get(&path).await.ok();
        assert_eq!(history["items"].as_array().unwrap(), &sent);
    }
    for ears in [app.ears(), other_pod.ears()] {
        for message in &sent {
            let heard = ears.hear(channel, "group_message").await;
            let data = heard.data();
            assert_eq!(
                (&data["seq"], &data["content"]),
                (&message["seq"], &message["content"])
            );
        }
    }
}

/// What a message has left behind.
#[derive(Debug, PartialEq)]
struct Traces {
    log_rows: i64,
    /// Transactions that wrote the message, its number, its log row and the head of its channel.
    transactions: i64,
    notifications: i64,
}

impl FromRow for Traces {
    fn from_row(row: &Row<'_>) -> Result<Self, InvalidRow> {
        Ok(Self {
            log_rows: row.get("log_rows")?,
            transactions: row.get("transactions")?,
            notifications: row.get("notifications")?,
        })
    }
}

const TRACES: &str = "
select
    (select count(*) from event_log where kind = 'group_message') as log_rows,
    (select count(*) from notifications) as notifications,
    (
        select count(distinct written.xmin::text)
        from (
            select xmin from messages
            union all select xmin from conversations where group_id = $1
            union all select xmin from event_log where kind = 'group_message'
            union all select xmin from channel_heads where channel = 'group:' || $1::bigint
        ) written
    ) as transactions";

#[tokio::test]
async fn a_message_to_ten_thousand_is_one_transaction_one_append_and_one_publication() {
    let app = TestApp::start().await;
    let ana = app.user("ana").await;
    let (group, conversation) = group_of(&ana).await;
    let db = app.app().read().await.unwrap();
    let crowd = groups::add_crowd(&db, group, 9_999, app.app().now())
        .await
        .unwrap();
    assert_eq!(crowd.len(), 9_999);
    let channel = Channel::Group(group);
    app.ears().join(channel).await;
    let published = || {
        let counter = &app.app().metrics().outbox_published;
        let results = ["published", "repeat", "waiting", "refused", "failed"];
        let counts = results.map(|result| counter.with_label_values(&["inline", result]).get());
        counts.iter().sum::<u64>()
    };
    let before = published();

    let message = json!({"group_id": group, "content": "hello, all of you"});
    let sent = ana.post("/messages", &message).await.ok();
    let heard = app.ears().hear(channel, "group_message").await;
    assert_eq!(heard.data()["message_id"], sent["id"]);
    assert_eq!(heard.event.channel, channel);
    assert_eq!(published() - before, 1);
    let traces: Traces = db.query_one(TRACES, &[&group.get()]).await.unwrap();
    let expected = Traces {
        log_rows: 1,
        transactions: 1,
        notifications: 0,
    };
    assert_eq!(traces, expected);

    // Nor does reading it tell ten thousand: of so many only their number is shown.
    let read = "update conversation_members set read_seq = 1 where conversation_id = $1 and user_id = any($2)";
    let some: Vec<i64> = crowd.iter().take(7).map(|person| person.get()).collect();
    let id = conversation.as_i64().unwrap();
    db.execute(read, &[&id, &some]).await.unwrap();
    let path = format!("/conversations/{conversation}");
    ana.post(&format!("{path}/read"), &json!({"seq": 1}))
        .await
        .ok();
    let readers = ana.get(&format!("{path}/readers?seq=1")).await.ok();
    assert_eq!(readers, json!({"count": 7, "readers": null}));
    let told: i64 = db
        .query_one(
            "select count(*) from event_log where kind = 'message_read'",
            &[],
        )
        .await
        .unwrap();
    assert_eq!(told, 1, "the reader's own devices");
}
