//! Signing in, finding people.

use hyper::Method;
use serde_json::{Value, json};
use shared::testing::{Connect, HttpClient};

use crate::Failure;

/// Somebody who is signed in.
pub(crate) struct Account {
    pub(crate) name: String,
    pub(crate) token: String,
    http: HttpClient,
}

/// Signs in with username and password.
pub(crate) async fn sign_in(url: &str, name: String, password: &str) -> Result<Account, Failure> {
    let http = HttpClient::new(url);
    let credentials = json!({"username": name, "password": password});
    let path = "/api/v1/auth/login";
    let answer = http
        .send(Method::POST, path, None, Some(&credentials))
        .await?;
    match answer.json["access_token"].as_str() {
        Some(token) => Ok(Account {
            token: token.to_owned(),
            name,
            http,
        }),
        None => Err(Failure::Refused(format!(
            "{name} cannot sign in: {}",
            answer.json["detail"]
        ))),
    }
}

impl Account {
    /// How to connect a socket in this person's name.
    pub(crate) fn connect(&self) -> Connect {
        Connect::bearer(self.http.base(), &self.token)
    }

    /// A request that changes something; `path` is below the API's root.
    pub(crate) async fn post(&self, path: &str, body: &Value) -> Result<Value, Failure> {
        let path = format!("/api/v1{path}");
        let token = Some(self.token.as_str());
        let answer = self
            .http
            .send(Method::POST, &path, token, Some(body))
            .await?;
        if answer.status.is_success() {
            return Ok(answer.json);
        }
        Err(Failure::Refused(answer.json.to_string()))
    }

    /// Ends the session.
    pub(crate) async fn sign_out(self) -> Result<(), Failure> {
        self.post("/auth/logout", &Value::Null).await.map(drop)
    }

    /// The id of the user with exactly this username.
    pub(crate) async fn find(&self, username: &str) -> Result<i64, Failure> {
        let path = format!("/api/v1/search?q={username}");
        let answer = self
            .http
            .send(Method::GET, &path, Some(&self.token), None)
            .await?;
        let found = answer.json["items"].as_array().into_iter().flatten();
        let user = found.into_iter().find(|user| user["username"] == username);
        let id = user.and_then(|user| user["id"].as_i64());
        id.ok_or_else(|| Failure::Refused(format!("there is no user {username}")))
    }
}
