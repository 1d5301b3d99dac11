//! What other nodes are told, and our own teller.

use std::{collections::HashMap, mem};

use shared::{
    bus::BusError,
    connections::Name,
    ids::UserId,
    presence::{News, Told},
};

use super::{Keeper, backlog::Waiting};
use crate::presence::{Word, fold::Change, metrics::Bound, spread::Plan};

/// New contacts that are looked up in a second.
const CONTACTS_MAX: usize = 500;

impl Keeper {
    /// The person's contacts are to be told, with the next second's news.
    pub(super) fn tell_later(&mut self, user: UserId, waiting: Waiting) {
        let now_ms = self.presence.now().elapsed_ms;
        if !self.backlog.put(user, waiting, now_ms) {
            self.ask_all = true;
        }
    }

    /// Somebody became invisible or visible. Of all nodes where they are, the first by name tells it.
    pub(super) async fn look_up_visibility(&mut self) -> Result<(), BusError> {
        let people: Vec<UserId> = self.invisibility.keys().copied().collect();
        if people.is_empty() {
            return Ok(());
        }
        let nodes = self.store.nodes(&people).await?;
        let living = self.living();
        let now = self.presence.now();
        for (user, nodes) in people.into_iter().zip(nodes) {
            let Some(invisible) = self.invisibility.remove(&user) else {
                continue;
            };
            let first = nodes.into_iter().filter(|node| living.contains(node)).min();
            if first == Some(self.name) {
                let waiting = Waiting {
                    online: !invisible,
                    last_seen_ms: invisible.then_some(now.unix_ms),
                    even_invisible: invisible,
                };
                self.tell_later(user, waiting);
            }
        }
        Ok(())
    }

    /// Whoever got a new contact is told if they are online.
    pub(super) async fn look_up_contacts(&mut self) -> Result<(), BusError> {
        let count = self.new_contacts.len().min(CONTACTS_MAX);
        let pairs: Vec<(UserId, UserId)> = self.new_contacts.iter().take(count).copied().collect();
        if pairs.is_empty() {
            return Ok(());
        }
        let users: Vec<UserId> = pairs.iter().map(|(_, user)| *user).collect();
        let nodes = self.store.nodes(&users).await?;
        let contacts = self.contacts.read(&users).await;
        let living = self.living();
        for ((pair, nodes), contacts) in pairs.into_iter().zip(nodes).zip(contacts) {
            let (viewer, user_id) = pair;
            let is_present = nodes.iter().any(|node| living.contains(node));
            let Some(contacts) = contacts else {
                // Nobody knows whether they may be seen; whoever answers the question will.
                self.presence.say(Word::Ask(viewer));
                continue;
            };
            if is_present && !contacts.invisible {
                let change = Change {
                    user_id,
                    online: true,
                    last_seen: None,
                };
                self.presence.say(Word::Contact(viewer, change));
            }
        }
        self.new_contacts.drain(..count);
        Ok(())
    }

    /// Tells the nodes what is to be told. What cannot be told now waits, and is folded with what comes.
    pub(super) async fn spread(&mut self) -> Result<(), BusError> {
        if mem::take(&mut self.ask_all) {
            self.presence.0.metrics.degraded(Bound::Backlog);
            let sent = self.send(Plan::AskAll).await;
            self.ask_all = sent.is_err();
            return sent;
        }
        let ready = self.backlog.ready(self.presence.now().elapsed_ms);
        if ready.is_empty() {
            return Ok(());
        }
        let people: Vec<UserId> = ready.iter().map(|(user, _)| *user).collect();
        let contacts = self.contacts.read(&people).await;
        let mut told = Vec::with_capacity(ready.len());
        let mut unknown = Vec::new();
        for ((user_id, waiting), contacts) in ready.iter().copied().zip(contacts) {
            match contacts {
                None => unknown.push((user_id, waiting)),
                Some(contacts) if contacts.invisible && !waiting.even_invisible => {}
                Some(contacts) => told.push(Told {
                    user_id,
                    online: waiting.online,
                    last_seen_ms: waiting.last_seen_ms,
                    viewers: contacts.people,
                }),
            }
        }
        let plan = Plan::new(told);
        match plan {
            Plan::Told(_) => {}
            Plan::Ask(_) => self.presence.0.metrics.degraded(Bound::Pairs),
            Plan::AskAll => self.presence.0.metrics.degraded(Bound::Viewers),
        }
        self.send(plan).await?;
        self.backlog.told(ready.len());
        // Behind the others: whose contacts are not known must not keep the rest from being told.
        for (user, waiting) in unknown {
            self.tell_later(user, waiting);
        }
        Ok(())
    }

    async fn send(&self, plan: Plan) -> Result<(), BusError> {
        let viewers = plan.viewers();
        let nodes = self.store.nodes(&viewers).await?;
        let nodes: HashMap<UserId, Vec<Name>> = viewers.into_iter().zip(nodes).collect();
        let mut news = plan.by_node(&nodes, &self.living());
        let ours = news.remove(&self.name);
        let now_ms = self.presence.0.clock.now_ms();
        let events: Vec<_> = news
            .iter()
            .map(|(node, news)| News::event(news, *node, now_ms))
            .collect();
        self.bus.publish(&events).await?;
        if let Some(news) = ours {
            self.presence.say(Word::Ours(news));
        }
        Ok(())
    }
}
