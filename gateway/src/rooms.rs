//! Asking `api` whether people may be where they are: in batches, because what makes one person's room doubtful often makes
//! thousands of them so.

use std::{mem, time::Duration};

use serde::{Deserialize, Serialize};
use shared::{
    ids::{PostId, UserId},
    telemetry::RequestId,
};
use tokio::{
    sync::{mpsc, oneshot},
    task::JoinSet,
    time::{Instant, sleep, timeout_at},
};

use crate::{
    api_client::{ApiClient, ApiError, Repeat},
    session::{Hidden, RoomsSeen, RoomsUnknown},
};

/// Questions that may wait; more wait with whoever asks them.
const WAITING_MAX: usize = 1024;
/// Questions in one request. Each is about no more rooms than a connection may be in, which bounds the request.
const BATCH_MAX: usize = 64;
/// Requests under way.
const REQUESTS_MAX: usize = 4;
const PAUSE_FIRST: Duration = Duration::from_millis(100);
const PAUSE_MAX: Duration = Duration::from_secs(5);

struct Question {
    viewer: UserId,
    posts: Vec<PostId>,
    answer: oneshot::Sender<RoomsSeen>,
}

/// Asks whether people may stay in their rooms; clones ask together.
#[derive(Debug, Clone)]
pub(crate) struct RoomChecks {
    questions: mpsc::Sender<Question>,
}

/// What puts questions together.
pub(crate) struct Asker {
    questions: mpsc::Receiver<Question>,
    api: ApiClient,
}

impl RoomChecks {
    pub(crate) fn new(api: ApiClient) -> (Self, Asker) {
        let (sender, questions) = mpsc::channel(WAITING_MAX);
        let checks = Self { questions: sender };
        (checks, Asker { questions, api })
    }

    /// Which of these posts the viewer may see. Asks again, for so long, while there is no answer.
    pub(crate) async fn check(
        &self,
        viewer: UserId,
        posts: Vec<PostId>,
        patience: Duration,
    ) -> Result<RoomsSeen, RoomsUnknown> {
        let deadline = Instant::now() + patience;
        let mut pause = PAUSE_FIRST;
        loop {
            let (answer, answered) = oneshot::channel();
            let question = Question {
                viewer,
                posts: posts.clone(),
                answer,
            };
            let asking = async {
                self.questions.send(question).await.ok()?;
                answered.await.ok()
            };
            match timeout_at(deadline, asking).await {
                Ok(Some(seen)) => return Ok(seen),
                Ok(None) if Instant::now() + pause < deadline => sleep(pause).await,
                Ok(None) | Err(_) => return Err(RoomsUnknown),
            }
            pause = (pause * 2).min(PAUSE_MAX);
        }
    }
}

impl Asker {
    /// Asks until nobody has a question any more.
    pub(crate) async fn run(mut self) {
        let mut batch = Vec::with_capacity(BATCH_MAX);
        let mut requests = JoinSet::new();
        loop {
            tokio::select! {
                count = self.questions.recv_many(&mut batch, BATCH_MAX),
                    if requests.len() < REQUESTS_MAX =>
                {
                    if count == 0 {
                        return;
                    }
                    requests.spawn(ask(self.api.clone(), mem::take(&mut batch)));
                }
                Some(_) = requests.join_next() => {}
            }
        }
    }
}

#[derive(Serialize)]
struct Body<'a> {
    viewers: Vec<Viewer<'a>>,
}

#[derive(Serialize)]
struct Viewer<'a> {
    user_id: UserId,
    posts: &'a [PostId],
}

#[derive(Deserialize)]
struct Checked {
    viewers: Vec<Seen>,
}

#[derive(Deserialize)]
struct Seen {
    posts: Vec<PostId>,
    hidden: Option<Vec<UserId>>,
}

/// Whoever gets no answer asks again.
async fn ask(api: ApiClient, questions: Vec<Question>) {
    let seen = match check(&api, &questions).await {
        Ok(seen) if seen.len() == questions.len() => seen,
        Ok(seen) => {
            let asked = questions.len();
            tracing::error!(asked, answered = seen.len(), "rooms cannot be checked");
            return;
        }
        Err(error) => {
            tracing::warn!(%error, viewers = questions.len(), "rooms cannot be checked now");
            return;
        }
    };
    for (question, seen) in questions.into_iter().zip(seen) {
        let seen = RoomsSeen {
            posts: seen.posts,
            hidden: Hidden::new(seen.hidden),
        };
        // The connection may have gone meanwhile.
        question.answer.send(seen).ok();
    }
}

async fn check(api: &ApiClient, questions: &[Question]) -> Result<Vec<Seen>, ApiError> {
    let viewers = questions.iter().map(|question| Viewer {
        user_id: question.viewer,
        posts: &question.posts,
    });
    let body = Body {
        viewers: viewers.collect(),
    };
    let path = "/internal/rooms/check";
    let request_id = RequestId::random();
    let checked: Checked = api.post(path, &body, &request_id, Repeat::Safe).await?;
    Ok(checked.viewers)
}
