//! A post that all like at once, as PostgreSQL sees it: how many wait for each other's locks, and what is stored in the end.

use std::time::Duration;

use serde_json::{Value, json};
use tokio::{
    sync::oneshot,
    task::JoinHandle,
    time::{Instant, interval, sleep},
};
use tokio_postgres::{Client, NoTls};

use crate::Failure;

/// Between two looks at who waits.
const LOOK_EVERY: Duration = Duration::from_millis(20);
/// The longest that its author may wait to be told of all likes.
const TELLING_MAX: Duration = Duration::from_mins(1);

// Of an account that is public, so that everybody may like it.
const FIND_POST: &str = "
select post.id
from posts post
join users account on account.id = post.author_id and not account.is_private
where post.id >= $1
order by post.id
limit 1";

const COUNT_WAITING: &str = "
select count(*) from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'";

const COUNT_LIKES: &str = "
select
    (select count(*) from likes where post_id = $1) as likes,
    (select count(*) from post_counts where post_id = $1 and what = 'like') as counters,
    (select coalesce(sum(number), 0)::bigint from post_counts where post_id = $1 and what = 'like') as counted,
    (select count(*) from untold_likes where post_id = $1) as untold";

/// The post, and a look at it.
pub(super) struct Crowd {
    postgres: Client,
    post: i64,
    likes_before: i64,
}

impl Crowd {
    /// Finds a post for it, the first from this one on.
    pub(super) async fn find(database_url: &str, from: u64) -> Result<Self, Failure> {
        let postgres = connect(database_url).await?;
        let from = i64::try_from(from).unwrap_or(i64::MAX);
        let post = postgres.query_one(FIND_POST, &[&from]).await?.try_get(0)?;
        let mut crowd = Self {
            postgres,
            post,
            likes_before: 0,
        };
        crowd.likes_before = crowd.count().await?.likes;
        Ok(crowd)
    }

    pub(super) const fn post(&self) -> i64 {
        self.post
    }

    /// What is stored now, once the author has been told of everything.
    pub(super) async fn end(&self) -> Result<Vec<(&'static str, Value)>, Failure> {
        let begin = Instant::now();
        loop {
            let count = self.count().await?;
            if count.untold == 0 {
                return count.rows(self.likes_before, begin.elapsed());
            }
            if begin.elapsed() > TELLING_MAX {
                let detail = format!("the author has not heard of {} likes", count.untold);
                return Err(Failure::Refused(detail));
            }
            sleep(LOOK_EVERY).await;
        }
    }

    async fn count(&self) -> Result<Count, Failure> {
        let row = self.postgres.query_one(COUNT_LIKES, &[&self.post]).await?;
        Ok(Count {
            likes: row.try_get("likes")?,
            counters: row.try_get("counters")?,
            counted: row.try_get("counted")?,
            untold: row.try_get("untold")?,
        })
    }
}

struct Count {
    likes: i64,
    counters: i64,
    counted: i64,
    untold: i64,
}

impl Count {
    fn rows(
        &self,
        likes_before: i64,
        told_after: Duration,
    ) -> Result<Vec<(&'static str, Value)>, Failure> {
        if self.counted != self.likes {
            let detail = format!("{} likes, counted {}", self.likes, self.counted);
            return Err(Failure::Refused(detail));
        }
        Ok(vec![
            ("new likes, all counted", json!(self.likes - likes_before)),
            ("rows that count them", json!(self.counters)),
            (
                "author told of the last after ms",
                json!(u64::try_from(told_after.as_millis()).unwrap_or(u64::MAX)),
            ),
        ])
    }
}

async fn connect(database_url: &str) -> Result<Client, Failure> {
    let (postgres, connection) = tokio_postgres::connect(database_url, NoTls).await?;
    tokio::spawn(connection);
    Ok(postgres)
}

/// Looks at who waits, again and again, until it is asked what it saw.
pub(super) struct Watch {
    end: oneshot::Sender<()>,
    task: JoinHandle<Result<Waits, Failure>>,
}

impl Watch {
    pub(super) async fn start(database_url: &str) -> Result<Self, Failure> {
        let postgres = connect(database_url).await?;
        let (end, ended) = oneshot::channel();
        Ok(Self {
            end,
            task: tokio::spawn(look(postgres, ended)),
        })
    }

    pub(super) async fn end(self) -> Result<Vec<(&'static str, Value)>, Failure> {
        // It may have failed; then it says so below.
        self.end.send(()).ok();
        let waits = self.task.await;
        let waits = waits.map_err(|error| Failure::Refused(error.to_string()))??;
        Ok(waits.rows())
    }
}

#[derive(Default)]
struct Waits {
    looks: i64,
    sum: i64,
    max: i64,
}

impl Waits {
    fn add(&mut self, waiting: i64) {
        self.looks += 1;
        self.sum += waiting;
        self.max = self.max.max(waiting);
    }

    #[expect(clippy::cast_precision_loss, reason = "some thousands")]
    fn rows(&self) -> Vec<(&'static str, Value)> {
        let mean = self.sum as f64 / self.looks.max(1) as f64;
        vec![
            (
                "waiting for a lock, mean",
                json!((mean * 100.0).round() / 100.0),
            ),
            ("waiting for a lock, most", json!(self.max)),
        ]
    }
}

async fn look(postgres: Client, mut end: oneshot::Receiver<()>) -> Result<Waits, Failure> {
    let mut waits = Waits::default();
    let mut ticks = interval(LOOK_EVERY);
    loop {
        tokio::select! {
            _ = &mut end => return Ok(waits),
            _ = ticks.tick() => {}
        }
        let row = postgres.query_one(COUNT_WAITING, &[]).await?;
        waits.add(row.try_get(0)?);
    }
}
