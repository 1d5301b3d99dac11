//! Stories of feature flags.

use std::time::Duration;

use futures_util::future::join_all;
use hyper::Method;
use serde_json::{Value, json};
use shared::{
    credentials::{Purpose, Role},
    flags::Overrides,
    ids::UserId,
    wire::Channel,
};
use tokio::time::Instant;

use crate::{
    app::testing::{Actor, TestApp},
    auth,
};

async fn post_of(who: &Actor) -> Value {
    let post = who.post("/posts", &json!({"content": "a post"})).await;
    post.ok()["id"].clone()
}

#[tokio::test]
async fn a_flag_that_is_turned_holds_on_every_pod_within_a_second_and_is_written_down() {
    let app = TestApp::start().await;
    let other = app.start_another("api-2").await;
    let (admin, ana) = (
        app.user_with("admin", Role::Admin).await,
        app.user("ana").await,
    );
    let there = other.user("bob").await;
    app.ears().join(Channel::Broadcast).await;
    let like = format!("/posts/{}/like", post_of(&ana).await);
    there.put(&like, &json!({})).await.ok();

    let turned = admin
        .put("/admin/flags/likes", &json!({"enabled": false}))
        .await;
    assert_eq!(turned.ok()["rules"]["enabled"], false);
    let heard = app.ears().hear(Channel::Broadcast, "flags_changed").await;
    assert_eq!(heard.data(), &json!({"name": "likes"}));
    // Here at once, there when it has looked.
    let refused = ana.put(&like, &json!({})).await;
    assert_eq!(refused.refusal(), (403, "feature_unavailable"));
    assert_eq!(refused.json["detail"], "Feature not available");
    let deadline = Instant::now() + Duration::from_secs(10);
    while there.put(&like, &json!({})).await.status != 403 {
        assert!(Instant::now() < deadline, "the other pod does not know");
    }
    // Whoever asks is told what is, and not what this pod remembers.
    let flags = there.get("/flags").await.ok();
    let off = json!({"enabled": false, "variant": null});
    assert_eq!(flags["flags"]["likes"], off);
    assert_eq!(flags["flags"]["comments"]["enabled"], true);
    let screen = there.get("/bootstrap").await.ok();
    assert_eq!(screen["flags"], flags["flags"]);

    let acts = admin.get("/admin/audit").await.ok();
    let act = &acts["items"][0];
    assert_eq!(act["act"], "flag_changed");
    assert_eq!(act["subject"], "flag:likes");
    assert_eq!(act["actor_id"], json!(admin.id()));
    assert_eq!(act["detail"]["after"]["enabled"], false);
}

#[tokio::test]
async fn who_is_in_a_list_is_told_alone() {
    let app = TestApp::start().await;
    let (admin, ana) = (
        app.user_with("admin", Role::Admin).await,
        app.user("ana").await,
    );
    app.ears().join(Channel::Broadcast).await;
    let nobody = json!({"enabled": true, "percentage": 0});
    admin.put("/admin/flags/friends", &nobody).await.ok();
    app.ears().hear(Channel::Broadcast, "flags_changed").await;
    let refused = ana.get("/friends").await;
    assert_eq!(refused.refusal(), (403, "feature_unavailable"));
    let ana_alone = json!({"enabled": true, "percentage": 0, "allowed_users": [ana.id()]});
    admin.put("/admin/flags/friends", &ana_alone).await.ok();
    ana.hears("flags_changed").await;
    ana.get("/friends").await.ok();
    assert_eq!(admin.get("/friends").await.status, 403);
    assert!(app.ears().unheard(Channel::Broadcast).is_empty());
}

#[tokio::test]
async fn what_contradicts_itself_is_refused_and_so_is_who_is_no_admin() {
    let app = TestApp::start().await;
    let (admin, ana) = (
        app.user_with("admin", Role::Admin).await,
        app.user("ana").await,
    );
    for wrong in [
        json!({"enabled": true, "percentage": -1}),
        json!({"enabled": true, "percentage": 100.5}),
        json!({"enabled": true, "allowed_users": [1], "denied_users": [1]}),
        json!({"enabled": true, "variants": [{"name": "a", "weight": 0}]}),
        json!({"enabled": true, "variants": [{"name": "a", "weight": 1}, {"name": "a", "weight": 1}]}),
        json!({"percentage": 10}),
    ] {
        let refused = admin.put("/admin/flags/likes", &wrong).await;
        assert_eq!(refused.refusal(), (422, "validation_failed"), "{wrong}");
    }
    let on = json!({"enabled": true});
    let unknown = admin.put("/admin/flags/nothing", &on).await;
    assert_eq!(unknown.refusal(), (404, "not_found"));
    let refused = ana.put("/admin/flags/likes", &on).await;
    assert_eq!(refused.refusal(), (403, "forbidden"));
    for route in ["/admin/flags", "/admin/audit"] {
        assert_eq!(ana.get(route).await.refusal(), (403, "forbidden"));
        let nobody = app.visitor().get(route).await;
        assert_eq!(nobody.refusal(), (401, "unauthenticated"));
    }
}

#[tokio::test]
async fn guards_stand_before_commands_too_and_the_environment_s_disabled_wins() {
    let word = "disabled".parse().unwrap();
    let off = [("PRESENCE".to_owned(), word), ("COMMENTS".to_owned(), word)];
    let app = TestApp::start_with(|settings| settings.flags = Overrides::new(off)).await;
    let (admin, ana) = (
        app.user_with("admin", Role::Admin).await,
        app.user("ana").await,
    );
    for flag in ["presence", "comments"] {
        let path = format!("/admin/flags/{flag}");
        admin.put(&path, &json!({"enabled": true})).await.ok();
    }
    let asked = app
        .command(&ana, "presence", json!({"user_ids": [1]}))
        .await;
    assert_eq!(asked.unwrap_err()["code"], "feature_unavailable");
    let comments = format!("/posts/{}/comments", post_of(&ana).await);
    assert_eq!(
        ana.get(&comments).await.refusal(),
        (403, "feature_unavailable")
    );
}

/// Somebody's `GET /flags` at each step of a rollout.
async fn who_has_it(app: &TestApp, tokens: &[String]) -> Vec<bool> {
    let asked = tokens.iter().map(|token| async move {
        let path = "/api/v1/flags";
        let answer = app.http().send(Method::GET, path, Some(token), None).await;
        let flags = answer.unwrap().json;
        flags["flags"]["comments"]["enabled"] == true
    });
    join_all(asked).await
}

async fn crowd(app: &TestApp, people: i64) -> Vec<String> {
    let db = app.app().read().await.unwrap();
    let insert = "
        insert into users (username, email, password_hash, created_at, updated_at)
        select 'p' || n, 'p' || n || '@example.com', '!', now(), now() from generate_series(1, $1::bigint) n
        returning id";
    let ids: Vec<UserId> = db.query(insert, &[&people]).await.unwrap();
    let sessions = auth::open_sessions(app.app(), &ids).await.unwrap();
    let hour = Duration::from_hours(1);
    let tokens = sessions.into_iter().map(|(user, session)| {
        let who = (user, session, Role::User);
        app.app().tokens().mint(Purpose::Access, who, hour).0
    });
    tokens.collect()
}

#[tokio::test]
async fn a_rollout_takes_the_feature_from_nobody_and_reaches_the_share_that_was_said() {
    const PEOPLE: i64 = 150;
    let app = TestApp::start_with(|settings| settings.http.rate_limits = false).await;
    let admin = app.user_with("admin", Role::Admin).await;
    let tokens = crowd(&app, PEOPLE).await;
    let mut before = vec![false; tokens.len()];
    for percentage in [0.0, 5.0, 20.0, 50.0, 80.0, 100.0] {
        let rules = json!({"enabled": true, "percentage": percentage});
        admin.put("/admin/flags/comments", &rules).await.ok();
        let now = who_has_it(&app, &tokens).await;
        let lost = before.iter().zip(&now).any(|(had, has)| *had && !has);
        assert!(!lost, "somebody lost it at {percentage} %");
        #[expect(clippy::cast_precision_loss, reason = "small numbers")]
        let (count, people) = (now.iter().filter(|has| **has).count() as f64, PEOPLE as f64);
        let share = percentage / 100.0;
        // Four standard deviations; none at the ends.
        let bound = 4.0 * (people * share * (1.0 - share)).sqrt();
        let expected = people * share;
        assert!(
            (count - expected).abs() <= bound,
            "{count} have it at {percentage} %"
        );
        before = now;
    }
    // And back: whoever has it at half has it at all above.
    let rules = json!({"enabled": true, "percentage": 50});
    admin.put("/admin/flags/comments", &rules).await.ok();
    let half = who_has_it(&app, &tokens).await;
    assert!(half.iter().any(|has| *has) && half.iter().any(|has| !has));
}
