//! One pipeline on its way: which commands are answered, and what stood in the way of the others.

use std::{collections::BTreeMap, io};

use futures_util::future::join_all;
use redis::{Arg, Cmd, ErrorKind, Pipeline, RedisError, ServerErrorKind, Value};
use tokio::time::Instant;

use super::{Connections, server::Unanswered};
use crate::bus::{metrics::Loss, scripts, topology::Server};

/// Why not every command was answered; where several things happened, the worst.
#[derive(Debug)]
pub(super) enum Setback {
    /// Another server is to be asked, or one had to learn the scripts first: go on at once.
    Redirected(RedisError),
    /// The server does not serve now, and has not done what it was asked.
    Unable(RedisError),
    /// The connection broke: nobody knows what was done.
    Broken(RedisError),
    /// It makes no sense to the server: nothing will change that.
    Refused(RedisError),
}

impl Setback {
    const fn weight(&self) -> u8 {
        match self {
            Self::Redirected(_) => 0,
            Self::Unable(_) => 1,
            Self::Broken(_) => 2,
            Self::Refused(_) => 3,
        }
    }
}

/// The commands of a pipeline, with the answers so far.
pub(super) struct Round<'a> {
    pipeline: &'a Pipeline,
    commands: Vec<&'a Cmd>,
    answers: Vec<Option<Value>>,
    /// Commands that another server has for the moment, which wants to be told so.
    asking: BTreeMap<usize, String>,
}

impl<'a> Round<'a> {
    pub(super) fn new(pipeline: &'a Pipeline) -> Self {
        let commands: Vec<&Cmd> = pipeline.cmd_iter().collect();
        Self {
            pipeline,
            answers: vec![None; commands.len()],
            commands,
            asking: BTreeMap::new(),
        }
    }

    pub(super) fn into_values(self) -> Vec<Value> {
        self.answers.into_iter().flatten().collect()
    }

    /// Sends what is not answered yet to whoever has it; `None` when all is answered.
    pub(super) async fn go(
        &mut self,
        connections: &Connections,
        deadline: Instant,
    ) -> Option<Setback> {
        let (parts, lost) = self.parts(connections);
        let sent = join_all(parts.iter().map(|part| part.send(connections, deadline))).await;
        let nobody = || Setback::Unable(io::Error::other("no server has the slot").into());
        let mut worst = lost.then(nobody);
        for (part, answers) in parts.iter().zip(sent) {
            let setback = match answers {
                Ok(answers) => self.take(connections, part, answers),
                Err(Unanswered {
                    error,
                    was_sent: true,
                }) => Some(Setback::Broken(error)),
                Err(Unanswered {
                    error,
                    was_sent: false,
                }) => Some(Setback::Unable(error)),
            };
            part.count(connections, setback.as_ref());
            worst = worse(worst, setback);
        }
        worst
    }

    /// The open commands by server, and whether some have none.
    fn parts(&mut self, connections: &Connections) -> (Vec<Part<'a>>, bool) {
        let layout = connections.topology().layout();
        connections.metrics().follow(layout.servers().len());
        let mut by_server: Vec<(usize, Vec<usize>)> = Vec::new();
        let mut parts = Vec::new();
        let mut lost = false;
        let mut previous = None;
        for (index, command) in self.commands.iter().enumerate() {
            // A command without a key goes where the one before it goes.
            let owner = match key(command) {
                Some(key) => layout.owner(key),
                None => previous.or((!layout.servers().is_empty()).then_some(0)),
            };
            previous = owner;
            if self.answers[index].is_some() {
                continue;
            }
            if let Some(addr) = self.asking.remove(&index)
                && let Some(server) = connections.topology().server_at(&addr)
            {
                parts.push(Part::asking(server, index, command));
                continue;
            }
            let Some(owner) = owner.filter(|owner| *owner < layout.servers().len()) else {
                lost = true;
                continue;
            };
            match by_server.iter_mut().find(|(known, _)| *known == owner) {
                Some((_, indices)) => indices.push(index),
                None => by_server.push((owner, vec![index])),
            }
        }
        for (owner, indices) in by_server {
            let server = (Some(owner), layout.servers()[owner].clone());
            parts.push(Part::new(server, indices, self.pipeline, &self.commands));
        }
        (parts, lost)
    }

    fn take(
        &mut self,
        connections: &Connections,
        part: &Part<'_>,
        answers: Vec<Value>,
    ) -> Option<Setback> {
        let mut worst = None;
        for (index, answer) in part.indices.iter().zip(answers) {
            let setback = match answer {
                Value::ServerError(error) => {
                    let error = RedisError::from(error);
                    Some(self.setback(connections, *index, error))
                }
                answer => {
                    self.answers[*index] = Some(answer);
                    None
                }
            };
            worst = worse(worst, setback);
        }
        worst
    }

    fn setback(&mut self, connections: &Connections, index: usize, error: RedisError) -> Setback {
        let ErrorKind::Server(kind) = error.kind() else {
            return Setback::Refused(error);
        };
        match kind {
            ServerErrorKind::NoScript => Setback::Redirected(error),
            ServerErrorKind::Moved => {
                if let Some((addr, slot)) = error.redirect_node() {
                    connections.topology().moved(slot, addr);
                }
                Setback::Redirected(error)
            }
            ServerErrorKind::Ask => {
                if let Some((addr, _)) = error.redirect_node() {
                    self.asking.insert(index, addr.to_owned());
                }
                Setback::Redirected(error)
            }
            ServerErrorKind::BusyLoading
            | ServerErrorKind::ClusterDown
            | ServerErrorKind::MasterDown
            | ServerErrorKind::ReadOnly
            | ServerErrorKind::TryAgain => Setback::Unable(error),
            _ => Setback::Refused(error),
        }
    }
}

fn worse(one: Option<Setback>, other: Option<Setback>) -> Option<Setback> {
    let weight = |setback: &Option<Setback>| setback.as_ref().map(Setback::weight);
    if weight(&other) > weight(&one) {
        other
    } else {
        one
    }
}

/// What decides where a command goes.
fn key(command: &Cmd) -> Option<&[u8]> {
    let mut words = command.args_iter().map(|word| match word {
        Arg::Simple(bytes) => bytes,
        _ => &[],
    });
    match words.next()? {
        b"EVALSHA" => words.nth(2),
        b"PING" | b"TIME" => None,
        _ => words.next(),
    }
}

/// What goes to one server.
struct Part<'a> {
    /// Its place in the layout, if it is known by one.
    place: Option<usize>,
    server: Server,
    indices: Vec<usize>,
    pipeline: std::borrow::Cow<'a, Pipeline>,
    /// A word before each command, whose answer nobody wants.
    is_asking: bool,
}

impl<'a> Part<'a> {
    fn new(
        (place, server): (Option<usize>, Server),
        indices: Vec<usize>,
        whole: &'a Pipeline,
        commands: &[&Cmd],
    ) -> Self {
        let pipeline = if indices.len() == commands.len() {
            std::borrow::Cow::Borrowed(whole)
        } else {
            let mut pipeline = Pipeline::with_capacity(indices.len());
            for index in &indices {
                pipeline.add_command(commands[*index].clone());
            }
            std::borrow::Cow::Owned(pipeline)
        };
        Self {
            place,
            server,
            indices,
            pipeline,
            is_asking: false,
        }
    }

    fn asking(server: Server, index: usize, command: &Cmd) -> Self {
        let mut pipeline = Pipeline::with_capacity(2);
        pipeline.cmd("ASKING");
        pipeline.add_command(command.clone());
        Self {
            place: None,
            server,
            indices: vec![index],
            pipeline: std::borrow::Cow::Owned(pipeline),
            is_asking: true,
        }
    }

    /// Says whether the server serves.
    fn count(&self, connections: &Connections, setback: Option<&Setback>) {
        let Some(place) = self.place else { return };
        let metrics = connections.metrics();
        match setback {
            Some(Setback::Broken(error)) if error.is_timeout() => metrics.lost(place, Loss::Silent),
            Some(Setback::Broken(_) | Setback::Unable(_)) => metrics.lost(place, Loss::Closed),
            Some(Setback::Redirected(_) | Setback::Refused(_)) | None => metrics.answered(place),
        }
    }

    async fn send(
        &self,
        connections: &Connections,
        deadline: Instant,
    ) -> Result<Vec<Value>, Unanswered> {
        let unsent = |error| Unanswered {
            error,
            was_sent: false,
        };
        let server = connections.server(&self.server).map_err(unsent)?;
        let (mut answers, used) = server.send(&self.pipeline, deadline).await?;
        if answers
            .iter()
            .any(|answer| is(answer, ServerErrorKind::NoScript))
        {
            server.send(&scripts::load(), deadline).await?;
        }
        // A server that is loading, or that was demoted to a replica, is left.
        let has_left = |answer| {
            is(answer, ServerErrorKind::ReadOnly)
                || is(answer, ServerErrorKind::BusyLoading)
                || is(answer, ServerErrorKind::MasterDown)
        };
        if answers.iter().any(has_left) {
            server.discard(used);
        }
        if self.is_asking {
            answers.remove(0);
        }
        Ok(answers)
    }
}

fn is(answer: &Value, kind: ServerErrorKind) -> bool {
    matches!(answer, Value::ServerError(error) if error.kind() == Some(kind))
}
