//! Stories of accounts and sessions.

use hyper::{Method, Request, header};
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};
use shared::{
    clock::Clock,
    credentials::{Revocations, Standing},
    ids::SessionId,
};

use crate::app::testing::{PASSWORD, Response, TestApp};

fn login(username: &str, password: &str) -> Value {
    json!({"username": username, "password": password})
}

#[tokio::test]
async fn registering_signs_in_and_shows_the_account_to_its_owner() {
    let app = TestApp::start().await;
    let account = json!({
        "username": "ana", "email": "Ana@Example.com", "password": PASSWORD, "name": "Ana"
    });
    let registered = app.visitor().post("/auth/register", &account).await;
    assert_eq!(registered.status, 201);
    let cookie = registered.headers[header::SET_COOKIE].to_str().unwrap();
    assert!(cookie.starts_with("session="), "{cookie}");
    assert!(
        cookie.ends_with("; Path=/; Max-Age=2592000; HttpOnly; SameSite=Lax"),
        "{cookie}"
    );
    insta::assert_json_snapshot!(registered.json, {
        ".access_token" => "[token]",
        ".refresh_token" => "[token]",
        ".user.created_at" => "[time]",
    }, @r#"
    {
      "access_token": "[token]",
      "expires_in": 900,
      "refresh_token": "[token]",
      "token_type": "Bearer",
      "user": {
        "avatar": null,
        "bio": "",
        "created_at": "[time]",
        "email": "Ana@Example.com",
        "id": 1,
        "is_invisible": false,
        "is_private": false,
        "name": "Ana",
        "role": "user",
        "username": "ana"
      }
    }
    "#);
    let ana = app.actor(&registered.json);
    assert_eq!(ana.get("/auth/me").await.ok(), registered.json["user"]);
}

#[tokio::test]
async fn what_is_wrong_with_a_registration_is_told_field_by_field() {
    let app = TestApp::start().await;
    let account = json!({"username": "A b", "email": "nobody", "password": "short"});
    let refused = app.visitor().post("/auth/register", &account).await;
    assert_eq!(refused.refusal(), (422, "validation_failed"));
    let fields = refused.json["errors"].as_array().unwrap();
    let fields: Vec<&str> = fields
        .iter()
        .map(|e| e["field"].as_str().unwrap())
        .collect();
    assert_eq!(fields, ["username", "email", "password"]);

    app.user("ana").await;
    for (username, email, code) in [
        ("ana", "other@example.com", "username_taken"),
        ("other", "ANA@example.com", "email_taken"),
    ] {
        let account = json!({"username": username, "email": email, "password": PASSWORD});
        let refused = app.visitor().post("/auth/register", &account).await;
        assert_eq!(refused.refusal(), (409, code));
    }
}

#[tokio::test]
async fn one_logs_in_by_name_or_address_and_a_failure_says_nothing_about_the_account() {
    let app = TestApp::start().await;
    let ana = app.user("ana").await;
    let by_address = json!({"email": "ANA@example.COM", "password": PASSWORD});
    for credentials in [login("ana", PASSWORD), by_address] {
        let signed_in = app.visitor().post("/auth/login", &credentials).await.ok();
        assert_eq!(signed_in["user"]["id"], json!(ana.id()));
    }
    let wrong_password = app
        .visitor()
        .post("/auth/login", &login("ana", "wrong"))
        .await;
    let wrong_name = app
        .visitor()
        .post("/auth/login", &login("nobody", PASSWORD))
        .await;
    assert_eq!(wrong_password.refusal(), (401, "invalid_credentials"));
    let told = |response: &Response| {
        let mut told = response.json.clone();
        told["request_id"].take();
        told
    };
    assert_eq!(told(&wrong_password), told(&wrong_name));
}

#[tokio::test]
async fn guessing_is_throttled_for_names_that_exist_and_those_that_do_not() {
    let clock = Clock::manual(Timestamp::from_second(1_700_000_000).unwrap());
    let app = TestApp::start_at(clock.clone(), |_| {}).await;
    app.user("ana").await;
    for name in ["ana", "nobody"] {
        for _ in 0..10 {
            let refused = app
                .visitor()
                .post("/auth/login", &login(name, "wrong"))
                .await;
            assert_eq!(refused.refusal(), (401, "invalid_credentials"));
        }
        let refused = app
            .visitor()
            .post("/auth/login", &login(name, PASSWORD))
            .await;
        assert_eq!(refused.refusal(), (429, "rate_limited"));
        assert_eq!(refused.headers[header::RETRY_AFTER], "900");
    }
    clock.advance(SignedDuration::from_mins(15));
    app.visitor()
        .post("/auth/login", &login("ana", PASSWORD))
        .await
        .ok();
}

#[tokio::test]
async fn right_passwords_are_not_counted_and_limits_can_be_lifted() {
    let app = TestApp::start().await;
    app.user("ana").await;
    for _ in 0..12 {
        app.visitor()
            .post("/auth/login", &login("ana", PASSWORD))
            .await
            .ok();
    }
    let app = TestApp::start_with(|settings| settings.http.rate_limits = false).await;
    for _ in 0..12 {
        let refused = app
            .visitor()
            .post("/auth/login", &login("ana", "wrong"))
            .await;
        assert_eq!(refused.refusal(), (401, "invalid_credentials"));
    }
}

#[tokio::test]
async fn a_refresh_token_works_once_and_its_second_use_ends_the_session() {
    let app = TestApp::start().await;
    let ana = app.user("ana").await;
    let first = app
        .visitor()
        .post("/auth/login", &login("ana", PASSWORD))
        .await
        .ok();
    let again = json!({"refresh_token": first["refresh_token"]});
    let second = app.visitor().post("/auth/refresh", &again).await.ok();
    let refreshed = app.actor(&second);
    assert_eq!(refreshed.get("/auth/me").await.status, 200);

    let stolen = app.visitor().post("/auth/refresh", &again).await;
    assert_eq!(stolen.refusal(), (401, "session_revoked"));
    ana.hears("session_revoked").await;
    assert_eq!(
        refreshed.get("/auth/me").await.refusal(),
        (401, "session_revoked")
    );
    let newest = json!({"refresh_token": second["refresh_token"]});
    let refused = app.visitor().post("/auth/refresh", &newest).await;
    assert_eq!(refused.refusal(), (401, "session_revoked"));
    // The other session is another device, and stands.
    assert_eq!(ana.get("/auth/me").await.status, 200);

    let unknown = json!({"refresh_token": "never given out"});
    let refused = app.visitor().post("/auth/refresh", &unknown).await;
    assert_eq!(refused.refusal(), (401, "unauthenticated"));
}

#[tokio::test]
async fn logging_out_ends_the_session_and_tells_the_gateways_after_the_mark_is_set() {
    let app = TestApp::start().await;
    let ana = app.user("ana").await;
    let left = ana.post("/auth/logout", &json!({})).await;
    assert_eq!(left.status, 204);
    let cookie = left.headers[header::SET_COOKIE].to_str().unwrap();
    assert!(cookie.contains("Max-Age=0"), "{cookie}");
    assert_eq!(
        ana.get("/auth/me").await.refusal(),
        (401, "session_revoked")
    );

    let heard = ana.hears("session_revoked").await;
    assert!(heard.event.control);
    let session: SessionId = serde_json::from_value(heard.data()["session_id"].clone()).unwrap();
    let revocations = Revocations::new(app.app().bus().clone());
    assert_eq!(
        revocations.standing(session).await.unwrap(),
        Standing::Revoked
    );
}

#[tokio::test]
async fn the_relay_sets_the_mark_too() {
    let app = TestApp::start_with(|settings| settings.inline_publishing = false).await;
    let ana = app.user("ana").await;
    ana.post("/auth/logout", &json!({})).await;
    let heard = ana.hears("session_revoked").await;
    let session: SessionId = serde_json::from_value(heard.data()["session_id"].clone()).unwrap();
    let revocations = Revocations::new(app.app().bus().clone());
    assert_eq!(
        revocations.standing(session).await.unwrap(),
        Standing::Revoked
    );
}

#[tokio::test]
async fn sessions_are_listed_and_ended_one_by_one_but_nobody_else_s() {
    let app = TestApp::start().await;
    let (ana, bo) = (app.user("ana").await, app.user("bo").await);
    let phone = app
        .visitor()
        .post("/auth/login", &login("ana", PASSWORD))
        .await
        .ok();
    let phone = app.actor(&phone);

    let page = ana.get("/auth/sessions?limit=1").await.ok();
    assert_eq!(page["items"][0]["is_current"], false);
    let next = page["next_cursor"].as_str().unwrap();
    let rest = ana
        .get(&format!("/auth/sessions?limit=1&cursor={next}"))
        .await
        .ok();
    assert_eq!(rest["items"][0]["is_current"], true);
    assert_eq!(rest["next_cursor"], Value::Null);

    let path = format!("/auth/sessions/{}", page["items"][0]["id"]);
    assert_eq!(bo.delete(&path).await.refusal(), (404, "not_found"));
    assert_eq!(ana.delete(&path).await.status, 204);
    assert_eq!(ana.delete(&path).await.refusal(), (404, "not_found"));
    assert_eq!(
        phone.get("/auth/me").await.refusal(),
        (401, "session_revoked")
    );

    assert_eq!(ana.delete("/auth/sessions").await.status, 204);
    assert_eq!(
        ana.get("/auth/me").await.refusal(),
        (401, "session_revoked")
    );
}

#[tokio::test]
async fn a_new_password_ends_the_other_sessions_and_the_old_one_is_worth_nothing() {
    let app = TestApp::start().await;
    let ana = app.user("ana").await;
    let phone = app
        .visitor()
        .post("/auth/login", &login("ana", PASSWORD))
        .await
        .ok();
    let phone = app.actor(&phone);

    let wrong = json!({"current_password": "wrong", "new_password": "battery staple"});
    let refused = ana.post("/auth/password", &wrong).await;
    assert_eq!(refused.refusal(), (401, "invalid_credentials"));
    let change = json!({"current_password": PASSWORD, "new_password": "battery staple"});
    assert_eq!(ana.post("/auth/password", &change).await.status, 204);

    assert_eq!(ana.get("/auth/me").await.status, 200);
    assert_eq!(
        phone.get("/auth/me").await.refusal(),
        (401, "session_revoked")
    );
    let old = app
        .visitor()
        .post("/auth/login", &login("ana", PASSWORD))
        .await;
    assert_eq!(old.refusal(), (401, "invalid_credentials"));
    app.visitor()
        .post("/auth/login", &login("ana", "battery staple"))
        .await
        .ok();
}

#[tokio::test]
async fn an_access_token_and_a_session_end_in_time() {
    let clock = Clock::manual(Timestamp::from_second(1_700_000_000).unwrap());
    let app = TestApp::start_at(clock.clone(), |_| {}).await;
    let first = app.user("ana").await;
    let credentials = app
        .visitor()
        .post("/auth/login", &login("ana", PASSWORD))
        .await
        .ok();
    clock.advance(SignedDuration::from_mins(15));
    assert_eq!(
        first.get("/auth/me").await.refusal(),
        (401, "token_expired")
    );

    clock.advance(SignedDuration::from_hours(24 * 30));
    let refresh = json!({"refresh_token": credentials["refresh_token"]});
    let refused = app.visitor().post("/auth/refresh", &refresh).await;
    assert_eq!(refused.refusal(), (401, "session_revoked"));
}

/// A request with the session cookie, as a browser on `origin` makes it.
async fn with_cookie(
    app: &TestApp,
    method: Method,
    cookie: &str,
    origin: Option<&str>,
) -> Response {
    let path = if method == Method::GET {
        "/auth/me"
    } else {
        "/auth/logout"
    };
    let mut request = Request::builder()
        .method(method)
        .uri(format!("{}/api/v1{path}", app.http().base()))
        .header(header::COOKIE, format!("theme=dark; {cookie}"));
    if let Some(origin) = origin {
        request = request.header(header::ORIGIN, origin);
    }
    let request = request.body(bytes::Bytes::new().into()).unwrap();
    Response::from(app.http().send_raw(request).await.unwrap())
}

#[tokio::test]
async fn the_cookie_is_enough_for_our_own_pages_and_for_nobody_else_s() {
    let app = TestApp::start_with(|settings| {
        settings.http.allowed_origins = vec!["https://app.example.com".to_owned()];
    })
    .await;
    app.user("ana").await;
    let signed_in = app
        .visitor()
        .post("/auth/login", &login("ana", PASSWORD))
        .await;
    let cookie = signed_in.headers[header::SET_COOKIE].to_str().unwrap();
    let (cookie, _) = cookie.split_once(';').unwrap();

    let read = with_cookie(&app, Method::GET, cookie, Some("https://evil.example")).await;
    assert_eq!(
        read.status, 200,
        "reading is for the browser to refuse: {}",
        read.json
    );
    assert!(
        !read
            .headers
            .contains_key(header::ACCESS_CONTROL_ALLOW_ORIGIN)
    );
    for origin in [Some("https://evil.example"), None] {
        let refused = with_cookie(&app, Method::POST, cookie, origin).await;
        assert_eq!(refused.refusal(), (403, "csrf_rejected"), "{origin:?}");
    }
    let forged = format!("{cookie}x");
    let refused = with_cookie(&app, Method::GET, &forged, None).await;
    assert_eq!(refused.refusal(), (401, "unauthenticated"));

    let allowed = with_cookie(&app, Method::POST, cookie, Some("https://app.example.com")).await;
    assert_eq!(allowed.status, 204);
    let ended = with_cookie(&app, Method::GET, cookie, None).await;
    assert_eq!(ended.refusal(), (401, "session_revoked"));
}

#[tokio::test]
async fn gateways_ask_about_sessions_and_get_the_marks_restored() {
    let app = TestApp::start().await;
    let ana = app.user("ana").await;
    let sessions = ana.get("/auth/sessions").await.ok();
    let id = sessions["items"][0]["id"].clone();
    let ask = json!({"session_id": id});
    let verdict = app.internal("/sessions/verify", &ask).await.ok();
    assert_eq!(verdict["identity"]["user_id"], json!(ana.id()));
    assert_eq!(verdict["identity"]["session_id"], id);
    assert_eq!(verdict["identity"]["role"], "user");

    let session: SessionId = serde_json::from_value(id).unwrap();
    let revocations = Revocations::new(app.app().bus().clone());
    assert_eq!(
        revocations.standing(session).await.unwrap(),
        Standing::Stands
    );
    ana.post("/auth/logout", &json!({})).await;
    let verdict = app.internal("/sessions/verify", &ask).await.ok();
    assert_eq!(verdict, json!({"refused": "session_revoked"}));
    assert_eq!(
        revocations.standing(session).await.unwrap(),
        Standing::Revoked
    );

    let verdict = app
        .internal("/sessions/verify", &json!({"cookie": "1.forged"}))
        .await
        .ok();
    assert_eq!(verdict, json!({"refused": "unauthenticated"}));
    let refused = ana.post("/../../internal/sessions/verify", &ask).await;
    assert_ne!(refused.status, 200);
}

#[tokio::test]
async fn seeding_twice_makes_the_demo_users_once() {
    let app = TestApp::start().await;
    let connection = app.app().read().await.unwrap();
    let hash = &app.app().settings().auth.hash;
    let created = super::seed(&connection, hash, &Clock::System)
        .await
        .unwrap();
    assert_eq!(created, ["ana", "bo"]);
    assert!(
        super::seed(&connection, hash, &Clock::System)
            .await
            .unwrap()
            .is_empty()
    );
    app.visitor()
        .post("/auth/login", &login("bo", "hubbub-demo"))
        .await
        .ok();
}
