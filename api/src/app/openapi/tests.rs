use std::collections::BTreeSet;

use hyper::Method;
use serde_json::Value;

use super::print;
use crate::{
    app::testing::{TestApp, assert_fits},
    features,
};

/// The routes of the specification, area by area; `{}` stands for a parameter.
const SPECIFIED: &str = "
    POST /auth/register, POST /auth/login, POST /auth/logout, POST /auth/refresh, GET /auth/me, GET /auth/sessions,
    DELETE /auth/sessions/{}, POST /auth/password,
    GET /users/{}, PATCH /users/me, DELETE /users/me, GET /users/{}/followers, GET /users/{}/following, GET /users/{}/posts,
    GET /users/{}/presence, GET /users/online, PUT /users/{}/block, DELETE /users/{}/block, PUT /users/{}/mute,
    DELETE /users/{}/mute, GET /search,
    POST /follow, PUT /users/{}/follow, DELETE /users/{}/follow, GET /follow/requests, POST /follow/requests/{},
    POST /friends/request/{}, POST /friends/accept/{}, POST /friends/reject/{}, DELETE /friends/{}, GET /friends,
    GET /friends/requests,
    GET /posts, POST /posts, GET /posts/{}, PUT /posts/{}, DELETE /posts/{}, POST /posts/{}/like, PUT /posts/{}/like,
    DELETE /posts/{}/like, GET /posts/{}/comments, POST /posts/{}/comments, DELETE /posts/{}/comments/{},
    PUT /posts/{}/reaction, DELETE /posts/{}/reaction,
    POST /activities, GET /activities/{}, POST /activities/{}/comment, DELETE /activities/{}/comment/{},
    POST /activities/{}/like, DELETE /activities/{}/like,
    GET /feed,
    POST /messages, GET /messages, GET /messages/private, GET /messages/group, PATCH /messages/{}, DELETE /messages/{},
    GET /messages/requests, POST /messages/requests,
    GET /conversations, GET /conversations/{}/messages, POST /conversations/{}/read,
    POST /groups, GET /groups, GET /groups/{}, PATCH /groups/{}, DELETE /groups/{}, GET /groups/{}/members,
    POST /groups/invite, POST /groups/{}/invitation, POST /groups/{}/join, POST /groups/{}/requests/{},
    POST /groups/{}/leave, PATCH /groups/{}/members/{}, DELETE /groups/{}/members/{}, GET /groups/{}/posts,
    POST /groups/{}/posts,
    GET /groups/{}/events, POST /groups/{}/events, GET /events/{}, PATCH /events/{}, DELETE /events/{},
    PUT /events/{}/rsvp, GET /events/{}/attendees,
    GET /notifications, POST /notifications/read, POST /notifications/{}/read, POST /notifications/{},
    GET /notifications/preferences, PUT /notifications/preferences,
    GET /flags, GET /admin/flags, PUT /admin/flags/{}, GET /admin/audit,
    GET /admin/users/{}/connections, POST /admin/users/{}/disconnect, POST /admin/users/{}/suspend,
    POST /admin/users/{}/unsuspend, PUT /admin/users/{}/role, GET /admin/events/{}/trace,
    POST /publish, POST /broadcast, GET /admin/keys, POST /admin/keys, POST /admin/keys/{}/rotate, DELETE /admin/keys/{},
    GET /realtime/config, POST /realtime/token,
    GET /bootstrap, GET /sync, GET /openapi.json, GET /asyncapi.json";

fn document() -> Value {
    serde_json::from_str(&print(features())).unwrap()
}

fn routes(list: &str) -> BTreeSet<String> {
    list.split(',')
        .map(|route| route.trim().to_owned())
        .collect()
}

fn documented() -> BTreeSet<String> {
    let document = document();
    let paths = document["paths"].as_object().unwrap().iter();
    let routes = paths.flat_map(|(path, methods)| {
        let parts = path.split('/').map(|part| match part.strip_prefix('{') {
            Some(_) => "{}",
            None => part,
        });
        let path = parts.collect::<Vec<_>>().join("/");
        let methods = methods.as_object().unwrap().keys();
        methods
            .map(move |method| format!("{} {path}", method.to_uppercase()))
            .collect::<Vec<_>>()
    });
    routes.collect()
}

#[test]
fn every_specified_route_is_documented() {
    let documented = documented();
    let missing: Vec<_> = routes(SPECIFIED).difference(&documented).cloned().collect();
    assert_eq!(missing, Vec::<String>::new());
}

#[test]
fn the_document_is_valid_openapi() {
    let schema: Value = serde_json::from_str(include_str!("openapi-3.1.schema.json")).unwrap();
    let validator = jsonschema::draft202012::new(&schema).unwrap();
    assert_fits(&document(), &validator);
}

#[test]
fn every_operation_has_its_own_name_and_its_path_s_parameters() {
    let document = document();
    let mut names = BTreeSet::new();
    for (path, methods) in document["paths"].as_object().unwrap() {
        for (method, operation) in methods.as_object().unwrap() {
            let name = operation["operationId"].as_str().unwrap();
            assert!(
                names.insert(name.to_owned()),
                "{method} {path}: {name} twice"
            );
            let parameters = operation["parameters"].as_array().unwrap().iter();
            let in_path = parameters
                .filter(|parameter| parameter["in"] == "path")
                .count();
            assert_eq!(in_path, path.matches('{').count(), "{method} {path}");
        }
    }
}

#[tokio::test]
async fn the_document_and_its_page_are_served() {
    let app = TestApp::start().await;
    let served = app.visitor().get("/openapi.json").await.ok();
    assert_eq!(served, document());
    for (path, media_type) in [
        ("/docs", "text/html; charset=utf-8"),
        ("/docs/docs.js", "text/javascript; charset=utf-8"),
        ("/docs/docs.css", "text/css; charset=utf-8"),
    ] {
        let answer = app
            .http()
            .send(Method::GET, path, None, None)
            .await
            .unwrap();
        assert_eq!(answer.status, 200, "{path}");
        assert_eq!(answer.headers["content-type"], media_type);
        let policy = answer.headers["content-security-policy"].to_str().unwrap();
        assert!(
            policy.starts_with("default-src 'none'; script-src 'self'"),
            "{policy}"
        );
    }
}
