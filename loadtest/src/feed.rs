//! `loadtest feed`: one post by somebody whom very many follow, some of them online on two gateways.
//!
//! What is to hold: it costs a bounded amount, however many follow. What the stores and the pods of `api` do meanwhile is
//! told less what they do in as long a time without a post. PostgreSQL and Redis are those of `DATABASE_URL` and
//! `REDIS_URL`, migrated and seeded, with nobody else on them.

use std::{path::PathBuf, time::Duration};

use hyper::Method;
use redis::aio::MultiplexedConnection;
use serde_json::{Value, json};
use shared::testing::HttpClient;
use tokio::time::sleep;
use tokio_postgres::{Client, NoTls};

use crate::{
    Failure, latency::Latencies, own_folder, stack::Stack, stopwatch::now_us, swarm::MARK,
};

/// What comes of connecting is over by then.
const SETTLE: Duration = Duration::from_secs(5);
/// What comes of a post is over by then.
const WINDOW: Duration = Duration::from_secs(10);

const FOLLOW: &str = "
insert into follows (follower_id, followee_id, status, created_at)
select user_id, $1, 'accepted', now() from group_members where group_id = $2 and user_id <> $1";
const COMMITS: &str = "
select xact_commit from pg_stat_database where datname = current_database()";

/// How large.
#[derive(Debug)]
pub(crate) struct Following {
    followers: usize,
    online: usize,
    programs: PathBuf,
    json: Option<PathBuf>,
}

/// Counts, or differences of two.
#[derive(Debug, Clone, Copy)]
struct Counts {
    commits: f64,
    redis_commands: f64,
    publications: f64,
    redis_cpu_ms: f64,
    api_cpu_ms: f64,
}

impl Counts {
    fn less(self, other: Self) -> Self {
        Self {
            commits: self.commits - other.commits,
            redis_commands: self.redis_commands - other.redis_commands,
            publications: self.publications - other.publications,
            redis_cpu_ms: self.redis_cpu_ms - other.redis_cpu_ms,
            api_cpu_ms: self.api_cpu_ms - other.api_cpu_ms,
        }
    }

    fn rows(self) -> [(&'static str, f64); 5] {
        [
            ("commits in PostgreSQL", self.commits),
            ("commands of Redis", self.redis_commands),
            ("publications", self.publications),
            ("processor ms of Redis", self.redis_cpu_ms),
            ("processor ms of both pods of api", self.api_cpu_ms),
        ]
    }
}

impl Following {
    /// `[--followers N] [--online N] [--programs FOLDER] [--json FILE]`.
    pub(crate) fn parse(mut given: impl Iterator<Item = String>) -> Result<Self, Failure> {
        let mut following = Self {
            followers: 100_000,
            online: 5_000,
            programs: own_folder()?,
            json: None,
        };
        while let Some(word) = given.next() {
            let value = given.next().ok_or(Failure::Usage)?;
            let number = || value.parse().map_err(|_| Failure::Usage);
            match word.as_str() {
                "--followers" => following.followers = number()?,
                "--online" => following.online = number()?,
                "--programs" => following.programs = PathBuf::from(value),
                "--json" => following.json = Some(PathBuf::from(value)),
                _ => return Err(Failure::Usage),
            }
        }
        Ok(following)
    }

    /// Runs it, and prints what came of it.
    pub(crate) async fn run(&self) -> Result<(), Failure> {
        let stack = Stack::start(&self.programs).await?;
        let crowd = stack.gather(self.followers, self.online)?;
        let mut stores = Stores::connect(&stack).await?;
        stores.follow(&crowd).await?;
        let mut swarm = stack.listen(&crowd)?;
        sleep(SETTLE).await;

        let start = stores.count(&stack).await?;
        sleep(WINDOW).await;
        let idle = stores.count(&stack).await?;
        swarm.report()?;
        let answer_ms = post(&stack, &crowd).await?;
        sleep(WINDOW).await;
        let done = stores.count(&stack).await?;
        let told = swarm.report()?;

        let cost = done.less(idle).less(idle.less(start));
        let late = Latencies::from(told.latencies);
        self.tell(&cost, (told.received, &late), answer_ms)
    }

    fn tell(
        &self,
        cost: &Counts,
        (received, late): (u64, &Latencies),
        answer_ms: f64,
    ) -> Result<(), Failure> {
        let Self {
            followers, online, ..
        } = self;
        println!(
            "followers {followers}, online {online}: one post, answered after {answer_ms:.1} ms"
        );
        for (name, value) in cost.rows() {
            println!("{name:<40}{value:.0}");
        }
        let [p50, p99] = [0.5, 0.99].map(|share| late.quantile_ms(share));
        println!("told the post {received:<26}p50 {p50:.0} ms, p99 {p99:.0} ms");
        if let Some(path) = &self.json {
            let rows = cost
                .rows()
                .map(|(name, value)| (name.to_owned(), json!(value)));
            let report = json!({
                "scenario": "feed",
                "followers": followers,
                "online": online,
                "answer_ms": answer_ms,
                "told": received,
                "told_ms": {"p50": p50, "p99": p99},
                "cost": rows.into_iter().collect::<serde_json::Map<_, _>>(),
            });
            std::fs::write(path, format!("{report:#}\n"))?;
        }
        if received == 0 {
            return Err(Failure::Refused("nobody was told the post".to_owned()));
        }
        Ok(())
    }
}

/// Posts in the name of the first of them; how long the answer took.
async fn post(stack: &Stack, crowd: &Value) -> Result<f64, Failure> {
    let at_us = now_us();
    let content = format!(r#"{MARK}{at_us:016}""#);
    let author = crowd["online"][0]["token"].as_str();
    let api = HttpClient::new(&stack.apis()[0]);
    let post = json!({"content": content});
    let answer = api
        .send(Method::POST, "/api/v1/posts", author, Some(&post))
        .await?;
    if !answer.status.is_success() {
        return Err(Failure::Refused(answer.json.to_string()));
    }
    let took = Duration::from_micros(now_us() - at_us);
    Ok(took.as_secs_f64() * 1000.0)
}

struct Stores {
    postgres: Client,
    redis: MultiplexedConnection,
}

impl Stores {
    async fn connect(stack: &Stack) -> Result<Self, Failure> {
        let (postgres, connection) = tokio_postgres::connect(stack.database_url(), NoTls).await?;
        tokio::spawn(connection);
        let redis = redis::Client::open(stack.redis_url())?;
        let redis = redis.get_multiplexed_async_connection().await?;
        Ok(Self { postgres, redis })
    }

    /// All of the crowd follow the first of those who are online.
    async fn follow(&self, crowd: &Value) -> Result<(), Failure> {
        let author = crowd["online"][0]["user_id"].as_i64();
        let group = crowd["group_id"].as_i64();
        self.postgres.execute(FOLLOW, &[&author, &group]).await?;
        self.postgres.batch_execute("analyze follows").await?;
        Ok(())
    }

    async fn count(&mut self, stack: &Stack) -> Result<Counts, Failure> {
        let row = self.postgres.query_one(COMMITS, &[]).await?;
        let commits: i64 = row.try_get(0)?;
        let info: String = redis::cmd("INFO")
            .arg("everything")
            .query_async(&mut self.redis)
            .await?;
        let number = |name: &str| {
            let line = info.lines().find_map(|line| line.strip_prefix(name));
            let text = line.map(|rest| rest.split(',').next().unwrap_or(rest));
            text.and_then(|text| text.parse::<f64>().ok())
                .unwrap_or(0.0)
        };
        let cpu = number("used_cpu_user:") + number("used_cpu_sys:");
        let publications = ["publish", "spublish"];
        let publications = publications.map(|name| number(&format!("cmdstat_{name}:calls=")));
        #[expect(clippy::cast_precision_loss, reason = "counts of a measurement")]
        let commits = commits as f64;
        Ok(Counts {
            commits,
            redis_commands: number("total_commands_processed:"),
            publications: publications.iter().sum(),
            redis_cpu_ms: cpu * 1000.0,
            api_cpu_ms: stack.apis_cpu_seconds()? * 1000.0,
        })
    }
}
