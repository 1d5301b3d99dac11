//! Stories of what operators do.

use serde_json::json;
use shared::{credentials::Role, wire::Channel};

use super::moderation;
use crate::app::testing::{PASSWORD, TestApp};

#[tokio::test]
async fn a_suspended_account_is_out_and_not_there_until_it_is_let_in_again() {
    let app = TestApp::start().await;
    let (ana, bob) = (app.user("ana").await, app.user("bob").await);
    app.ears().join(Channel::Broadcast).await;
    let mut tx = app.app().begin().await.unwrap();
    moderation::suspend(&mut tx, ana.id()).await.unwrap();
    tx.commit().await.unwrap();

    ana.hears("session_revoked").await;
    let heard = app.ears().hear(Channel::Broadcast, "account_changed").await;
    assert_eq!(heard.data(), &json!({"user_id": ana.id()}));
    assert_eq!(
        ana.get("/auth/me").await.refusal(),
        (401, "session_revoked")
    );
    let log_in = json!({"username": "ana", "password": PASSWORD});
    let refused = app.visitor().post("/auth/login", &log_in).await;
    assert_eq!(refused.refusal(), (403, "account_suspended"));
    let profile = format!("/users/{}", ana.id());
    assert_eq!(bob.get(&profile).await.refusal(), (404, "not_found"));

    let tx = app.app().begin().await.unwrap();
    moderation::unsuspend(&tx, ana.id()).await.unwrap();
    tx.commit().await.unwrap();
    app.visitor().post("/auth/login", &log_in).await.ok();
    bob.get(&profile).await.ok();
}

#[tokio::test]
async fn operators_know_accounts_by_name_and_nobody_who_is_not_there() {
    let app = TestApp::start().await;
    let ana = app.user("ana").await;
    let mut tx = app.app().begin().await.unwrap();
    let found = moderation::find_by_name(&tx, "Ana").await.unwrap();
    assert_eq!(found, ana.id());
    let unknown = moderation::find_by_name(&tx, "nobody").await;
    assert_eq!(unknown.unwrap_err().code().name(), "not_found");
    let nobody = shared::ids::UserId::new(999_999).unwrap();
    for refused in [
        moderation::suspend(&mut tx, nobody).await,
        moderation::unsuspend(&tx, nobody).await,
        moderation::set_role(&mut tx, nobody, Role::Admin)
            .await
            .map(drop),
    ] {
        assert_eq!(refused.unwrap_err().code().name(), "not_found");
    }
}
