//! What a client gets before it connects.

use serde_json::json;
use shared::credentials::Purpose;

use crate::app::testing::TestApp;

#[tokio::test]
async fn everybody_may_know_where_to_connect() {
    let app = TestApp::start().await;
    let config = app.visitor().get("/realtime/config").await.ok();
    insta::assert_json_snapshot!(config, @r#"
    {
      "heartbeat_seconds": 25,
      "ping_seconds": 30,
      "subprotocols": [
        "hubbub.v1",
        "hubbub.v1.nd"
      ],
      "ticket_seconds": 30,
      "websocket_url": "/ws"
    }
    "#);
    let app = TestApp::start_with(|settings| {
        settings.realtime.gateway_url = "wss://live.example.com/".to_owned();
    })
    .await;
    let config = app.visitor().get("/realtime/config").await.ok();
    assert_eq!(config["websocket_url"], "wss://live.example.com/ws");
}

#[tokio::test]
async fn a_ticket_is_good_for_a_connection_and_for_nothing_else() {
    let app = TestApp::start().await;
    let ana = app.user("ana").await;
    let created = ana.post("/realtime/token", &json!({})).await;
    assert_eq!(
        (created.status, &created.json["expires_in"]),
        (201, &json!(30))
    );
    let ticket = created.json["token"].as_str().unwrap();
    let identity = app.app().tokens().verify(Purpose::Ticket, ticket).unwrap();
    assert_eq!(identity.user_id, ana.id());
    let sent = app
        .http()
        .send(hyper::Method::GET, "/api/v1/auth/me", Some(ticket), None)
        .await;
    assert_eq!(sent.unwrap().code(), Some("unauthenticated"));
    let refused = app.visitor().post("/realtime/token", &json!({})).await;
    assert_eq!(refused.refusal(), (401, "unauthenticated"));
}
