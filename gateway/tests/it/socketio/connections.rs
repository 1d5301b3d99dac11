//! Over WebSocket.

use std::time::Duration;

use shared::credentials::Purpose;

use super::*;

/// More than anybody is let do without a refusal.
const ENOUGH: usize = 60;

#[tokio::test(flavor = "multi_thread")]
async fn a_client_connects_asks_and_is_answered() {
    let gateway = Gateway::start().await;
    let (mut client, connected) = Client::is_in(&gateway, &with_token(&gateway, 1)).await;
    assert!(connected["sid"].is_string() && connected["pid"].is_string());

    client.say(r#"420["join","1"]"#).await;
    assert_eq!(client.packet().await.unwrap(), r#"430[{"userId":"1"}]"#);
    client.say(r#"421["join","2"]"#).await;
    assert!(client.packet().await.unwrap().contains("forbidden"));
    client.say(r#"422["ping"]"#).await;
    assert_eq!(client.packet().await.unwrap(), "432[{}]");
    client.say("40/admin,").await;
    let refused = r#"44/admin,{"message":"Invalid namespace"}"#;
    assert_eq!(client.packet().await.unwrap(), refused);
    client.say(r#"423["ping","\ud83d"]"#).await;
    assert!(client.packet().await.unwrap().contains("invalid_json"));
    // An event with an attachment is refused, and the attachment belongs to it.
    client
        .say(r#"451-3["typing",{"_placeholder":true,"num":0}]"#)
        .await;
    client.0.send(&masked(0x82, b"binary")).await;
    assert!(client.packet().await.unwrap().contains("validation_failed"));

    gateway.publish(1, 1).await;
    let event = client.event().await;
    assert!(event[1]["eventId"].is_string() && event[2].is_string());
    gateway.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_connection_is_recovered_on_another_node_while_the_first_has_not_noticed() {
    let gateway = Gateway::start().await;
    let neighbour = gateway.neighbour(&[]).await;
    let token = gateway.token(1);
    let (mut first, connected) = Client::is_in(&gateway, &json!({ "token": token })).await;
    let pid = connected["pid"].clone();
    gateway.publish(1, 3).await;
    let offset = first.hears(2).await;

    let again = json!({ "token": token, "pid": pid, "offset": offset });
    gateway.publish(1, 2).await;
    let (mut second, connected) = Client::is_in(&neighbour, &again).await;
    assert_eq!(connected["pid"], pid, "recovered");
    let last = second.hears(3).await;
    gateway.publish(1, 1).await;
    assert_ne!(second.hears(1).await, last);

    // Without an event in between, where it began is where it stands.
    let (_, connected) = Client::is_in(&gateway, &json!({ "token": token })).await;
    let pid = connected["pid"].clone();
    gateway.publish(1, 2).await;
    for shown in [
        json!({ "pid": pid }),
        json!({ "pid": pid, "offset": offset }),
    ] {
        let (mut third, connected) = Client::is_in(&neighbour, &shown).await;
        assert_eq!(connected["pid"], pid, "recovered without a token");
        third.hears(2).await;
    }
    // What cannot be recovered has a new name.
    let (_, connected) = Client::is_in(
        &gateway,
        &json!({ "token": token, "pid": "nonsense", "offset": 5.to_string() }),
    )
    .await;
    assert_ne!(connected["pid"], "nonsense");
    drop(first);
    neighbour.stop().await;
    gateway.stop().await;
}

/// On one page somebody signs out and somebody else in, and the library shows what it has of the first.
#[tokio::test(flavor = "multi_thread")]
async fn of_somebody_elses_connection_nothing_is_recovered() {
    let gateway = Gateway::start().await;
    let (mut first, connected) = Client::is_in(&gateway, &with_token(&gateway, 1)).await;
    gateway.publish(1, 1).await;
    let offset = first.hears(1).await;
    let shown = json!({
        "token": gateway.token(2),
        "pid": connected["pid"],
        "offset": offset,
    });
    let (mut second, again) = Client::is_in(&gateway, &shown).await;
    assert_ne!(again["pid"], connected["pid"]);
    gateway.publish(2, 1).await;
    second.hears(1).await;
    gateway.stop().await;
}

/// Browsers send the cookie unasked, and it may be older than the token of the packet.
#[tokio::test(flavor = "multi_thread")]
async fn the_packet_counts_whatever_came_with_the_request() {
    let gateway = Gateway::start().await;
    let token = gateway.token(1);
    let expired = gateway.mint(Purpose::Access, 1, Duration::ZERO);
    let old = "cookie: session=1.secret\r\n".to_owned();
    let foreign = format!("{old}origin: https://evil.example\r\n");
    let late = format!("authorization: Bearer {expired}\r\n");
    for (headers, code) in [
        (&old, "origin_not_allowed"),
        (&foreign, "origin_not_allowed"),
        (&late, "token_expired"),
    ] {
        let mut client = Client::open(&gateway, headers).await;
        client
            .say(&format!("40{}", json!({ "token": token })))
            .await;
        assert!(
            client.packet().await.unwrap().starts_with("40{"),
            "{headers}"
        );
        let mut client = Client::open(&gateway, headers).await;
        client.say("40").await;
        let refused = client.packet().await.unwrap();
        assert!(
            refused.starts_with("44{") && refused.contains(code),
            "{refused}"
        );
    }
    gateway.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn who_must_not_come_in_is_told_by_the_namespace() {
    let gateway = Gateway::start().await;
    for auth in [json!({}), json!({"token": "nonsense"})] {
        let mut client = Client::connect(&gateway, &auth).await;
        let refused = client.packet().await.unwrap();
        let data = refused.strip_prefix("44").unwrap();
        let data: Value = serde_json::from_str(data).unwrap();
        assert_eq!(data["data"]["code"], "unauthenticated");
        assert!(client.0.close_code().await.is_some());
    }
    let mut client = Client::connect(&gateway, &json!({"token": 5})).await;
    assert!(client.packet().await.unwrap().contains("invalid_request"));
    gateway.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn bad_packets_end_their_own_connection_only() {
    let gateway = Gateway::start().await;
    let auth = with_token(&gateway, 1);
    let (mut other, _) = Client::is_in(&gateway, &with_token(&gateway, 2)).await;
    for bad in [
        "4abc",
        "42{}",
        r#"42abc["m"]"#,
        "abc",
        "",
        "2",
        "5",
        "40",
        r#"42["connect"]"#,
        r#"42/admin,["ping"]"#,
    ] {
        let (mut client, _) = Client::is_in(&gateway, &auth).await;
        client.say(bad).await;
        assert_eq!(client.0.close_code().await, Some(1002), "{bad}");
    }
    let (mut client, _) = Client::is_in(&gateway, &auth).await;
    client.0.send(&masked(0x82, b"no attachment")).await;
    assert_eq!(client.0.close_code().await, Some(1002));
    let (mut client, _) = Client::is_in(&gateway, &auth).await;
    client.say("1").await;
    assert_eq!(client.0.close_code().await, Some(1000));
    other.say(r#"429["ping"]"#).await;
    assert_eq!(other.packet().await.unwrap(), "439[{}]");
    gateway.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn who_leaves_the_namespace_keeps_the_engine_and_may_come_back() {
    let gateway = Gateway::start_with(&[("AUTH_TIMEOUT", "1s")]).await;
    let connections = r#"hubbub_gateway_connections{transport="socketio"}"#;
    let auth = with_token(&gateway, 1);
    let (mut witness, _) = gateway.listen(1).await;
    let (mut client, first) = Client::is_in(&gateway, &auth).await;
    client.say("41").await;
    assert_eq!(client.packet().await.unwrap(), "2", "the engine goes on");
    until(|| gateway.metric(connections) == 0).await;
    gateway.publish(1, 1).await;
    // The node has heard it, so it is nothing new for whoever comes now.
    witness.offsets(1).await;
    client.say(&format!("40{auth}")).await;
    let connected = client.packet().await.unwrap();
    let again: Value = serde_json::from_str(connected.strip_prefix("40").unwrap()).unwrap();
    assert_ne!(again["sid"], first["sid"]);
    assert_ne!(again["pid"], first["pid"], "nothing is recovered");
    // All in one go: what follows the goodbye is for whoever comes after it.
    let said = ["41", "3", &format!("40{auth}"), r#"421["ping"]"#];
    let said = said.map(|packet| masked(TEXT, packet.as_bytes())).concat();
    client.0.send(&said).await;
    assert_eq!(client.packet().await.unwrap(), "2");
    assert!(client.packet().await.unwrap().starts_with("40{"));
    assert_eq!(client.packet().await.unwrap(), "431[{}]");
    gateway.publish(1, 1).await;
    client.hears(1).await;

    // Who it is has to be said anew.
    client.say("41").await;
    client.say("40").await;
    assert_eq!(client.packet().await.unwrap(), "2");
    assert!(client.packet().await.unwrap().contains("unauthenticated"));
    assert!(client.0.close_code().await.is_some());
    gateway.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn who_comes_back_again_and_again_is_counted_at_the_door() {
    let settings = [("RATE_LIMITS", "on"), ("HANDSHAKE_RATE", "3+1/s")];
    let gateway = Gateway::start_with(&settings).await;
    let auth = with_token(&gateway, 1);
    let (mut client, _) = Client::is_in(&gateway, &auth).await;
    for times in 0.. {
        assert!(times < ENOUGH);
        client.say("41").await;
        client.say(&format!("40{auth}")).await;
        assert_eq!(client.packet().await.unwrap(), "2");
        // The engine ends, and with it nothing that would keep the client from coming back.
        let Some(connected) = client.packet().await else {
            break;
        };
        assert!(connected.starts_with("40{"), "{connected}");
    }
    let refused = r#"hubbub_gateway_door_refusals_total{reason="rate"}"#;
    assert_eq!(gateway.metric(refused), 1);
    gateway.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn whatever_is_said_counts_as_a_command() {
    let settings = [("RATE_LIMITS", "on"), ("COMMANDS_PER_SECOND", "1")];
    let gateway = Gateway::start_with(&settings).await;
    let auth = with_token(&gateway, 1);
    let attached = [
        masked(TEXT, br#"451-["typing",{"_placeholder":true,"num":0}]"#),
        masked(0x82, b"binary"),
    ];
    for said in [
        masked(TEXT, br#"420["join"]"#),
        masked(TEXT, br#"42["typing",{},{}]"#),
        masked(TEXT, b"40/admin,"),
        masked(TEXT, b"430[]"),
        masked(TEXT, br#"42["ping"]"#),
        attached.concat(),
    ] {
        let (mut client, _) = Client::is_in(&gateway, &auth).await;
        client.0.send(&said.repeat(ENOUGH)).await;
        for answers in 0.. {
            assert!(answers < ENOUGH, "{}", said.escape_ascii());
            let answer = client.packet().await.unwrap();
            if answer.contains("rate_limited") {
                break;
            }
        }
        // Whoever does not listen to it is closed.
        client.0.send(&said.repeat(5 * ENOUGH)).await;
        assert_eq!(client.0.close_code().await, Some(4203));
    }
    gateway.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn who_leaves_the_namespace_for_good_is_let_go() {
    let gateway = Gateway::start_with(&[("AUTH_TIMEOUT", "1s")]).await;
    let auth = with_token(&gateway, 1);
    // Says so, breaks the rules, or says nothing more.
    for (last, code) in [(Some("1"), 1000), (Some("42[]"), 1002), (None, 1000)] {
        let (mut client, _) = Client::is_in(&gateway, &auth).await;
        client.say("41").await;
        if let Some(last) = last {
            client.say(last).await;
        }
        assert_eq!(client.0.close_code().await, Some(code), "{last:?}");
    }
    // The library closes the engine besides, and no handshake has failed.
    let (mut client, _) = Client::is_in(&gateway, &auth).await;
    let goodbye = [masked(TEXT, b"41"), masked(0x88, &1000_u16.to_be_bytes())];
    client.0.send(&goodbye.concat()).await;
    assert_eq!(client.0.close_code().await, Some(1000));
    let polled = Polled::is_in(&gateway, &auth).await;
    polled.post("41\u{1e}1").await;
    assert_eq!(polled.get().await.0, 400);
    let connections = r#"hubbub_gateway_connections{transport="socketio"}"#;
    until(|| gateway.metric(connections) == 0).await;
    let failed = r#"hubbub_gateway_handshakes_total{result="malformed",transport="socketio"}"#;
    assert_eq!(gateway.metric(failed), 1, "the one that broke the rules");
    gateway.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_revoked_session_leaves_the_namespace_and_a_drain_only_the_engine() {
    let gateway = Gateway::start().await;
    let (mut revoked, _) = Client::is_in(&gateway, &with_token(&gateway, 1)).await;
    let (mut drained, _) = Client::is_in(&gateway, &with_token(&gateway, 2)).await;
    gateway.revoke(1, 1).await;
    let mut said = Vec::new();
    while let Some(packet) = revoked.packet().await {
        said.push(packet);
    }
    assert_eq!(said.last().unwrap(), "41");
    until(|| gateway.metric(r#"hubbub_gateway_connections{transport="socketio"}"#) == 1).await;
    gateway.lifecycle.drain();
    while let Some(packet) = drained.packet().await {
        assert!(!packet.starts_with("41"), "{packet}");
    }
    gateway.ends().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_that_is_no_handshake_hears_why() {
    let gateway = Gateway::start().await;
    for (query, code) in [
        ("transport=websocket", 5),
        ("EIO=3&transport=websocket", 5),
        ("EIO=4", 0),
        ("EIO=4&transport=abc", 0),
        ("EIO=4&transport=websocket&sid=unknown", 1),
        ("EIO=4&transport=websocket", 3),
    ] {
        let http = HttpClient::new(&gateway.base);
        let request = Request::get(format!("{}/socket.io/?{query}", gateway.base))
            .body(Full::default())
            .unwrap();
        let answer = http.send_raw(request).await.unwrap();
        assert_eq!(answer.status, 400, "{query}");
        assert_eq!(answer.json["code"], code, "{query}");
    }
    gateway.stop().await;
}
