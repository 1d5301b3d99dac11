//! Somebody who uses the API.

use hyper::{HeaderMap, Method};
use serde_json::Value;
use shared::{
    ids::UserId,
    testing::{Answer, HttpClient},
    wire::Channel,
};

use super::{
    contract,
    ears::{Ears, Heard},
};

/// An answer.
#[derive(Debug)]
pub(crate) struct Response {
    /// The HTTP status.
    pub(crate) status: u16,
    /// The body; `null` where there is none.
    pub(crate) json: Value,
    /// The headers.
    pub(crate) headers: HeaderMap,
}

impl Response {
    /// The body of an answer that must be a success.
    #[track_caller]
    pub(crate) fn ok(self) -> Value {
        assert!(
            (200..300).contains(&self.status),
            "{} {}",
            self.status,
            self.json
        );
        self.json
    }

    /// Status and machine code of an answer that must be a refusal.
    #[track_caller]
    pub(crate) fn refusal(&self) -> (u16, &str) {
        let code = self.json["code"].as_str();
        (
            self.status,
            code.unwrap_or_else(|| panic!("{} {}", self.status, self.json)),
        )
    }
}

impl Response {
    /// Panics unless the OpenAPI document tells of such an answer to that request.
    pub(super) fn keep_contract(&self, method: &Method, path: &str) {
        contract::check(method, path, self.status, &self.json);
    }
}

impl From<Answer> for Response {
    fn from(answer: Answer) -> Self {
        Self {
            status: answer.status.as_u16(),
            json: answer.json,
            headers: answer.headers,
        }
    }
}

/// A user with a session.
#[derive(Clone)]
pub(crate) struct Actor {
    http: HttpClient,
    ears: Ears,
    id: UserId,
    username: String,
    token: String,
}

impl Actor {
    pub(super) fn new(
        http: HttpClient,
        ears: Ears,
        id: UserId,
        username: &str,
        token: &str,
    ) -> Self {
        Self {
            http,
            ears,
            id,
            username: username.to_owned(),
            token: token.to_owned(),
        }
    }

    /// The user's id.
    pub(crate) fn id(&self) -> UserId {
        self.id
    }

    /// The user's name.
    pub(crate) fn username(&self) -> &str {
        &self.username
    }

    /// The access token.
    pub(crate) fn token(&self) -> &str {
        &self.token
    }

    /// Where everything for this user is published.
    pub(crate) fn channel(&self) -> Channel {
        Channel::User(self.id)
    }

    /// GET, under `/api/v1`.
    pub(crate) async fn get(&self, path: &str) -> Response {
        self.send(Method::GET, path, None).await
    }

    /// POST, under `/api/v1`.
    pub(crate) async fn post(&self, path: &str, body: &Value) -> Response {
        self.send(Method::POST, path, Some(body)).await
    }

    /// PUT, under `/api/v1`.
    pub(crate) async fn put(&self, path: &str, body: &Value) -> Response {
        self.send(Method::PUT, path, Some(body)).await
    }

    /// PATCH, under `/api/v1`.
    pub(crate) async fn patch(&self, path: &str, body: &Value) -> Response {
        self.send(Method::PATCH, path, Some(body)).await
    }

    /// DELETE, under `/api/v1`.
    pub(crate) async fn delete(&self, path: &str) -> Response {
        self.send(Method::DELETE, path, None).await
    }

    async fn send(&self, method: Method, path: &str, body: Option<&Value>) -> Response {
        let below = format!("/api/v1{path}");
        let answer = self
            .http
            .send(method.clone(), &below, Some(&self.token), body);
        let response = Response::from(answer.await.expect("an answer"));
        response.keep_contract(&method, path);
        response
    }

    /// The next event of that kind that reaches this user, within a deadline.
    pub(crate) async fn hears(&self, kind: &str) -> Heard {
        self.ears.hear(self.channel(), kind).await
    }

    /// Kinds of the events that have reached this user and that the test has not asked for. What was committed before an
    /// event that was heard has been heard too, so a test that hears the last thing it did can say what else there is.
    pub(crate) fn unheard(&self) -> Vec<String> {
        self.ears.unheard(self.channel())
    }
}
