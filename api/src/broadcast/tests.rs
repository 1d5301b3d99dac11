//! Stories of broadcasts.

use serde_json::json;
use shared::{credentials::Role, wire::Channel};

use crate::{app::testing::TestApp, auth::moderation};

#[tokio::test]
async fn an_admin_tells_everybody_and_nobody_else_does() {
    let app = TestApp::start().await;
    let ana = app.user("ana").await;
    app.ears().join(Channel::Broadcast).await;
    let word = json!({"content": "back in five minutes"});
    let refused = ana.post("/broadcast", &word).await;
    assert_eq!(refused.refusal(), (403, "forbidden"));

    let mut tx = app.app().begin().await.unwrap();
    moderation::set_role(&mut tx, ana.id(), Role::Admin)
        .await
        .unwrap();
    tx.commit().await.unwrap();
    let empty = ana.post("/broadcast", &json!({"content": " "})).await;
    assert_eq!(empty.refusal(), (422, "validation_failed"));
    assert_eq!(ana.post("/broadcast", &word).await.status, 204);
    let heard = app.ears().hear(Channel::Broadcast, "broadcast").await;
    assert_eq!(heard.data(), &word);
    assert_eq!(heard.body["from_user_id"], json!(ana.id()));
    assert!(app.ears().unheard(Channel::Broadcast).is_empty());

    // Tokens bear the role of when they were made.
    let mut tx = app.app().begin().await.unwrap();
    moderation::set_role(&mut tx, ana.id(), Role::User)
        .await
        .unwrap();
    tx.commit().await.unwrap();
    ana.hears("session_revoked").await;
    let refused = ana.post("/broadcast", &word).await;
    assert_eq!(refused.refusal(), (401, "session_revoked"));
}
