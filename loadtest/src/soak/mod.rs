//! `loadtest soak`: whether everything is heard once, and memory comes back, over a long time in which things die.
//!
//! Real pods and gateways on the database of `DATABASE_URL`, migrated and seeded, and on a Redis of its own, which is killed with
//! all that it knows after two thirds of the time; a gateway is after one third. All the while people write, join and leave, and
//! every second some of them lose their connection.

mod ledger;
mod listener;
mod listeners;
mod talk;

use std::{collections::BTreeMap, path::PathBuf, sync::Arc};

use hyper::Method;
use serde_json::{Value, json};
use shared::testing::{HttpClient, RedisServer};
use tokio::time::{Duration, Instant, sleep, sleep_until};
use tokio_postgres::NoTls;

use self::{
    listeners::{Listeners, Person, Plan, Told, Word},
    talk::{Place, Talk},
};
use crate::{Failure, own_folder, stack::Stack};

/// Listeners of one process: the system may allow no more than 20,000 descriptors.
const LISTENERS_PER_PROCESS: usize = 10_000;
/// Connections that break in a second, of each process.
const BREAKS_PER_SECOND: usize = 10;
/// How long a killed gateway, or Redis, is gone.
const GONE_FOR: Duration = Duration::from_secs(3);
/// How long everybody may take to connect, and the last events to arrive.
const ARRIVE: Duration = Duration::from_mins(3);
/// Before memory is looked at: what comes of connecting is over by then.
const SETTLE: Duration = Duration::from_secs(20);
/// The same at the end: gateways keep what was said for a minute, and look every ten seconds whether it is older.
const FORGET: Duration = Duration::from_secs(80);
const LOOK_EVERY: Duration = Duration::from_secs(1);
/// How much more memory than before there may be at the end.
const GROWTH_MAX: f64 = 1.1;

const HEADS: &str = "select channel, head from channel_heads";

/// How many, and how long.
#[derive(Debug)]
pub(crate) struct Soak {
    people: usize,
    minutes: f64,
    programs: PathBuf,
    json: Option<PathBuf>,
}

/// The process that [`Soak`] starts.
pub(crate) async fn listen() -> Result<(), Failure> {
    listeners::run().await
}

impl Soak {
    /// `[--people N] [--minutes N] [--programs FOLDER] [--json FILE]`.
    pub(crate) fn parse(mut given: impl Iterator<Item = String>) -> Result<Self, Failure> {
        let mut soak = Self {
            people: 20_000,
            minutes: 10.0,
            programs: own_folder()?,
            json: None,
        };
        while let Some(word) = given.next() {
            let value = given.next().ok_or(Failure::Usage)?;
            match word.as_str() {
                "--people" => soak.people = value.parse().map_err(|_| Failure::Usage)?,
                "--minutes" => soak.minutes = value.parse().map_err(|_| Failure::Usage)?,
                "--programs" => soak.programs = value.into(),
                "--json" => soak.json = Some(value.into()),
                _ => return Err(Failure::Usage),
            }
        }
        Ok(soak)
    }

    /// Runs it, prints what came of it, and fails if anything was lost, repeated or out of order, or memory did not come back.
    pub(crate) async fn run(&self) -> Result<(), Failure> {
        let mut redis = RedisServer::start().await;
        let mut stack = Stack::start_on(&self.programs, redis.url()).await?;
        let place = Arc::new(self.gather(&stack).await?);
        let mut listeners = start_listeners(&stack, &place)?;
        self.wait_for_all(&mut listeners).await?;
        sleep(SETTLE).await;
        let resident_before = stack.gateways_resident_kib()?;

        let talk = Talk::begin(&place);
        self.live(&mut stack, &mut redis, &mut listeners).await?;
        let (acknowledged, refused) = talk.end().await?;
        let told = wait_for_the_last(&mut listeners, stack.database_url()).await?;
        sleep(FORGET).await;
        let report = json!({
            "scenario": "soak",
            "people": self.people,
            "minutes": self.minutes,
            "acts": {"acknowledged": acknowledged, "refused": refused},
            "events": told.counts,
            "behind": told.behind,
            "gateways_resident_kib": {"before": resident_before, "after": stack.gateways_resident_kib()?},
        });
        println!("{report:#}");
        if let Some(path) = &self.json {
            std::fs::write(path, format!("{report:#}\n"))?;
        }
        verdict(acknowledged, &told, &report["gateways_resident_kib"])
    }

    async fn gather(&self, stack: &Stack) -> Result<Place, Failure> {
        let crowd = stack.gather(self.people, self.people)?;
        let people: Vec<Person> = serde_json::from_value(crowd["online"].clone())
            .map_err(|error| Failure::Refused(error.to_string()))?;
        let apis: Vec<HttpClient> = stack
            .apis()
            .iter()
            .map(|url| HttpClient::new(url))
            .collect();
        let (path, square) = ("/api/v1/groups", json!({"name": "The square"}));
        let owner = Some(&*people[0].token);
        let square = apis[0]
            .send(Method::POST, path, owner, Some(&square))
            .await?;
        Ok(Place {
            apis,
            people,
            crowd: crowd["group_id"].clone(),
            square: square.json["id"].clone(),
        })
    }

    async fn wait_for_all(&self, listeners: &mut [Listeners]) -> Result<(), Failure> {
        let deadline = Instant::now() + ARRIVE;
        while ask(listeners, &BTreeMap::new())?.connected < self.people {
            if Instant::now() > deadline {
                return Err(Failure::Refused("not everybody could connect".to_owned()));
            }
            sleep(LOOK_EVERY).await;
        }
        Ok(())
    }

    /// Thirds: everything well; after a gateway was killed; after Redis was.
    async fn live(
        &self,
        stack: &mut Stack,
        redis: &mut RedisServer,
        listeners: &mut [Listeners],
    ) -> Result<(), Failure> {
        let third = Duration::from_secs_f64(self.minutes * 20.0);
        break_connections(listeners, third).await?;
        stack.restart_gateway(0, GONE_FOR).await?;
        break_connections(listeners, third).await?;
        redis.kill();
        sleep(GONE_FOR).await;
        redis.restart_empty().await;
        break_connections(listeners, third).await
    }
}

fn start_listeners(stack: &Stack, place: &Place) -> Result<Vec<Listeners>, Failure> {
    let shares = place.people.chunks(LISTENERS_PER_PROCESS).map(|people| {
        Listeners::start(&Plan {
            gateways: stack.gateways(),
            people: people.to_vec(),
            everybody: format!("group:{}", place.crowd),
        })
    });
    shares.collect()
}

/// Some in each second, for that long.
async fn break_connections(listeners: &mut [Listeners], time: Duration) -> Result<(), Failure> {
    let end = Instant::now() + time;
    let mut next = Instant::now();
    while next < end {
        for listeners in &mut *listeners {
            listeners.ask(&Word::GoAway(BREAKS_PER_SECOND))?;
        }
        next += Duration::from_secs(1);
        sleep_until(next).await;
    }
    Ok(())
}

fn ask(listeners: &mut [Listeners], heads: &BTreeMap<String, u64>) -> Result<Told, Failure> {
    let mut all = Told::default();
    for listeners in listeners {
        let told = listeners.ask(&Word::Report(heads.clone()))?;
        all.counts.add(&told.counts);
        all.connected += told.connected;
        all.behind += told.behind;
    }
    Ok(all)
}

/// Until nobody is behind the heads in the log, or time is up.
async fn wait_for_the_last(
    listeners: &mut [Listeners],
    database_url: &str,
) -> Result<Told, Failure> {
    let (postgres, connection) = tokio_postgres::connect(database_url, NoTls).await?;
    let connection = tokio::spawn(connection);
    let deadline = Instant::now() + ARRIVE;
    let told = loop {
        sleep(LOOK_EVERY).await;
        let rows = postgres.query(HEADS, &[]).await?;
        let heads = rows.iter().map(|row| {
            let head = u64::try_from(row.get::<_, i64>("head")).unwrap_or_default();
            (row.get("channel"), head)
        });
        let told = ask(listeners, &heads.collect())?;
        if told.behind == 0 || Instant::now() > deadline {
            break told;
        }
    };
    drop(postgres);
    connection.abort();
    Ok(told)
}

fn verdict(acknowledged: u64, told: &Told, resident: &Value) -> Result<(), Failure> {
    let sum = |of: &str| {
        let each = resident[of].as_array().into_iter().flatten();
        each.filter_map(Value::as_f64).sum::<f64>()
    };
    let counts = &told.counts;
    let mut wrong = Vec::new();
    // Every message is heard by somebody: whoever wrote it, if nobody else.
    if acknowledged == 0 || counts.heard < acknowledged {
        wrong.push("hardly anything was said or heard");
    }
    if [counts.repeated, counts.holes, counts.lost] != [0; 3] || told.behind > 0 {
        wrong.push("events were lost, repeated or out of order");
    }
    if sum("after") > GROWTH_MAX * sum("before") {
        wrong.push("memory did not come back");
    }
    if wrong.is_empty() {
        return Ok(());
    }
    Err(Failure::Refused(wrong.join("; ")))
}

#[cfg(test)]
mod tests {
    use super::{listeners::Told, *};

    #[test]
    fn only_a_run_in_which_everything_was_heard_once_is_well() {
        let well = || Told {
            counts: ledger::Counts {
                heard: 100,
                ..ledger::Counts::default()
            },
            connected: 10,
            behind: 0,
        };
        let but = |change: &dyn Fn(&mut Told)| {
            let mut told = well();
            change(&mut told);
            told
        };
        let memory = |after: f64| json!({"before": [1000.0, 1000.0], "after": [after, 1000.0]});
        for (what, acknowledged, told, after, expected) in [
            ("all is well", 50, well(), 1200.0, true),
            ("memory grew", 50, well(), 1201.0, false),
            ("nothing was said", 0, well(), 1000.0, false),
            ("less was heard than said", 101, well(), 1000.0, false),
            (
                "a repeat",
                50,
                but(&|told| told.counts.repeated = 1),
                1000.0,
                false,
            ),
            (
                "a hole",
                50,
                but(&|told| told.counts.holes = 1),
                1000.0,
                false,
            ),
            (
                "a loss",
                50,
                but(&|told| told.counts.lost = 1),
                1000.0,
                false,
            ),
            (
                "somebody is behind",
                50,
                but(&|told| told.behind = 1),
                1000.0,
                false,
            ),
        ] {
            let verdict = verdict(acknowledged, &told, &memory(after));
            assert_eq!(verdict.is_ok(), expected, "{what}");
        }
    }
}
