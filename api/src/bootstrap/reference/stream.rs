//! A client that hears: events by channel, in each in its order, and the channels in any.

use std::collections::{BTreeSet, HashSet};

use rand::{SeedableRng, rngs::StdRng, seq::IndexedRandom};
use serde_json::Value;
use shared::{ids::EventId, wire::Event};

use super::{
    reducer::Ask,
    state::{State, id, positions},
};
use crate::app::{App, event_log::EventLog, testing::Actor};

/// A client with what it knows.
pub(crate) struct Client {
    pub(crate) actor: Actor,
    pub(crate) state: State,
    /// Events that it has heard: it drops repeats.
    heard: HashSet<EventId>,
    /// Their types.
    pub(crate) kinds: BTreeSet<String>,
    /// Whether it had to ask: then it knows more than it has heard.
    pub(crate) has_asked: bool,
}

impl Client {
    pub(crate) fn new(actor: &Actor, state: State) -> Self {
        Self {
            actor: actor.clone(),
            state,
            heard: HashSet::new(),
            kinds: BTreeSet::new(),
            has_asked: false,
        }
    }

    /// Hears what is in the log after its positions, up to those of `end`; of a channel that `end` does not name, until an
    /// event says that it is left. Which channel comes next is left to `seed`: between channels there is no order.
    pub(crate) async fn hear_until(&mut self, app: &App, end: &State, seed: u64) {
        let log = EventLog::new(app);
        let mut random = StdRng::seed_from_u64(seed);
        let mut exhausted = BTreeSet::new();
        loop {
            let positions = self.state.positions.iter();
            let behind: Vec<(&String, &u64)> = positions
                .filter(|(name, at)| match end.positions.get(*name) {
                    Some(end) => end > *at,
                    None => !exhausted.contains(*name),
                })
                .collect();
            let Some((name, after)) = behind.choose(&mut random) else {
                return;
            };
            let page = log.read(name.parse().unwrap(), **after, 1).await.unwrap();
            match page.events.first() {
                Some(event) => self.hear(event).await,
                None => drop(exhausted.insert((*name).clone())),
            }
        }
    }

    async fn hear(&mut self, event: &Event) {
        let offset = event.offset().unwrap();
        self.state
            .positions
            .insert(event.channel.to_string(), offset);
        if !self.heard.insert(event.id) {
            return;
        }
        self.kinds.insert(event.kind.to_string());
        let body: Value = serde_json::from_slice(&event.body).unwrap();
        let asks = self.state.apply(&event.kind, &body["data"]);
        for ask in asks.unwrap_or_else(|| panic!("no rule for {}", event.kind)) {
            self.ask(ask).await;
        }
    }

    /// Fetches what an event speaks of. What is not there any more is not taken over: the event that says so follows.
    async fn ask(&mut self, ask: Ask) {
        self.has_asked = true;
        match ask {
            Ask::Conversation(conversation) => self.ask_conversation(conversation).await,
            Ask::Group(group) => {
                let fetched = self.actor.get(&format!("/groups/{group}")).await;
                if fetched.status == 200 && !fetched.json["my_role"].is_null() {
                    let chat = id(&fetched.json, "conversation_id");
                    self.state.groups.insert(group, fetched.json);
                    self.ask_conversation(chat).await;
                }
            }
        }
    }

    async fn ask_conversation(&mut self, conversation: i64) {
        let fetched = self
            .actor
            .get(&format!("/conversations/{conversation}"))
            .await;
        if fetched.status == 200 {
            self.state.know(fetched.json);
        } else {
            self.state.forget(conversation);
        }
    }

    /// Polls `/sync` until nothing more is there, `limit` things a page; says how many pages had something.
    pub(crate) async fn sync(&mut self, limit: usize) -> usize {
        let mut pages = 0;
        while let Some(found) = self.sync_page(limit).await {
            pages += usize::from(found > 0);
        }
        pages
    }

    /// Polls until it stands where a first screen stands, which is returned: jobs may write in between.
    pub(crate) async fn sync_to_the_end(&mut self) -> State {
        loop {
            self.sync(1).await;
            let end = State::fetch_all(&self.actor).await;
            if end.positions == self.state.positions {
                return end;
            }
        }
    }

    /// A few pages of it at most.
    pub(crate) async fn sync_pages(&mut self, limit: usize, pages: usize) {
        for _ in 0..pages {
            if self.sync_page(limit).await.is_none() {
                return;
            }
        }
    }

    /// One page; how many changes were on it, or `None` if it was the last one.
    async fn sync_page(&mut self, limit: usize) -> Option<usize> {
        let path = format!("/sync?since={}&limit={limit}", self.state.sync_cursor);
        let page = self.actor.get(&path).await.ok();
        assert_eq!(page["full"], false);
        let found = self.take(&page);
        (page["has_more"] == true).then_some(found)
    }

    /// Takes over a page of changes; says how many there were.
    fn take(&mut self, page: &Value) -> usize {
        let list = |name: &str| page[name].as_array().unwrap().iter();
        let state = &mut self.state;
        for conversation in list("joined") {
            state.forget_messages(conversation.as_i64().unwrap());
        }
        for message in list("messages") {
            let key = (id(message, "conversation_id"), id(message, "seq"));
            state.messages.insert(key, message.clone());
        }
        for conversation in list("conversations") {
            state.know(conversation.clone());
        }
        for notification in list("notifications") {
            state
                .notifications
                .insert(id(notification, "id"), notification.clone());
        }
        for group in list("groups") {
            state.groups.insert(id(group, "id"), group.clone());
        }
        if let Some(counts) = page.get("counts") {
            state.unread_notifications = id(counts, "unread_notifications");
            state.message_requests = id(counts, "message_requests");
        }
        if let Some(channels) = page.get("channels") {
            let known: Vec<String> = state.positions.keys().cloned().collect();
            let heard = positions(channels);
            for gone in known.iter().filter(|name| !heard.contains_key(*name)) {
                state.leave(gone.strip_prefix("group:").unwrap().parse().unwrap());
            }
            state.positions = heard;
        }
        page["cursor"]
            .as_str()
            .unwrap()
            .clone_into(&mut state.sync_cursor);
        let lists = ["messages", "conversations", "notifications", "groups"];
        lists.map(|name| list(name).count()).iter().sum()
    }
}
