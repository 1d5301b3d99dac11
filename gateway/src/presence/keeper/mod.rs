//! Keeps this node's part of the presence in Redis, and tells the other nodes what has changed.
//!
//! Everything is tried again with the next second, so that nothing waits for a Redis that is away but what has to.

mod attendance;
mod backlog;
mod telling;

use std::{
    collections::{HashMap, VecDeque},
    mem,
    time::Duration,
};

use shared::{
    bus::{Bus, BusError, Join, Subscriber},
    connections::Name,
    ids::UserId,
    presence::{ContactsMirror, Leases, Life, Presence as Store, Renewal},
    ticks,
    wire::Channel,
};
use tokio::{sync::mpsc, time::Instant};

use self::backlog::Backlog;
use super::{Errand, LISTENER, Presence, Word, reporter::Reporter};

/// Between two looks at who came and went.
const EVERY: Duration = Duration::from_millis(100);
/// Every so many looks the lease is renewed, and what has changed is told.
const ROUND: u64 = 10;
/// New contacts, and people whose visibility has changed, that may wait to be looked up.
const ERRANDS_MAX: usize = 16_384;

pub(super) struct Keeper {
    presence: Presence,
    store: Store,
    bus: Bus,
    contacts: ContactsMirror,
    subscriber: Subscriber,
    reporter: Reporter,
    name: Name,
    /// Our own channel is heard.
    is_heard: bool,
    /// In which our lease is.
    life: Option<Life>,
    leases: Option<Leases>,
    /// After whom we clear up, and when its lease ended.
    clearing: Option<(Name, i64)>,
    backlog: Backlog,
    /// Changes were given up.
    ask_all: bool,
    new_contacts: VecDeque<(UserId, UserId)>,
    /// Whose visibility has changed, and to what.
    invisibility: HashMap<UserId, bool>,
}

impl Keeper {
    pub(super) fn new(
        presence: Presence,
        (bus, contacts): (Bus, ContactsMirror),
        subscriber: Subscriber,
        reporter: Reporter,
    ) -> Self {
        Self {
            presence,
            store: Store::new(bus.clone()),
            bus,
            contacts,
            subscriber,
            reporter,
            name: Name::random(),
            is_heard: false,
            life: None,
            leases: None,
            clearing: None,
            backlog: Backlog::default(),
            ask_all: false,
            new_contacts: VecDeque::new(),
            invisibility: HashMap::new(),
        }
    }

    /// Runs until the handle is gone, or nothing can be heard any more.
    pub(super) async fn keep(mut self, mut errands: mpsc::Receiver<Errand>) {
        // Nodes that were started together, or lost Redis together, do not all come at once.
        let spread = EVERY * u32::try_from(ROUND).unwrap_or(1);
        let first = Instant::now() + spread.mul_f64(rand::random());
        let mut ticks = ticks::every_from(first, EVERY);
        if !self.join().await {
            return;
        }
        let mut is_failing = false;
        let mut looks = 0_u64;
        loop {
            tokio::select! {
                errand = errands.recv() => match errand {
                    Some(errand) => {
                        if !self.take_errand(errand).await {
                            return;
                        }
                    }
                    None => return,
                },
                _ = ticks.tick() => {
                    let is_round = looks.is_multiple_of(ROUND);
                    looks += 1;
                    if is_failing && !is_round {
                        continue;
                    }
                    let done = self.look(is_round).await;
                    let failed = done.is_err();
                    if let Err(error) = done && !is_failing {
                        tracing::warn!(%error, "presence is not told for now");
                    }
                    is_failing = failed;
                }
            }
        }
    }

    /// Asks to hear the node's own channel: nobody may know of the node before it does. False when the end has come.
    async fn join(&self) -> bool {
        let join = Join {
            channel: Channel::Node(self.name),
            listener: LISTENER,
            token: 0,
            since: None,
        };
        self.subscriber.join(join).await.is_ok()
    }

    async fn take_errand(&mut self, errand: Errand) -> bool {
        match errand {
            Errand::Joined(true) => self.is_heard = true,
            Errand::Joined(false) => return self.join().await,
            Errand::Contact(viewer, user) if self.new_contacts.len() < ERRANDS_MAX => {
                self.new_contacts.push_back((viewer, user));
            }
            Errand::Contact(viewer, _) => self.presence.say(Word::Ask(viewer)),
            Errand::Invisibility(user, invisible) => {
                if self.invisibility.len() < ERRANDS_MAX {
                    self.invisibility.insert(user, invisible);
                } else {
                    self.ask_all = true;
                }
            }
        }
        true
    }

    async fn look(&mut self, is_round: bool) -> Result<(), BusError> {
        if is_round && self.is_heard {
            self.renew().await?;
        }
        if self.leases.is_none() {
            return Ok(());
        }
        self.write_down().await?;
        if is_round { self.round().await } else { Ok(()) }
    }

    /// Once a second.
    async fn round(&mut self) -> Result<(), BusError> {
        self.clear_up().await?;
        self.look_up_visibility().await?;
        self.spread().await?;
        self.look_up_contacts().await
    }

    /// Renews our lease, or takes one.
    async fn renew(&mut self) -> Result<(), BusError> {
        let lease = self.presence.0.settings.lease;
        match self.store.renew(self.name, lease, self.life).await? {
            Renewal::Kept(leases) => self.leases = Some(leases),
            Renewal::New(leases) => {
                let (others, life) = (leases.known_besides(self.name), leases.life());
                if self.life.is_some() {
                    tracing::warn!("redis has lost who is present; telling it again");
                    self.write_again(&others).await?;
                }
                self.life = Some(life);
                self.leases = Some(leases);
            }
            Renewal::Lost => {
                tracing::warn!("out of reach for longer than the lease; back under a new name");
                self.begin_anew().await;
            }
        }
        Ok(())
    }

    async fn begin_anew(&mut self) {
        let old = mem::replace(&mut self.name, Name::random());
        self.is_heard = false;
        self.life = None;
        self.leases = None;
        self.clearing = None;
        self.presence.locals().unlist();
        // When the subscriber has stopped, so do we, with the next errand.
        self.subscriber
            .leave(Channel::Node(old), LISTENER)
            .await
            .ok();
        self.join().await;
    }

    fn others(&self) -> Vec<Name> {
        let leases = self.leases.as_ref();
        leases.map_or_else(Vec::new, |leases| leases.known_besides(self.name))
    }

    fn living(&self) -> Vec<Name> {
        self.leases.as_ref().map_or_else(Vec::new, Leases::living)
    }
}
