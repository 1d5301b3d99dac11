//! What every request and every answer has, whatever the route.

use bytes::Bytes;
use hyper::{HeaderMap, Method, Request, header};
use serde_json::{Value, json};
use shared::wire::Problem;

use super::BODY_BYTES_MAX;
use crate::app::testing::{Actor, Response, TestApp};

/// Any request, with these headers and this body.
async fn send(
    app: &TestApp,
    method: Method,
    path: &str,
    headers: &[(&str, &str)],
    body: impl Into<Bytes>,
) -> Response {
    let uri = format!("{}{path}", app.http().base());
    let mut request = Request::builder().method(method).uri(uri);
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    let request = request.body(body.into().into()).unwrap();
    Response::from(app.http().send_raw(request).await.unwrap())
}

async fn patch_me(app: &TestApp, who: &Actor, body: impl Into<Bytes>) -> Response {
    let token = format!("Bearer {}", who.token());
    let headers = [
        ("authorization", &*token),
        ("content-type", "application/json"),
    ];
    send(app, Method::PATCH, "/api/v1/users/me", &headers, body).await
}

#[tokio::test]
async fn bodies_that_are_no_input_are_refused_with_a_code_and_every_wrong_field() {
    let app = TestApp::start().await;
    let ana = app.user("ana").await;
    for (body, status, code, field) in [
        ("", 400, "invalid_json", None),
        ("{", 400, "invalid_json", None),
        ("{\"bio\": \"x\"} and more", 400, "invalid_json", None),
        ("\u{0}", 400, "invalid_json", None),
        ("[]", 422, "validation_failed", Some(".")),
        ("\"text\"", 422, "validation_failed", Some(".")),
        ("{\"bio\": 1}", 422, "validation_failed", Some("bio")),
        (
            "{\"is_private\": \"yes\"}",
            422,
            "validation_failed",
            Some("is_private"),
        ),
        (
            "{\"bio\": \"a\\u0000b\"}",
            422,
            "validation_failed",
            Some("bio"),
        ),
        (
            "{\"unknown\": [{\"deep\": \"\\u0000\"}]}",
            422,
            "validation_failed",
            Some("unknown.0.deep"),
        ),
        (
            "{\"avatar\": \"javascript:alert(1)\"}",
            422,
            "validation_failed",
            Some("avatar"),
        ),
    ] {
        let refused = patch_me(&app, &ana, body).await;
        assert_eq!(refused.refusal(), (status, code), "{body}");
        assert_eq!(refused.json["errors"][0]["field"].as_str(), field, "{body}");
    }
    let bytes = Bytes::from_static(b"{\"bio\": \"\xff\"}");
    assert_eq!(
        patch_me(&app, &ana, bytes).await.refusal(),
        (400, "invalid_json")
    );
    let deep = "[".repeat(100_000);
    assert_eq!(patch_me(&app, &ana, deep).await.refusal().0, 413);
    let deep = "[".repeat(BODY_BYTES_MAX - 1);
    assert_eq!(
        patch_me(&app, &ana, deep).await.refusal(),
        (400, "invalid_json")
    );
    // An escaped backslash before the digits is no NUL, and unknown fields are nobody's business.
    let fine = r#"{"bio": "\\u0000 is a text", "unknown": true}"#;
    assert_eq!(
        patch_me(&app, &ana, fine).await.ok()["bio"],
        "\\u0000 is a text"
    );
}

#[tokio::test]
async fn a_body_is_read_up_to_its_limit() {
    let app = TestApp::start().await;
    let ana = app.user("ana").await;
    let body = |bytes: usize| format!("{{\"bio\": \"x\"{}}}", " ".repeat(bytes - 12));
    assert_eq!(patch_me(&app, &ana, body(BODY_BYTES_MAX)).await.status, 200);
    let refused = patch_me(&app, &ana, body(BODY_BYTES_MAX + 1)).await;
    assert_eq!(refused.refusal(), (413, "payload_too_large"));
}

#[tokio::test]
async fn what_is_not_json_by_its_name_is_not_read() {
    let app = TestApp::start().await;
    let login = r#"{"username": "ana", "password": "correct horse"}"#;
    for media_type in ["text/plain", "application/x-www-form-urlencoded", ""] {
        let headers = [("content-type", media_type)];
        let refused = send(&app, Method::POST, "/api/v1/auth/login", &headers, login).await;
        assert_eq!(
            refused.refusal(),
            (415, "unsupported_media_type"),
            "{media_type}"
        );
    }
    let headers = [("content-type", "Application/JSON; charset=utf-8")];
    let read = send(&app, Method::POST, "/api/v1/auth/login", &headers, login).await;
    assert_eq!(read.refusal(), (401, "invalid_credentials"));
}

#[tokio::test]
async fn paths_and_methods_that_are_not_there_are_told_so() {
    let app = TestApp::start().await;
    let ana = app.user("ana").await;
    for path in [
        "/nowhere",
        "/users/0",
        "/users/-1",
        "/users/007",
        "/users/9007199254740992",
        "/users/99999999999999999999999",
        "/users/9007199254740991",
        "/users/ana",
        "/users/%00",
        "/users/%ff",
    ] {
        assert_eq!(ana.get(path).await.refusal(), (404, "not_found"), "{path}");
    }
    let refused = ana.delete("/auth/me").await;
    assert_eq!(refused.refusal(), (405, "method_not_allowed"));
    assert!(
        refused.headers[header::ALLOW]
            .to_str()
            .unwrap()
            .contains("GET")
    );
}

#[tokio::test]
async fn lists_refuse_limits_and_cursors_that_are_none() {
    let app = TestApp::start().await;
    let ana = app.user("ana").await;
    for (query, status, code) in [
        ("limit=0", 422, "validation_failed"),
        ("limit=101", 422, "validation_failed"),
        ("limit=-1", 422, "validation_failed"),
        ("limit=ten", 422, "validation_failed"),
        ("cursor=nonsense!", 400, "invalid_request"),
        ("cursor=YWJj", 400, "invalid_request"),
        ("cursor=%00", 400, "invalid_request"),
    ] {
        let refused = ana.get(&format!("/auth/sessions?{query}")).await;
        assert_eq!(refused.refusal(), (status, code), "{query}");
    }
    ana.get("/auth/sessions?limit=100&unknown=1").await.ok();
}

#[tokio::test]
async fn credentials_that_are_none_are_refused_and_say_how_to_bring_some() {
    let app = TestApp::start().await;
    for value in [
        "Bearer",
        "Bearer x",
        "Bearer a.b.c",
        "Basic YW5hOmFuYQ==",
        "",
        "\u{7f}",
    ] {
        let Ok(value) = value.parse::<header::HeaderValue>() else {
            continue;
        };
        let headers = [("authorization", value.to_str().unwrap())];
        let refused = send(&app, Method::GET, "/api/v1/auth/me", &headers, "").await;
        assert_eq!(refused.refusal(), (401, "unauthenticated"), "{value:?}");
        assert_eq!(refused.headers[header::WWW_AUTHENTICATE], "Bearer");
    }
    assert_eq!(
        app.visitor().get("/auth/me").await.refusal(),
        (401, "unauthenticated")
    );
}

#[tokio::test]
async fn a_refusal_is_a_problem_document_that_names_the_request() {
    let app = TestApp::start().await;
    let headers = [("x-request-id", "my-request.1")];
    let refused = send(&app, Method::GET, "/api/v1/auth/me", &headers, "").await;
    assert_eq!(refused.headers[header::CONTENT_TYPE], Problem::CONTENT_TYPE);
    assert_eq!(refused.headers["x-request-id"], "my-request.1");
    insta::assert_json_snapshot!(refused.json, @r#"
    {
      "code": "unauthenticated",
      "detail": "send a bearer token or the session cookie",
      "request_id": "my-request.1",
      "status": 401,
      "title": "Sign in first",
      "type": "urn:hubbub:problem:unauthenticated"
    }
    "#);
    let made = send(
        &app,
        Method::GET,
        "/api/v1/auth/me",
        &[("x-request-id", "a b")],
        "",
    )
    .await;
    assert_eq!(made.headers["x-request-id"].len(), 32);
}

#[tokio::test]
async fn every_answer_tells_browsers_to_keep_their_hands_off_it() {
    let app = TestApp::start().await;
    for path in ["/api/v1/realtime/config", "/api/v1/nowhere", "/readyz"] {
        let answer = send(&app, Method::GET, path, &[], "").await;
        let text = |headers: &HeaderMap, name: &str| headers[name].to_str().unwrap().to_owned();
        assert_eq!(
            text(&answer.headers, "x-content-type-options"),
            "nosniff",
            "{path}"
        );
        assert_eq!(text(&answer.headers, "x-frame-options"), "DENY", "{path}");
        assert_eq!(text(&answer.headers, "cache-control"), "no-store", "{path}");
        assert!(text(&answer.headers, "content-security-policy").contains("default-src 'none'"));
    }
}

#[tokio::test]
async fn allowed_origins_may_call_with_cookies_and_others_may_not() {
    let app = TestApp::start_with(|settings| {
        settings.http.allowed_origins = vec!["https://app.example.com".to_owned()];
    })
    .await;
    for (origin, allowed) in [
        ("https://app.example.com", true),
        ("https://evil.example", false),
    ] {
        let headers = [
            ("origin", origin),
            ("access-control-request-method", "DELETE"),
            ("access-control-request-headers", "content-type"),
        ];
        let preflight = send(&app, Method::OPTIONS, "/api/v1/auth/me", &headers, "").await;
        let told = preflight.headers.get(header::ACCESS_CONTROL_ALLOW_ORIGIN);
        assert_eq!(told.is_some_and(|told| told == origin), allowed, "{origin}");
        // A refusal too must be readable for the page that is allowed to call.
        let refused = send(
            &app,
            Method::GET,
            "/api/v1/auth/me",
            &[("origin", origin)],
            "",
        )
        .await;
        let told = refused.headers.get(header::ACCESS_CONTROL_ALLOW_ORIGIN);
        assert_eq!(told.is_some_and(|told| told == origin), allowed, "{origin}");
    }
}

#[tokio::test]
async fn routes_answer_under_both_prefixes_and_health_under_none() {
    let app = TestApp::start().await;
    for (path, status) in [
        ("/api/v1/realtime/config", 200),
        ("/api/realtime/config", 200),
        ("/realtime/config", 404),
        ("/healthz", 200),
        ("/readyz", 200),
        ("/metrics", 404),
    ] {
        assert_eq!(
            send(&app, Method::GET, path, &[], "").await.status,
            status,
            "{path}"
        );
    }
}

#[tokio::test]
async fn requests_are_counted_by_route_and_not_by_what_callers_invent() {
    let app = TestApp::start().await;
    let ana = app.user("ana").await;
    ana.get(&format!("/users/{}", ana.id())).await.ok();
    ana.get("/nowhere/4711").await;
    send(
        &app,
        Method::from_bytes(b"BREW").unwrap(),
        "/api/v1/auth/me",
        &[],
        "",
    )
    .await;
    let text = app.app().metrics().registry.render().unwrap();
    let text = String::from_utf8(text).unwrap();
    for line in [
        r#"hubbub_http_requests_total{code="200",method="GET",route="/api/v1/users/{id}"} 1"#,
        r#"hubbub_http_requests_total{code="404",method="GET",route="none"} 1"#,
        r#"hubbub_http_requests_total{code="405",method="other",route="/api/v1/auth/me"} 1"#,
        "hubbub_http_requests_in_flight 0",
        r#"hubbub_db_pool_connections{state="max"} 8"#,
    ] {
        assert!(text.contains(line), "{line}\n{text}");
    }
    assert!(!text.contains("4711"));
}

#[tokio::test]
async fn a_pod_that_is_told_to_stop_says_so_and_finishes_what_it_has() {
    let app = TestApp::start().await;
    let ana = app.user("ana").await;
    let other = app.start_another("api-2").await;
    // A transaction that waits for a lock keeps a request under way until the test lets it go.
    let locked = other.app().begin().await.unwrap();
    let lock = "select id from users where id = $1 for update";
    let _id: i64 = locked.query_one(lock, &[&ana.id().get()]).await.unwrap();
    let slow = tokio::spawn({
        let ana = ana.clone();
        async move { ana.patch("/users/me", &json!({"bio": "slow"})).await }
    });
    other.until_waiting(1).await;
    let stopping = app.stop();
    locked.commit().await.unwrap();
    stopping.await;
    let answered = slow.await.unwrap();
    assert_eq!(answered.ok()["bio"], json!("slow"));
    let answer: Value = other.actor(&login(&other).await).get("/auth/me").await.ok();
    assert_eq!(answer["bio"], "slow");
}

async fn login(app: &TestApp) -> Value {
    let login = json!({"username": "ana", "password": crate::app::testing::PASSWORD});
    app.visitor().post("/auth/login", &login).await.ok()
}
