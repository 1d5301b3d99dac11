//! Many listeners in a process of their own, for their descriptors: `loadtest soak-listeners`.
//!
//! It reads one line of JSON ([`Plan`]), and then one [`Word`] a line; it answers each with one line of JSON ([`Told`]).

use std::{
    collections::BTreeMap,
    io::{self, BufRead, BufReader, BufWriter, Write, stdin},
    net::SocketAddr,
    process::{Child, ChildStdin, ChildStdout, Command, Stdio},
    sync::Arc,
};

use rand::seq::IndexedRandom;
use serde::{Deserialize, Serialize};
use tokio::{runtime::Handle, task::JoinSet};

use super::{ledger::Counts, listener::Listener};
use crate::{Failure, swarm::raise_descriptors};

/// Who listens, and where.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Plan {
    pub(super) gateways: Vec<SocketAddr>,
    pub(super) people: Vec<Person>,
    /// A channel that everybody hears all the time, besides their own.
    pub(super) everybody: String,
}

/// Somebody with a session.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Person {
    pub(super) user_id: u64,
    pub(super) token: String,
}

/// What the process is told.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Word {
    /// That many go away for a while, at random.
    GoAway(usize),
    /// Say what was counted so far, and who has not got as far as these heads of channels.
    Report(BTreeMap<String, u64>),
}

/// What it has to say.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(super) struct Told {
    pub(super) counts: Counts,
    /// Listeners that were connected at least once.
    pub(super) connected: usize,
    /// Channels of listeners that are not where the head is, or beyond it, or not heard although they should be.
    pub(super) behind: usize,
}

/// The process.
pub(super) async fn run() -> Result<(), Failure> {
    raise_descriptors();
    let mut lines = BufReader::new(stdin()).lines();
    let mut line = move || match lines.next() {
        Some(line) => Ok(line?),
        None => Err(Failure::Refused("nobody tells what to do".to_owned())),
    };
    let plan: Plan = parse(&line()?)?;
    let gateways: Arc<[SocketAddr]> = plan.gateways.into();
    let everybody = plan.everybody;
    let people = plan.people.into_iter();
    let listeners: Vec<Arc<Listener>> = people
        .map(|person| Arc::new(Listener::new(person.user_id, person.token)))
        .collect();
    let mut tasks = JoinSet::new();
    for listener in &listeners {
        tasks.spawn(Arc::clone(listener).listen(Arc::clone(&gateways)));
    }
    // Standard input blocks; the listeners do not wait for it.
    let obey = move || {
        while let Ok(text) = line() {
            let told = obey(&listeners, &everybody, &parse(&text)?);
            println!(
                "{}",
                serde_json::to_string(&told).expect("numbers can be told")
            );
        }
        Ok(())
    };
    let ended = Handle::current().spawn_blocking(obey).await;
    ended.map_err(io::Error::other)?
}

fn obey(listeners: &[Arc<Listener>], everybody: &str, word: &Word) -> Told {
    match word {
        Word::GoAway(many) => {
            for listener in listeners.sample(&mut rand::rng(), *many) {
                listener.goes_away();
            }
            Told::default()
        }
        Word::Report(heads) => report(listeners, everybody, heads),
    }
}

fn report(listeners: &[Arc<Listener>], everybody: &str, heads: &BTreeMap<String, u64>) -> Told {
    let mut told = Told::default();
    for listener in listeners {
        let ledger = listener.ledger();
        told.counts.add(&ledger.counts);
        told.connected += usize::from(ledger.counts.connections > 0);
        let own = format!("user:{}", listener.user_id);
        let behind = heads.iter().filter(|(channel, head)| {
            let must_be_heard = *channel == &own || *channel == everybody;
            match ledger.offset(channel) {
                Some(offset) => offset != **head,
                None => must_be_heard,
            }
        });
        told.behind += behind.count();
    }
    told
}

fn parse<T: serde::de::DeserializeOwned>(line: &str) -> Result<T, Failure> {
    serde_json::from_str(line).map_err(|error| Failure::Refused(error.to_string()))
}

/// The process from outside; it ends when this is dropped.
#[derive(Debug)]
pub(super) struct Listeners {
    process: Child,
    tell: ChildStdin,
    told: BufReader<ChildStdout>,
}

impl Listeners {
    pub(super) fn start(plan: &Plan) -> Result<Self, Failure> {
        let mut process = Command::new(std::env::current_exe()?)
            .arg("soak-listeners")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()?;
        let (tell, told) = (process.stdin.take(), process.stdout.take());
        let mut listeners = Self {
            process,
            tell: tell.expect("piped"),
            told: BufReader::new(told.expect("piped")),
        };
        listeners.say(plan)?;
        Ok(listeners)
    }

    /// Says it, and waits for the answer.
    pub(super) fn ask(&mut self, word: &Word) -> Result<Told, Failure> {
        self.say(word)?;
        let mut line = String::new();
        if self.told.read_line(&mut line)? == 0 {
            return Err(io::Error::other("the listeners have ended").into());
        }
        parse(&line)
    }

    fn say(&mut self, what: &impl Serialize) -> Result<(), Failure> {
        let mut out = BufWriter::new(&self.tell);
        let text = serde_json::to_string(what).expect("numbers and texts can be told");
        writeln!(out, "{text}")?;
        Ok(out.flush()?)
    }
}

impl Drop for Listeners {
    fn drop(&mut self) {
        // It has nothing to put in order.
        self.process.kill().ok();
        self.process.wait().ok();
    }
}
