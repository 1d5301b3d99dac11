//! Who is told who is online, by one gateway with a real Redis.

use std::{collections::HashMap, time::Duration};

use serde_json::Value;
use shared::{
    presence::{Attendance, Presence},
    testing::Received,
};
use tokio::time::{Instant, timeout_at};

use crate::harness::{Gateway, Socket, until, user};

/// Everything about presence that comes until then, by type.
async fn presence_until(socket: &mut Socket, deadline: Instant) -> Vec<Value> {
    let mut heard = Vec::new();
    while let Ok(received) = timeout_at(deadline, socket.next()).await {
        let Received::Frame(frame) = received else {
            panic!("closed");
        };
        let kind = frame["type"].as_str().unwrap();
        if kind.starts_with("user_") || kind == "presence_changed" {
            heard.push(frame);
        }
    }
    heard
}

#[tokio::test]
async fn comings_are_told_and_who_left_is_reported() {
    let gateway = Gateway::start_with(&[("PRESENCE_GRACE", "100ms")]).await;
    *gateway.api.contacts.lock().unwrap() = vec![[1, 2], [3, 1]];
    let (mut ana, _) = gateway.listen(1).await;
    let (bob, _) = gateway.listen(2).await;
    let came = ana.hears("user_connected").await;
    assert_eq!(came["data"]["user_id"], 2, "{came}");
    assert_eq!(came["from_user_id"], 2);
    assert_eq!(came["channel"], "user:1");
    assert_eq!(came["data"]["last_seen"], Value::Null);
    assert_eq!(gateway.metric("hubbub_presence_users"), 2);

    drop(bob);
    let left = ana.hears("user_disconnected").await;
    assert_eq!(left["data"]["user_id"], 2, "{left}");
    let last_seen = left["data"]["last_seen"].as_str().unwrap();
    assert!(last_seen.ends_with('Z'), "{last_seen}");
    until(|| !gateway.api.seen.lock().unwrap().is_empty()).await;
    let seen = gateway.api.seen.lock().unwrap()[0].clone();
    assert_eq!(seen["user_id"], 2, "{seen}");
    assert_eq!(gateway.metric("hubbub_presence_users"), 1);
    assert_eq!(
        gateway.metric(r#"hubbub_presence_transitions_total{to="offline"}"#),
        1
    );
}

#[tokio::test]
async fn who_left_is_told_also_when_the_first_answer_of_redis_was_lost() {
    let gateway = Gateway::start_with(&[("PRESENCE_GRACE", "100ms")]).await;
    *gateway.api.contacts.lock().unwrap() = vec![[1, 2]];
    let (mut ana, _) = gateway.listen(1).await;
    let (bob, _) = gateway.listen(2).await;
    ana.hears("user_connected").await;
    // As if it had been written down already.
    let presence = Presence::new(gateway.bus.clone());
    let node = presence.nodes(&[user(2)]).await.unwrap()[0][0];
    let gone = Attendance {
        user_id: user(2),
        is_present: false,
    };
    presence.attend((node, &[]), &[gone]).await.unwrap();

    drop(bob);
    let left = ana.hears("user_disconnected").await;
    assert_eq!(left["data"]["user_id"], 2, "{left}");
    until(|| !gateway.api.seen.lock().unwrap().is_empty()).await;
}

#[tokio::test]
async fn many_changes_are_one_frame_a_second() {
    let gateway = Gateway::start().await;
    let pairs = (2..=40).map(|other| [1, other]);
    *gateway.api.contacts.lock().unwrap() = pairs.collect();
    let (mut ana, _) = gateway.listen(1).await;
    let started = Instant::now();
    let mut others = Vec::new();
    for number in 2..=40 {
        others.push(gateway.listen(number).await);
    }
    let mut online = HashMap::new();
    let mut frames = 0;
    while online.len() < 39 {
        let frame = ana.frame().await;
        let data = &frame["data"];
        match frame["type"].as_str().unwrap() {
            "user_connected" => drop(online.insert(data["user_id"].clone().to_string(), true)),
            "presence_changed" => {
                assert_eq!(data["ask"], false, "{frame}");
                for user in data["users"].as_array().unwrap() {
                    assert_eq!(user["online"], true);
                    online.insert(user["user_id"].to_string(), true);
                }
            }
            _ => continue,
        }
        frames += 1;
    }
    let most = started.elapsed().as_secs() + 1;
    assert!(frames <= most, "{frames} frames, and not {most}");
}

/// Everybody knows everybody, everybody comes at once, and the budget is small.
#[tokio::test]
async fn a_storm_stays_within_the_budget_and_ends_in_questions() {
    const PEOPLE: i64 = 60;
    const BUDGET: u64 = 20;
    let budget = BUDGET.to_string();
    let gateway = Gateway::start_with(&[("PRESENCE_FRAMES", &budget)]).await;
    let pairs = (1..=PEOPLE).flat_map(|one| (one + 1..=PEOPLE).map(move |other| [one, other]));
    *gateway.api.contacts.lock().unwrap() = pairs.collect();
    let started = Instant::now();
    let mut sockets = Vec::new();
    for number in 1..=PEOPLE {
        sockets.push(gateway.listen(number).await.0);
    }
    let deadline = started + Duration::from_secs(8);
    let mut total = 0;
    let mut asked = 0;
    for socket in &mut sockets {
        let heard = presence_until(socket, deadline).await;
        total += heard.len() as u64;
        let asks = heard.iter().filter(|frame| frame["data"]["ask"] == true);
        asked += asks.count();
    }
    // A second's budget goes out in tenths.
    let tenths = started.elapsed().as_millis() / 100 + 1;
    let bound = BUDGET / 10 * u64::try_from(tenths).unwrap();
    assert!(total <= bound, "{total} frames, and not {bound}");
    assert!(asked > 0, "nobody was asked to ask");
    assert!(total >= PEOPLE.unsigned_abs() / 2, "{total} frames");
}

#[tokio::test]
async fn switched_off_nobody_is_told_anything() {
    let gateway = Gateway::start_with(&[("PRESENCE", "off")]).await;
    *gateway.api.contacts.lock().unwrap() = vec![[1, 2]];
    let (mut ana, _) = gateway.listen(1).await;
    let (_bob, _) = gateway.listen(2).await;
    let deadline = Instant::now() + Duration::from_secs(3);
    assert_eq!(
        presence_until(&mut ana, deadline).await,
        Vec::<Value>::new()
    );
    let presence = Presence::new(gateway.bus.clone());
    let nodes = presence.nodes(&[user(1), user(2)]).await.unwrap();
    assert_eq!(nodes, [[], []]);
}
