//! In the place of `api`: what a gateway asks about people who exist only for a measurement.

use std::{
    convert::Infallible,
    sync::{
        Arc, OnceLock,
        atomic::{AtomicBool, Ordering},
    },
    thread,
};

use bytes::Bytes;
use http_body_util::{BodyExt, Collected, Full};
use hyper::{Request, Response, body::Incoming, server::conn::http1, service::service_fn};
use hyper_util::rt::TokioIo;
use serde_json::{Value, json};
use tokio::{net::TcpListener, runtime::Builder};

use super::audience::EPOCH;

/// Answers on a thread of its own, until the process ends.
#[derive(Debug)]
pub(super) struct StandIn {
    pub(super) url: String,
    /// Whether everybody is in the one room.
    pub(super) in_room: Arc<AtomicBool>,
    /// Who shows whom that they are online; nobody, unless told.
    pub(super) ring: Arc<OnceLock<Ring>>,
}

/// People who each know the nearest of them, as many before as behind.
#[derive(Debug, Clone, Copy)]
pub(super) struct Ring {
    pub(super) first: usize,
    pub(super) people: usize,
    pub(super) contacts: usize,
}

impl Ring {
    fn contacts_of(&self, person: usize) -> Vec<usize> {
        let Some(place) = person
            .checked_sub(self.first)
            .filter(|at| *at < self.people)
        else {
            return Vec::new();
        };
        let near = 1..=self.contacts / 2;
        let places = near.flat_map(|step| [place + step, place + self.people - step]);
        let mut people: Vec<usize> = places.map(|at| self.first + at % self.people).collect();
        people.sort_unstable();
        people.dedup();
        people
    }
}

impl StandIn {
    pub(super) fn start() -> std::io::Result<Self> {
        let listener = std::net::TcpListener::bind("127.0.0.1:0")?;
        listener.set_nonblocking(true)?;
        let url = format!("http://{}", listener.local_addr()?);
        let in_room = Arc::<AtomicBool>::default();
        let ring = Arc::<OnceLock<Ring>>::default();
        let served = (Arc::clone(&in_room), Arc::clone(&ring));
        thread::spawn(move || {
            let runtime = Builder::new_current_thread().enable_all().build();
            let runtime = runtime.expect("a runtime can be made");
            runtime.block_on(serve(listener, served));
        });
        Ok(Self { url, in_room, ring })
    }
}

type Served = (Arc<AtomicBool>, Arc<OnceLock<Ring>>);

async fn serve(listener: std::net::TcpListener, served: Served) {
    let listener = TcpListener::from_std(listener).expect("it does not block");
    while let Ok((stream, _)) = listener.accept().await {
        let (in_room, ring) = served.clone();
        let service = service_fn(move |request| {
            let known = (in_room.load(Ordering::Relaxed), ring.get().copied());
            answer(request, known)
        });
        // A gateway that leaves in the middle is no failure of the measurement.
        tokio::spawn(async move {
            let connection = http1::Builder::new().serve_connection(TokioIo::new(stream), service);
            connection.await.ok();
        });
    }
}

async fn answer(
    request: Request<Incoming>,
    known: (bool, Option<Ring>),
) -> Result<Response<Full<Bytes>>, Infallible> {
    let path = request.uri().path().to_owned();
    let body = request.into_body().collect().await;
    let body = body.map(Collected::to_bytes).unwrap_or_default();
    let asked: Value = serde_json::from_slice(&body).unwrap_or_default();
    let said = say(&path, &asked, known).to_string();
    Ok(Response::new(Full::from(said)))
}

fn say(path: &str, asked: &Value, (in_room, ring): (bool, Option<Ring>)) -> Value {
    let start = json!({"epoch": EPOCH.to_string(), "offset": 0});
    let each = |field: &str| asked[field].as_array().cloned().unwrap_or_default();
    match path {
        "/internal/log/heads" => {
            let heads = vec![start; each("channels").len()];
            json!({ "heads": heads })
        }
        "/internal/log/read" => json!({"head": start, "first": 1, "records": []}),
        "/internal/groups/memberships" => {
            let groups: &[u64] = if in_room { &[1] } else { &[] };
            json!({"version": 0, "groups": groups, "at": start})
        }
        "/internal/presence/contacts" => {
            let people = each("user_ids").into_iter();
            let contacts = people.map(|id| {
                let place = id.as_u64().and_then(|id| usize::try_from(id).ok());
                let people = ring.zip(place).map(|(ring, place)| ring.contacts_of(place));
                let people = people.unwrap_or_default();
                json!({"user_id": id, "invisible": false, "people": people, "at": start})
            });
            json!({"contacts": contacts.collect::<Vec<_>>()})
        }
        "/internal/sessions/verify" => {
            let id = &asked["session_id"];
            let identity = json!({"user_id": id, "session_id": id, "role": "user", "expires_at": 4_102_444_800_u64});
            json!({ "identity": identity })
        }
        _ => json!({}),
    }
}
