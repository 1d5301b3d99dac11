//! The one process whose children are all the others.
//!
//! Everything happens on its main thread: the signal by which the system kills a child of a dead
//! parent is sent when the *thread* that started it ends. Two helper threads only tell that thread
//! what happened: one hears signals, one the control socket.

use std::collections::BTreeMap;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread;

use signal_hook::consts::{SIGCHLD, SIGHUP, SIGINT, SIGTERM};
use signal_hook::iterator::Signals;

use crate::child::Child;
use crate::cli::UpOptions;
use crate::control::{self, Action, Answer, Request};
use crate::error::{Doing, Error, Result};
use crate::identity::{self, Identity};
use crate::instance::{self, Instance};
use crate::layout::Layout;
use crate::name::Name;
use crate::patience::StopWishes;
use crate::state::{self, Lock, State};
use crate::status::{ProcessReport, ProcessState, Report};

mod actions;
mod start;
mod stop;

/// Requests and signals that may wait while the main thread is busy.
const EVENTS_MAX: usize = 64;

/// Something that happened outside the main thread.
pub(crate) enum Event {
    /// A child has ended, or somebody wishes to stop.
    Signal,
    /// Somebody asks for something, and waits for the answer.
    Request(Request, SyncSender<Answer>),
}

/// A child by its name.
struct Held {
    child: Child,
    /// Stopped with `pause`, with everything below it.
    paused: bool,
    /// Its end was expected or has been told.
    told: bool,
}

/// An instance with its processes.
pub(crate) struct Supervisor {
    instance: Instance,
    held: BTreeMap<Name, Held>,
    stop: StopWishes,
    events: Receiver<Event>,
    ready: bool,
    /// Held until this process ends: by then nothing of the instance is left.
    _lock: Lock,
}

impl Supervisor {
    /// Takes the lock and cleans up after a predecessor that was killed. `None` when an instance of
    /// this checkout runs already.
    pub(crate) fn new(layout: &Layout, options: &UpOptions) -> Result<Option<Self>> {
        let Some(lock) = Lock::take(layout)? else {
            return Ok(None);
        };
        state::reap(&lock, layout)?;
        instance::empty_logs(layout);
        let (events_in, events) = sync_channel(EVENTS_MAX);
        let stop = StopWishes::default();
        hear_signals(events_in.clone(), stop.clone())?;
        control::listen(events_in, stop.clone())?;
        let instance = Instance::new(layout, options)?;
        Ok(Some(Self {
            instance,
            held: BTreeMap::new(),
            stop,
            events,
            ready: false,
            _lock: lock,
        }))
    }

    /// Starts everything, says so with `announce`, and stays until somebody wishes to stop.
    pub(crate) fn run(mut self, announce: impl FnOnce(&Instance)) -> Result<()> {
        let outcome = self.start_all().and_then(|()| {
            self.ready = true;
            self.save_state()?;
            announce(&self.instance);
            self.serve()
        });
        let stopped = self.stop_all();
        outcome.and(stopped)
    }

    /// Answers until somebody wishes to stop.
    fn serve(&mut self) -> Result<()> {
        while !self.stop.any() {
            let Ok(event) = self.events.recv() else {
                return Err(Error::told("both threads that listen have ended"));
            };
            self.tell_deaths()?;
            if let Event::Request(request, reply) = event {
                let answer = self.answer(&request);
                self.save_state()?;
                // Whoever asked may have gone.
                drop(reply.try_send(answer));
            }
        }
        Ok(())
    }

    fn answer(&mut self, request: &Request) -> Answer {
        let done = match request {
            Request::Status => return Answer::Report(self.report()),
            Request::Stop => return Answer::Done("stopping".into()),
            Request::Act {
                action: Action::Kill,
                name,
            } => self.kill(*name),
            Request::Act {
                action: Action::Pause,
                name,
            } => self.pause(*name),
            Request::Act {
                action: Action::Resume,
                name,
            } => self.resume(*name),
            Request::Act {
                action: Action::Start,
                name,
            } => self.start_again(*name),
        };
        done.map_or_else(|error| Answer::Refused(error.to_string()), Answer::Done)
    }

    /// Says which processes have ended by themselves. They are not started again: a crash that mends
    /// itself is a crash that nobody sees.
    fn tell_deaths(&mut self) -> Result<()> {
        for (name, held) in &mut self.held {
            if let Some(status) = held.child.ended()?
                && !held.told
            {
                held.told = true;
                println!(
                    "{name} ended ({status}); ./dev logs {name} shows why, ./dev start {name} starts it"
                );
            }
        }
        Ok(())
    }

    fn report(&self) -> Report {
        let ours = Name::ALL
            .into_iter()
            .filter(|name| self.instance.is_ours(*name));
        Report {
            url: self.instance.public_url(),
            demo_url: self.instance.demo_url(),
            processes: ours.map(|name| self.report_on(name)).collect(),
            database_url: self.instance.database_url(),
            redis_url: self.instance.redis_url(),
            jwt_secret: self.instance.jwt_secret().to_owned(),
            programs: self.instance.programs().to_owned(),
        }
    }

    fn report_on(&self, name: Name) -> ProcessReport {
        let held = self.held.get(&name);
        ProcessReport {
            name,
            pid: held.map_or(0, |held| held.child.pid()),
            port: self.instance.port(name),
            metrics_port: self.instance.metrics_port(name),
            url: self.instance.url(name),
            state: held.map_or(ProcessState::Dead, Held::state),
        }
    }

    /// Writes down which processes are ours, for whoever cleans up after us if we are killed.
    fn save_state(&self) -> Result<()> {
        let own =
            i32::try_from(std::process::id()).expect("pids of every system we know fit 31 bits");
        let supervisor =
            Identity::of(own).ok_or_else(|| Error::told("the system does not show me"))?;
        let processes = self.held.values().flat_map(Held::identities).collect();
        State {
            supervisor,
            ready: self.ready,
            processes,
        }
        .save(self.instance.layout())
    }
}

impl Held {
    const fn new(child: Child) -> Self {
        Self {
            child,
            paused: false,
            told: false,
        }
    }

    const fn state(&self) -> ProcessState {
        match (self.child.has_ended(), self.paused) {
            (true, _) => ProcessState::Dead,
            (false, true) => ProcessState::Paused,
            (false, false) => ProcessState::Running,
        }
    }

    /// The child, and what is frozen below it.
    fn identities(&self) -> Vec<Identity> {
        if self.child.has_ended() {
            return Vec::new();
        }
        let below = if self.paused {
            identity::descendants(self.child.pid())
        } else {
            Vec::new()
        };
        let below = below.into_iter().filter_map(Identity::of);
        self.child
            .identity()
            .cloned()
            .into_iter()
            .chain(below)
            .collect()
    }
}

/// Turns signals into events. Ctrl-C reaches only us, since every child has its own process group.
fn hear_signals(events: SyncSender<Event>, stop: StopWishes) -> Result<()> {
    let wanted = [SIGINT, SIGTERM, SIGHUP, SIGCHLD];
    let mut signals = Signals::new(wanted).doing(|| "listen for signals")?;
    thread::spawn(move || {
        for signal in &mut signals {
            if signal != SIGCHLD {
                stop.add();
            }
            // When the queue is full the main thread will look at its children anyway.
            drop(events.try_send(Event::Signal));
        }
    });
    Ok(())
}
