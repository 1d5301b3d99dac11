//! In the place of `api`: its internal routes, over a log in memory.

use std::{
    convert::Infallible,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
};

use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::{
    Request, Response, StatusCode, body::Incoming, server::conn::http1, service::service_fn,
};
use hyper_util::rt::TokioIo;
use serde_json::{Value, json};
use shared::{bus::LogReader, testing::MemoryLog, wire::Channel};
use tokio::{
    net::{TcpListener, TcpStream},
    sync::{Notify, RwLock},
};

pub(crate) struct StandIn {
    pub(crate) url: String,
    log: MemoryLog,
    /// Commands as they came.
    pub(crate) commands: Mutex<Vec<Value>>,
    /// What to answer a `sessions/verify`. Without it every session stands, and is of the user of its number; no cookie is
    /// anybody's.
    pub(crate) verified: Mutex<Option<Value>>,
    /// How many of those came.
    pub(crate) verifications: AtomicUsize,
    /// Shut, while a test writes to it: they are answered later by what was true when they came.
    pub(crate) verifies: RwLock<()>,
    /// Pairs of people who are each other's contacts.
    pub(crate) contacts: Mutex<Vec<[i64; 2]>>,
    /// Who was reported as last seen.
    pub(crate) seen: Mutex<Vec<Value>>,
    /// Commands wait for [`StandIn::go`] while this is set.
    pub(crate) hold: AtomicBool,
    pub(crate) go: Notify,
}

impl StandIn {
    pub(crate) async fn start(log: MemoryLog) -> Arc<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let stand_in = Arc::new(Self {
            url: format!("http://{}", listener.local_addr().unwrap()),
            log,
            commands: Mutex::default(),
            verified: Mutex::default(),
            verifications: AtomicUsize::new(0),
            verifies: RwLock::default(),
            contacts: Mutex::default(),
            seen: Mutex::default(),
            hold: AtomicBool::new(false),
            go: Notify::new(),
        });
        let served = Arc::clone(&stand_in);
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(connection(Arc::clone(&served), stream));
            }
        });
        stand_in
    }

    fn contacts_of(&self, user: i64) -> Vec<i64> {
        let contacts = self.contacts.lock().unwrap();
        let others = contacts.iter().filter_map(|pair| match *pair {
            [one, other] if one == user => Some(other),
            [other, one] if one == user => Some(other),
            _ => None,
        });
        let mut others: Vec<i64> = others.collect();
        others.sort_unstable();
        others
    }

    async fn answer(&self, path: &str, body: &Value) -> Value {
        match path {
            "/internal/log/heads" => {
                let channels = serde_json::from_value(body["channels"].clone()).unwrap();
                json!({"heads": self.log.heads(channels).await.unwrap()})
            }
            "/internal/log/read" => {
                let channel = body["channel"].as_str().unwrap().parse().unwrap();
                let limit = body["limit"].as_u64().unwrap();
                let limit = usize::try_from(limit).unwrap();
                let after = body["after"].as_u64().unwrap();
                let page = self.log.read(channel, after, limit).await.unwrap();
                let records = page.events.iter().map(|event| {
                    let record = event.to_record().to_vec();
                    String::from_utf8(record).unwrap()
                });
                let records: Vec<_> = records.collect();
                json!({"head": page.head, "first": page.first, "records": records})
            }
            "/internal/groups/memberships" => {
                let user: Channel = format!("user:{}", body["user_id"]).parse().unwrap();
                let at = self.log.heads(vec![user]).await.unwrap()[0];
                json!({"version": 0, "groups": [], "at": at})
            }
            "/internal/presence/contacts" => {
                let asked = body["user_ids"].as_array().unwrap().iter();
                let mut contacts = Vec::new();
                for user in asked.map(|id| id.as_i64().unwrap()) {
                    let channel: Channel = format!("user:{user}").parse().unwrap();
                    let at = self.log.heads(vec![channel]).await.unwrap()[0];
                    let people = self.contacts_of(user);
                    contacts.push(json!({
                        "user_id": user, "invisible": false, "people": people, "at": at,
                    }));
                }
                json!({ "contacts": contacts })
            }
            "/internal/presence/last-seen" => {
                let seen = body["seen"].as_array().unwrap();
                self.seen.lock().unwrap().extend_from_slice(seen);
                json!({})
            }
            "/internal/sessions/verify" => {
                let told = self.verified.lock().unwrap().clone();
                let verified = told.unwrap_or_else(|| match &body["session_id"] {
                    Value::Null => json!({"refused": "unauthenticated"}),
                    session => identity(session),
                });
                self.verifications.fetch_add(1, Ordering::SeqCst);
                let _open = self.verifies.read().await;
                verified
            }
            "/internal/commands" => {
                if self.hold.load(Ordering::SeqCst) {
                    self.go.notified().await;
                }
                self.commands.lock().unwrap().push(body.clone());
                match body["name"].as_str().unwrap() {
                    "echo" => json!({"data": {"payload": body["payload"]}}),
                    name => json!({"problem": {
                        "type": "urn:hubbub:problem:unknown_type", "title": "There is no such command",
                        "status": 404, "detail": format!("no {name}"), "code": "unknown_type",
                    }}),
                }
            }
            other => panic!("no route {other}"),
        }
    }
}

/// Whose session it is: of the user of the same number.
pub(crate) fn identity(number: &Value) -> Value {
    json!({"identity": {
        "user_id": number, "session_id": number, "role": "user", "expires_at": 4_000_000_000_i64,
    }})
}

async fn connection(stand_in: Arc<StandIn>, stream: TcpStream) {
    let service = service_fn(|request: Request<Incoming>| {
        let stand_in = Arc::clone(&stand_in);
        async move { Ok::<_, Infallible>(respond(&stand_in, request).await) }
    });
    // A gateway that goes away in the middle is no failure of a test.
    http1::Builder::new()
        .serve_connection(TokioIo::new(stream), service)
        .await
        .ok();
}

async fn respond(stand_in: &StandIn, request: Request<Incoming>) -> Response<Full<Bytes>> {
    let token = request.headers().get("authorization").cloned();
    let path = request.uri().path().to_owned();
    let body = request.into_body().collect().await.unwrap().to_bytes();
    let mut response = Response::new(Full::default());
    if !token.is_some_and(|token| token.as_bytes().starts_with(b"Bearer ")) {
        *response.status_mut() = StatusCode::UNAUTHORIZED;
        return response;
    }
    let body = serde_json::from_slice(&body).unwrap();
    *response.body_mut() = Full::from(stand_in.answer(&path, &body).await.to_string());
    response
}
