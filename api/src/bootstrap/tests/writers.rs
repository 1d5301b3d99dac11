//! First screens and pages of changes that are taken while everybody writes.

use std::cell::Cell;

use futures_util::{StreamExt, future::join_all, stream::FuturesUnordered};
use rand::{RngExt, SeedableRng, rngs::StdRng, seq::IndexedRandom};
use serde_json::{Value, json};

use super::super::reference::{Client, State};
use crate::{
    app::{
        jobs,
        testing::{Actor, TestApp},
    },
    likes::TellLikes,
};

const PEOPLE: usize = 6;
/// How often somebody looks while the others write.
const LOOKS: usize = 3 * PEOPLE;
/// Should the looks take for ever, the writing does not.
const ACTS_OF_EACH_MAX: usize = 500;

/// Somebody who does things at random.
struct Player<'a> {
    me: &'a Actor,
    others: &'a [Actor],
    groups: &'a [Value],
    posts: &'a [Value],
    sent: Vec<Value>,
    random: StdRng,
    /// Whether everybody has looked often enough.
    enough: &'a Cell<bool>,
}

impl Player<'_> {
    async fn play(mut self) {
        for number in (0..ACTS_OF_EACH_MAX).take_while(|_| !self.enough.get()) {
            match self.random.random_range(0..20) {
                0..=6 => self.say(number).await,
                7..=9 => self.change(number).await,
                10..=12 => self.read().await,
                13 | 14 => self.like().await,
                15 => self.ask_to_be_friends().await,
                16 => self.notice().await,
                17 | 18 => self.rename(number).await,
                _ => self.come_or_go().await,
            }
        }
    }

    /// Does it; what is refused, because somebody else was faster, is no matter.
    async fn post(&self, path: &str, body: Value) -> Option<Value> {
        let answer = self.me.post(path, &body).await;
        assert!(answer.status < 500, "{path}: {}", answer.json);
        (answer.status < 300).then_some(answer.json)
    }

    fn choose<'a>(random: &mut StdRng, list: &'a [Value]) -> &'a Value {
        list.choose(random).unwrap()
    }

    async fn say(&mut self, number: usize) {
        let mut message = json!({"content": format!("{} says {number}", self.me.username())});
        if self.random.random_bool(0.5) {
            message["group_id"] = Self::choose(&mut self.random, self.groups)["id"].clone();
        } else {
            message["to"] = json!(self.others.choose(&mut self.random).unwrap().id());
        }
        self.sent.extend(self.post("/messages", message).await);
    }

    async fn change(&mut self, number: usize) {
        let Some(message) = self.sent.choose(&mut self.random) else {
            return;
        };
        let path = format!("/messages/{}", message["id"]);
        let answer = if self.random.random_bool(0.7) {
            let content = format!("{} means {number}", self.me.username());
            self.me.patch(&path, &json!({"content": content})).await
        } else {
            self.me.delete(&path).await
        };
        assert!(answer.status < 500, "{}", answer.json);
    }

    async fn read(&mut self) {
        let conversations = self.me.get("/conversations").await.ok();
        let Some(conversation) = conversations["items"]
            .as_array()
            .unwrap()
            .choose(&mut self.random)
        else {
            return;
        };
        let last = conversation["last_seq"].as_i64().unwrap();
        let seq = self.random.random_range(last / 2..=last);
        let path = format!("/conversations/{}/read", conversation["id"]);
        self.post(&path, json!({"seq": seq})).await;
    }

    async fn like(&mut self) {
        let post = Self::choose(&mut self.random, self.posts);
        self.post(&format!("/posts/{}/like", post["id"]), json!({}))
            .await;
    }

    /// Asks, accepts, rejects or ends it.
    async fn ask_to_be_friends(&mut self) {
        let other = self.others.choose(&mut self.random).unwrap().id();
        match self.random.random_range(0..4) {
            0 | 1 => drop(
                self.post(&format!("/friends/request/{other}"), json!({}))
                    .await,
            ),
            2 => drop(
                self.post(&format!("/friends/reject/{other}"), json!({}))
                    .await,
            ),
            _ => {
                let answer = self.me.delete(&format!("/friends/{other}")).await;
                assert!(answer.status < 500, "{}", answer.json);
            }
        }
    }

    async fn notice(&mut self) {
        let notifications = self.me.get("/notifications").await.ok();
        match notifications["items"]
            .as_array()
            .unwrap()
            .choose(&mut self.random)
        {
            Some(notification) if self.random.random_bool(0.7) => {
                self.post(
                    &format!("/notifications/{}/read", notification["id"]),
                    json!({}),
                )
                .await;
            }
            _ => drop(self.post("/notifications/read", json!({})).await),
        }
    }

    /// Only the founder may.
    async fn rename(&mut self, number: usize) {
        let group = Self::choose(&mut self.random, self.groups);
        let name = json!({"name": format!("Name {number}")});
        let answer = self
            .me
            .patch(&format!("/groups/{}", group["id"]), &name)
            .await;
        assert!(answer.status < 500, "{}", answer.json);
    }

    async fn come_or_go(&mut self) {
        let group = &Self::choose(&mut self.random, self.groups)["id"];
        let act = ["join", "leave"].choose(&mut self.random).unwrap();
        self.post(&format!("/groups/{group}/{act}"), json!({}))
            .await;
    }
}

/// Takes first screens, in turn, and goes on in other clients by pages of changes.
async fn look_on(people: &[Actor], polling: &mut [Client]) -> Vec<Client> {
    let mut screens = Vec::new();
    for turn in 0..LOOKS {
        let actor = &people[turn % people.len()];
        screens.push(Client::new(actor, State::fetch(actor).await));
        polling[turn % people.len()].sync_pages(3, 2).await;
    }
    screens
}

/// Each first screen with what was heard until the next one is the next one, to the last field, though everybody wrote all
/// the while. Says how often that could be compared: who had to ask knows more.
async fn lead_to_each_other(
    app: &TestApp,
    people: &[Actor],
    screens: &[Client],
    seed: u64,
) -> usize {
    let mut compared = 0;
    for actor in people {
        let own = screens
            .iter()
            .filter(|screen| screen.actor.id() == actor.id());
        let own: Vec<&Client> = own.collect();
        for (number, pair) in own.windows(2).enumerate() {
            let mut hears = Client::new(actor, pair[0].state.clone());
            hears.hear_until(app.app(), &pair[1].state, seed).await;
            if !hears.has_asked {
                compared += 1;
                let who = format!("{} from look {number} on", actor.username());
                hears.state.assert_is(&pair[1].state, &who);
            }
        }
    }
    tracing::info!(compared, looks = screens.len(), "compared");
    compared
}

#[tokio::test]
async fn whenever_somebody_looks_the_rest_of_the_stream_leads_to_the_same_end() {
    let app = TestApp::start().await;
    let seed: u64 = rand::random();
    tracing::info!(seed, "the dice");
    let mut people = Vec::new();
    for number in 0..PEOPLE {
        people.push(app.user(&format!("person_{number}")).await);
    }
    let (mut groups, mut posts) = (Vec::new(), Vec::new());
    for founder in &people[..2] {
        groups.push(
            founder
                .post("/groups", &json!({"name": "A group"}))
                .await
                .ok(),
        );
        posts.push(
            founder
                .post("/posts", &json!({"content": "hello"}))
                .await
                .ok(),
        );
    }
    for (number, actor) in people.iter().enumerate() {
        for group in &groups {
            actor
                .post(&format!("/groups/{}/join", group["id"]), &json!({}))
                .await;
        }
        for other in &people[..number] {
            let message = json!({"to": other.id(), "content": "hi"});
            actor.post("/messages", &message).await.ok();
        }
    }
    let mut polling = Vec::new();
    for actor in &people {
        polling.push(Client::new(actor, State::fetch(actor).await));
    }

    let others: Vec<Vec<Actor>> = people
        .iter()
        .map(|me| {
            people
                .iter()
                .filter(|other| other.id() != me.id())
                .cloned()
                .collect()
        })
        .collect();
    let enough = Cell::new(false);
    let mut players = FuturesUnordered::new();
    for (number, (me, others)) in people.iter().zip(&others).enumerate() {
        let player = Player {
            me,
            others,
            groups: &groups,
            posts: &posts,
            sent: Vec::new(),
            random: StdRng::seed_from_u64(seed.wrapping_add(number as u64)),
            enough: &enough,
        };
        players.push(player.play());
    }
    let play = async { while players.next().await.is_some() {} };
    let look = async {
        let screens = look_on(&people, &mut polling).await;
        enough.set(true);
        screens
    };
    let ((), screens) = tokio::join!(play, look);
    // Likes that met others are told by a job: only then is this the end.
    jobs::run_once(&mut TellLikes, app.app()).await;

    let ends = join_all(people.iter().map(State::fetch)).await;
    let end = |actor: &Actor| {
        let index = people.iter().position(|person| person.id() == actor.id());
        &ends[index.unwrap()]
    };
    assert!(lead_to_each_other(&app, &people, &screens, seed).await > 0);
    for (number, screen) in screens.into_iter().enumerate() {
        let actor = screen.actor.clone();
        let who = format!("look {number} by {}", actor.username());
        let mut polls = Client::new(&actor, screen.state.clone());
        polls.sync(7).await;
        polls
            .state
            .assert_is(end(&actor), &format!("{who}, changes"));
        polls.state.assert_messages(&actor).await;
        let mut hears = screen;
        hears.hear_until(app.app(), end(&actor), seed).await;
        hears.state.assert_is(end(&actor), &who);
        hears.state.assert_messages(&actor).await;
    }
    for mut client in polling {
        let actor = client.actor.clone();
        client.sync(3).await;
        client
            .state
            .assert_is(end(&actor), &format!("{} by polling", actor.username()));
        client.state.assert_messages(&actor).await;
    }
}
