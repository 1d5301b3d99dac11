//! People who write to each other and to groups, and who join and leave.

use std::sync::{
    Arc,
    atomic::{AtomicBool, AtomicU64, Ordering},
};

use hyper::Method;
use serde_json::{Value, json};
use shared::testing::HttpClient;
use tokio::{
    task::{JoinHandle, JoinSet},
    time::{Duration, MissedTickBehavior, interval},
};

use super::listeners::Person;
use crate::Failure;

/// Writes that are under way at once, at most.
const AT_ONCE: usize = 32;
const PRIVATE_EVERY: Duration = Duration::from_millis(50);
/// Everybody hears it.
const CROWD_EVERY: Duration = Duration::from_secs(3);
const SQUARE_EVERY: Duration = Duration::from_millis(500);
const JOIN_EVERY: Duration = Duration::from_millis(250);

/// Where it is said.
pub(super) struct Place {
    pub(super) apis: Vec<HttpClient>,
    pub(super) people: Vec<Person>,
    /// The group of everybody.
    pub(super) crowd: Value,
    /// A public group that people join and leave.
    pub(super) square: Value,
}

/// What was acknowledged.
#[derive(Debug, Default)]
pub(super) struct Said {
    pub(super) acknowledged: AtomicU64,
    pub(super) refused: AtomicU64,
    is_over: AtomicBool,
}

/// Talk under way.
pub(super) struct Talk {
    said: Arc<Said>,
    speakers: Vec<JoinHandle<()>>,
}

#[derive(Debug, Clone, Copy)]
enum Act {
    Private,
    Crowd,
    Square,
    JoinOrLeave,
}

impl Talk {
    pub(super) fn begin(place: &Arc<Place>) -> Self {
        let said = Arc::<Said>::default();
        let paces = [
            (Act::Private, PRIVATE_EVERY),
            (Act::Crowd, CROWD_EVERY),
            (Act::Square, SQUARE_EVERY),
            (Act::JoinOrLeave, JOIN_EVERY),
        ];
        let speakers = paces.map(|(act, every)| {
            tokio::spawn(speak(Arc::clone(place), Arc::clone(&said), act, every))
        });
        Self {
            said,
            speakers: speakers.into(),
        }
    }

    /// Lets everybody finish; what was acknowledged, and what refused.
    pub(super) async fn end(self) -> Result<(u64, u64), Failure> {
        self.said.is_over.store(true, Ordering::Relaxed);
        for speaker in self.speakers {
            speaker.await.map_err(std::io::Error::other)?;
        }
        let read = |count: &AtomicU64| count.load(Ordering::Relaxed);
        Ok((read(&self.said.acknowledged), read(&self.said.refused)))
    }
}

async fn speak(place: Arc<Place>, said: Arc<Said>, act: Act, every: Duration) {
    let mut pace = interval(every);
    pace.set_missed_tick_behavior(MissedTickBehavior::Skip);
    let mut acts = JoinSet::new();
    while !said.is_over.load(Ordering::Relaxed) {
        pace.tick().await;
        if acts.len() >= AT_ONCE {
            acts.join_next().await;
        }
        let (place, said) = (Arc::clone(&place), Arc::clone(&said));
        acts.spawn(async move {
            let is_done = place.does(act).await;
            let count = if is_done {
                &said.acknowledged
            } else {
                &said.refused
            };
            count.fetch_add(1, Ordering::Relaxed);
        });
    }
    while acts.join_next().await.is_some() {}
}

fn any_of<T>(list: &[T]) -> &T {
    &list[rand::random_range(0..list.len())]
}

impl Place {
    async fn does(&self, act: Act) -> bool {
        let (who, whom) = (any_of(&self.people), any_of(&self.people));
        let api = any_of(&self.apis);
        let messages = || "/api/v1/messages".to_owned();
        let content = "What was said of it shall be heard by everybody, once.";
        let (path, body) = match act {
            Act::Private => (messages(), json!({"to": whom.user_id, "content": content})),
            Act::Crowd => (
                messages(),
                json!({"group_id": self.crowd, "content": content}),
            ),
            Act::Square => {
                let path = format!("/api/v1/groups/{}/join", self.square);
                self.asks(api, who, &path, &json!({})).await;
                (
                    messages(),
                    json!({"group_id": self.square, "content": content}),
                )
            }
            Act::JoinOrLeave => {
                let word = if rand::random() { "join" } else { "leave" };
                (format!("/api/v1/groups/{}/{word}", self.square), json!({}))
            }
        };
        self.asks(api, who, &path, &body).await
    }

    async fn asks(&self, api: &HttpClient, who: &Person, path: &str, body: &Value) -> bool {
        let answer = api
            .send(Method::POST, path, Some(&who.token), Some(body))
            .await;
        answer.is_ok_and(|answer| answer.status.is_success())
    }
}
