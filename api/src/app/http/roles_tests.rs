//! Who may call what: every route of the document, with every kind of caller. A route that is new is among them by itself.

use hyper::Method;
use serde_json::{Value, json};
use shared::credentials::Role;

use crate::{
    app::{
        openapi,
        testing::{Actor, TestApp},
    },
    features,
};

/// A route and method, with whom it is for.
struct Entrance {
    method: Method,
    path: String,
    needs_session: bool,
    role: Option<String>,
}

fn entrances() -> Vec<Entrance> {
    let document: Value = serde_json::from_str(&openapi::print(features())).unwrap();
    let paths = document["paths"].as_object().unwrap().iter();
    let entrances = paths.flat_map(|(path, methods)| {
        let methods = methods.as_object().unwrap().iter();
        methods.map(move |(method, operation)| Entrance {
            method: method.to_uppercase().parse().unwrap(),
            path: filled_in(path),
            needs_session: operation["security"] != json!([]),
            role: operation["x-role"].as_str().map(str::to_owned),
        })
    });
    entrances.collect()
}

/// With something that there is not in the place of each parameter.
fn filled_in(path: &str) -> String {
    let parts = path.split('/').map(|part| match part.strip_prefix('{') {
        Some(_) => "999999",
        None => part,
    });
    parts.collect::<Vec<_>>().join("/")
}

async fn answer(app: &TestApp, entrance: &Entrance, token: Option<&str>) -> (u16, Value) {
    let path = format!("/api/v1{}", entrance.path);
    let body = (entrance.method != Method::GET).then(|| json!({}));
    let answer = app
        .http()
        .send(entrance.method.clone(), &path, token, body.as_ref());
    let answer = answer.await.unwrap();
    (answer.status.as_u16(), answer.json)
}

async fn key_of(admin: &Actor, service: &Actor) -> String {
    let scopes = ["publish:users", "publish:room", "publish:broadcast"];
    let wish = json!({"user_id": service.id(), "name": "all", "scopes": scopes});
    let made = admin.post("/admin/keys", &wish).await.ok();
    made["secret"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn each_route_lets_in_those_it_is_for_and_nobody_else() {
    let app = TestApp::start_with(|settings| settings.http.rate_limits = false).await;
    let admin = app.user_with("admin", Role::Admin).await;
    let service = app.user_with("shop", Role::Service).await;
    let ana = app.user("ana").await;
    let key = key_of(&admin, &service).await;
    let mut for_roles = 0;
    for entrance in entrances() {
        let at = format!("{} {}", entrance.method, entrance.path);
        let is_admins = entrance.path.starts_with("/admin/");
        assert!(
            !is_admins || entrance.role.as_deref() == Some("admin"),
            "{at}"
        );
        if entrance.needs_session {
            let (status, body) = answer(&app, &entrance, None).await;
            assert_eq!(
                (status, &body["code"]),
                (401, &json!("unauthenticated")),
                "{at}"
            );
        }
        let Some(role) = &entrance.role else {
            if entrance.needs_session {
                let (status, _) = answer(&app, &entrance, Some(&key)).await;
                assert_eq!(status, 401, "{at}: a key is no session");
            }
            continue;
        };
        for_roles += 1;
        for (name, token) in [
            ("user", ana.token()),
            ("admin", admin.token()),
            ("service", service.token()),
            ("key", &key),
        ] {
            let (status, body) = answer(&app, &entrance, Some(token)).await;
            match (role.as_str(), name) {
                ("admin", "admin") | ("service", "service" | "key") => {
                    assert!(!matches!(status, 401 | 403), "{name} at {at}: {body}");
                }
                ("admin", "key") => assert_eq!(status, 401, "{name} at {at}: {body}"),
                _ => assert_eq!(status, 403, "{name} at {at}: {body}"),
            }
        }
    }
    assert!(for_roles >= 13, "{for_roles} routes are for a role");
}

#[tokio::test]
async fn a_flag_that_there_is_not_is_not_found_and_a_share_is_one_of_a_hundred() {
    let app = TestApp::start().await;
    let admin = app.user_with("admin", Role::Admin).await;
    let on = json!({"enabled": true});
    let unknown = admin.put("/admin/flags/nothing", &on).await;
    assert_eq!(unknown.refusal(), (404, "not_found"));
    for (percentage, status) in [
        (-0.1, 422),
        (100.1, 422),
        (1e300, 422),
        (0.0, 200),
        (100.0, 200),
    ] {
        let rules = json!({"enabled": true, "percentage": percentage});
        let answer = admin.put("/admin/flags/likes", &rules).await;
        assert_eq!(answer.status, status, "{percentage}: {}", answer.json);
    }
}
