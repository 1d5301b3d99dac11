//! A running `api`.

use std::{sync::Arc, time::Duration};

use hyper::Method;
use serde_json::{Value, json};
use shared::{
    clock::Clock,
    credentials::{Purpose, Role},
    ids::{SessionId, UserId},
    telemetry::start_logging,
    testing::HttpClient,
};
use tokio::{
    net::TcpListener,
    time::{Instant, sleep},
};

use super::{
    actor::{Actor, Response},
    ears::Ears,
    stores::TestStores,
};
use crate::{
    app::{App, boot::Server, config::Settings},
    auth, features,
};

/// The password of every actor.
pub(crate) const PASSWORD: &str = "correct horse";
/// The longest that a test waits for what must come.
const PATIENCE: Duration = Duration::from_secs(15);

/// A whole `api` for one test: two connections away from the real thing, a client's and a gateway's.
pub(crate) struct TestApp {
    // Fields are dropped in this order: first the server, then the database under it.
    server: Server,
    http: HttpClient,
    ears: Ears,
    stores: Arc<TestStores>,
}

impl TestApp {
    /// As it runs in production, but for cheap password hashes.
    pub(crate) async fn start() -> Self {
        Self::start_with(|_| {}).await
    }

    /// With other settings.
    pub(crate) async fn start_with(change: impl FnOnce(&mut Settings)) -> Self {
        Self::start_at(Clock::System, change).await
    }

    /// With a clock that the test moves.
    pub(crate) async fn start_at(clock: Clock, change: impl FnOnce(&mut Settings)) -> Self {
        let stores = Arc::new(TestStores::create().await);
        Self::start_on(stores, "api-1", clock, change).await
    }

    /// A second pod on the same stores.
    pub(crate) async fn start_another(&self, node_name: &str) -> Self {
        self.start_another_with(node_name, |_| {}).await
    }

    /// A second pod on the same stores, by the same clock, with other settings.
    pub(crate) async fn start_another_with(
        &self,
        node_name: &str,
        change: impl FnOnce(&mut Settings),
    ) -> Self {
        let clock = self.app().clock().clone();
        Self::start_on(Arc::clone(&self.stores), node_name, clock, change).await
    }

    async fn start_on(
        stores: Arc<TestStores>,
        node_name: &str,
        clock: Clock,
        change: impl FnOnce(&mut Settings),
    ) -> Self {
        let mut settings = stores.settings(node_name);
        change(&mut settings);
        // The first of a process sets it up; where several tests share one, the others find it done.
        start_logging(&settings.telemetry, "hubbub-api").ok();
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let addr = listener.local_addr().expect("it is bound");
        let server = Server::start(settings, clock, features(), listener).expect("it starts");
        Self {
            ears: Ears::new(&server.app),
            http: HttpClient::new(&format!("http://{addr}")),
            server,
            stores,
        }
    }

    /// Stops it in an orderly way, as SIGTERM does.
    pub(crate) async fn stop(self) {
        self.server.stop().await;
    }

    /// The app inside.
    pub(crate) fn app(&self) -> &App {
        &self.server.app
    }

    /// Somebody with a fresh account and a session, who listens to their own channel.
    pub(crate) async fn user(&self, username: &str) -> Actor {
        let hash = &self.app().settings().auth.hash;
        let connection = self.app().read().await.expect("PostgreSQL for tests");
        let account = (username, &*capitalised(username), PASSWORD);
        // Not by registering, which wants three characters of a name.
        let created = auth::create_user(&connection, hash, self.app().clock(), account).await;
        assert!(
            created.expect("a valid user"),
            "there is a {username} already"
        );
        drop(connection);
        let actor = self.logs_in(username).await;
        self.ears.join(actor.channel()).await;
        actor
    }

    /// As [`TestApp::user`], with a private account.
    pub(crate) async fn private_user(&self, username: &str) -> Actor {
        let actor = self.user(username).await;
        let changed = actor.patch("/users/me", &json!({"is_private": true})).await;
        assert_eq!(changed.status, 200, "{}", changed.json);
        actor
    }

    /// As [`TestApp::user`], with another role.
    pub(crate) async fn user_with(&self, username: &str, role: Role) -> Actor {
        let actor = self.user(username).await;
        let mut tx = self.app().begin().await.expect("PostgreSQL for tests");
        let set = auth::moderation::set_role(&mut tx, actor.id(), role).await;
        set.expect("there is such an account");
        tx.commit().await.expect("PostgreSQL for tests");
        // A token bears the role of when it was made.
        self.logs_in(username).await
    }

    async fn logs_in(&self, username: &str) -> Actor {
        let login = json!({"username": username, "password": PASSWORD});
        self.actor(&self.visitor().post("/auth/login", &login).await.ok())
    }

    /// Whoever holds the credentials that a log-in answered.
    pub(crate) fn actor(&self, credentials: &Value) -> Actor {
        let id: UserId = serde_json::from_value(credentials["user"]["id"].clone()).expect("an id");
        let token = credentials["access_token"].as_str().expect("a token");
        let username = credentials["user"]["username"]
            .as_str()
            .expect("a username");
        Actor::new(self.http.clone(), self.ears.clone(), id, username, token)
    }

    /// Somebody without credentials.
    pub(crate) fn visitor(&self) -> Visitor<'_> {
        Visitor(self)
    }

    /// Waits until so many statements wait for a lock that somebody else holds.
    pub(crate) async fn until_waiting(&self, statements: i64) {
        let waiting = "
            select count(*) from pg_stat_activity
            where datname = current_database() and wait_event_type = 'Lock'";
        let deadline = Instant::now() + PATIENCE;
        loop {
            let db = self.app().read().await.expect("PostgreSQL for tests");
            let waiting: i64 = db.query_one(waiting, &[]).await.expect("a count");
            if waiting >= statements {
                return;
            }
            assert!(Instant::now() < deadline, "{waiting} wait for a lock");
            drop(db);
            sleep(Duration::from_millis(5)).await;
        }
    }

    /// What hears the bus.
    pub(crate) fn ears(&self) -> &Ears {
        &self.ears
    }

    /// Any request, for tests of headers and of what is no JSON.
    pub(crate) fn http(&self) -> &HttpClient {
        &self.http
    }

    /// A request to an internal route, as a gateway makes it.
    pub(crate) async fn internal(&self, path: &str, body: &Value) -> Response {
        let nobody = (
            UserId::new(1).expect("in range"),
            SessionId::new(1).expect("in range"),
            Role::Service,
        );
        let lifetime = Duration::from_mins(1);
        let (token, _) = self
            .app()
            .tokens()
            .mint(Purpose::Internal, nobody, lifetime);
        let path = format!("/internal{path}");
        let answer = self
            .http
            .send(Method::POST, &path, Some(&token), Some(body))
            .await;
        Response::from(answer.expect("an answer"))
    }

    /// A command over somebody's socket, as a gateway forwards it. `Ok` is the acknowledgement's data, `Err` the problem.
    pub(crate) async fn command(
        &self,
        who: &Actor,
        name: &str,
        fields: Value,
    ) -> Result<Value, Value> {
        let mut payload = fields;
        payload["type"] = json!(name);
        let token = self.app().tokens().verify(Purpose::Access, who.token());
        let identity = token.expect("the actor's token is valid");
        let forwarded = json!({
            "user_id": identity.user_id,
            "session_id": identity.session_id,
            "role": identity.role,
            "name": name,
            "payload": payload,
            "request_id": "test",
        });
        let mut reply = self.internal("/commands", &forwarded).await.ok();
        match reply["data"].take() {
            Value::Null if reply["problem"].is_object() => Err(reply["problem"].take()),
            data => Ok(data),
        }
    }
}

/// Somebody without credentials.
pub(crate) struct Visitor<'a>(&'a TestApp);

impl Visitor<'_> {
    /// GET, under `/api/v1`.
    pub(crate) async fn get(&self, path: &str) -> Response {
        self.send(Method::GET, path, None).await
    }

    /// POST, under `/api/v1`.
    pub(crate) async fn post(&self, path: &str, body: &Value) -> Response {
        self.send(Method::POST, path, Some(body)).await
    }

    async fn send(&self, method: Method, path: &str, body: Option<&Value>) -> Response {
        let below = format!("/api/v1{path}");
        let answer = self.0.http.send(method.clone(), &below, None, body).await;
        let response = Response::from(answer.expect("an answer"));
        response.keep_contract(&method, path);
        response
    }
}

fn capitalised(name: &str) -> String {
    let (first, rest) = name.split_at(1);
    format!("{}{rest}", first.to_uppercase())
}
