use std::sync::{Arc, Mutex};

use super::*;
use crate::{
    testing::{RedisServer, event, shared_redis},
    wire::{Channel, Epoch, Event, Offset, Position},
};

const LEASE: Duration = Duration::from_secs(10);

fn user(number: i64) -> UserId {
    UserId::new(number).unwrap()
}

fn come(number: i64) -> Attendance {
    Attendance {
        user_id: user(number),
        is_present: true,
    }
}

fn gone(number: i64) -> Attendance {
    Attendance {
        user_id: user(number),
        is_present: false,
    }
}

fn leases(renewal: Renewal) -> Leases {
    match renewal {
        Renewal::Kept(leases) | Renewal::New(leases) => leases,
        Renewal::Lost => panic!("lost"),
    }
}

/// A node with a lease.
struct Node {
    name: Name,
    presence: Presence,
    leases: Leases,
}

impl Node {
    async fn start(presence: &Presence, lease: Duration) -> Self {
        let name = Name::random();
        let renewal = presence.renew(name, lease, None).await.unwrap();
        assert!(matches!(renewal, Renewal::New(_)));
        Self {
            name,
            presence: presence.clone(),
            leases: leases(renewal),
        }
    }

    async fn renew(&mut self, lease: Duration) -> Renewal {
        let life = Some(self.leases.life());
        let renewal = self.presence.renew(self.name, lease, life).await.unwrap();
        if let Renewal::Kept(leases) | Renewal::New(leases) = &renewal {
            self.leases = leases.clone();
        }
        renewal
    }

    async fn attend(&mut self, attendances: &[Attendance]) -> Vec<Elsewhere> {
        self.renew(LEASE).await;
        let others = self.leases.known_besides(self.name);
        let node = (self.name, others.as_slice());
        self.presence.attend(node, attendances).await.unwrap()
    }
}

fn presence() -> Presence {
    Presence::new(Bus::new(&shared_redis()).unwrap())
}

#[tokio::test]
async fn the_last_to_leave_and_the_first_to_come_are_news() {
    use Elsewhere::{NotEvenHere, Nowhere, Somewhere};
    let presence = presence();
    let mut first = Node::start(&presence, LEASE).await;
    let mut second = Node::start(&presence, LEASE).await;
    assert_eq!(first.attend(&[come(1), come(2)]).await, [Nowhere, Nowhere]);
    assert_eq!(
        second.attend(&[come(1), come(3)]).await,
        [Somewhere, Nowhere]
    );
    assert_eq!(first.attend(&[come(1)]).await, [Somewhere], "told again");
    assert_eq!(
        first.attend(&[gone(1), gone(2)]).await,
        [Somewhere, Nowhere]
    );
    assert_eq!(
        first.attend(&[gone(1), gone(2)]).await,
        [Somewhere, NotEvenHere],
        "told again"
    );
    let nodes = presence.nodes(&[user(3), user(2), user(1)]).await.unwrap();
    assert_eq!(nodes, [vec![second.name], vec![], vec![second.name]]);
    assert_eq!(second.attend(&[gone(1)]).await, [Nowhere]);
}

#[tokio::test]
async fn a_node_without_a_lease_has_nobody_and_somebody_clears_up_after_it() {
    let presence = presence();
    let mut dead = Node::start(&presence, Duration::from_millis(1)).await;
    let mut living = Node::start(&presence, LEASE).await;
    let node = (dead.name, [living.name]);
    let people: Vec<Attendance> = (1..=700).map(come).collect();
    presence.attend((node.0, &node.1), &people).await.unwrap();
    living.attend(&[come(1)]).await;
    let ended: Vec<Name> = living.leases.ended().map(|(name, _)| name).collect();
    assert_eq!(ended, [dead.name]);
    assert_eq!(living.leases.living(), [living.name]);

    assert!(presence.claim(dead.name).await.unwrap());
    assert!(!presence.claim(dead.name).await.unwrap());
    let mut told = Vec::new();
    loop {
        let people = presence.people(dead.name).await.unwrap();
        if people.is_empty() {
            break;
        }
        let left: Vec<Attendance> = people.iter().map(|user| gone(user.get())).collect();
        let others = [living.name];
        let node = (dead.name, others.as_slice());
        let outcomes = presence.attend(node, &left).await.unwrap();
        let news = people.iter().zip(outcomes);
        told.extend(
            news.filter(|(_, outcome)| *outcome == Elsewhere::Nowhere)
                .map(|(user, _)| user.get()),
        );
    }
    told.sort_unstable();
    assert_eq!(told, (2..=700).collect::<Vec<_>>());
    living.renew(LEASE).await;
    assert_eq!(living.leases.ended().count(), 0);
    // It was only asleep: its name is used up.
    assert_eq!(dead.renew(LEASE).await, Renewal::Lost);
}

#[tokio::test]
async fn what_an_unknown_node_left_behind_is_swept_away() {
    let presence = presence();
    let mut node = Node::start(&presence, LEASE).await;
    let unknown = Name::random();
    let others = [node.name];
    let stray = (unknown, others.as_slice());
    presence.attend(stray, &[come(1)]).await.unwrap();
    assert_eq!(node.attend(&[come(1)]).await, [Elsewhere::Nowhere]);
    let nodes = presence.nodes(&[user(1)]).await.unwrap();
    assert_eq!(nodes, [[node.name]]);
}

#[tokio::test]
async fn after_a_loss_nothing_is_known_until_everybody_has_told() {
    let mut redis = RedisServer::start().await;
    let presence = Presence::new(Bus::new(&redis.settings()).unwrap());
    let unknown = presence.online(&[user(1)]).await;
    assert!(matches!(unknown, Err(PresenceUnknown::Settling)));
    let mut node = Node::start(&presence, LEASE).await;
    node.attend(&[come(1)]).await;
    let unknown = presence.online(&[user(1)]).await;
    assert!(matches!(unknown, Err(PresenceUnknown::Settling)));

    let before = node.leases.life();
    redis.restart_empty().await;
    assert!(matches!(node.renew(LEASE).await, Renewal::New(_)));
    assert_ne!(node.leases.life(), before);
    assert_eq!(presence.nodes(&[user(1)]).await.unwrap(), [[]]);
    redis.kill();
    let unknown = presence.online(&[user(1)]).await;
    assert!(matches!(unknown, Err(PresenceUnknown::Unavailable(_))));
}

#[test]
fn leases_settle_and_end_by_the_clock_of_redis() {
    let [first, second] = [(); 2].map(|()| Name::random());
    let words = [
        first.to_string(),
        "9000".into(),
        second.to_string(),
        "9001".into(),
    ];
    for (life, now_ms, is_settled, living) in [
        ("4001", 9000, false, vec![second]),
        ("4000", 9000, true, vec![second]),
        ("4000", 8999, false, vec![first, second]),
        ("9999", 9001, false, vec![]),
    ] {
        let leases = Leases::read(life, now_ms, &words).unwrap();
        assert_eq!(leases.are_settled(), is_settled, "{life} {now_ms}");
        assert_eq!(leases.living(), living, "{now_ms}");
    }
    assert_eq!(Leases::read("x", 1, &words), None);
    assert_eq!(Leases::read("1", 1, &words[..3]), None);
}

#[test]
fn what_is_seen_has_three_digits_of_milliseconds() {
    let view = PresenceView {
        user_id: user(3),
        online: false,
        last_seen: Some(Seen(1_500)),
    };
    assert_eq!(
        serde_json::to_string(&view).unwrap(),
        r#"{"user_id":3,"online":false,"last_seen":"1970-01-01T00:00:01.500Z"}"#
    );
}

/// Nobody who could be asked.
struct Silence;

impl ContactSource for Silence {
    fn contacts(&self, _: Vec<UserId>) -> ContactsFuture<'_> {
        Box::pin(async { Err(ContactsUnknown("asleep".to_owned())) })
    }
}

/// PostgreSQL, as far as contacts go: everybody knows the next one.
struct Truth {
    at: Mutex<Position>,
    invisible: Mutex<bool>,
    asked: Mutex<Vec<Vec<UserId>>>,
}

impl ContactSource for Truth {
    fn contacts(&self, people: Vec<UserId>) -> ContactsFuture<'_> {
        self.asked.lock().unwrap().push(people.clone());
        let (at, invisible) = (*self.at.lock().unwrap(), *self.invisible.lock().unwrap());
        let answers = people
            .iter()
            .filter(|one| one.get() < 1000)
            .map(|one| ContactsAt {
                user_id: *one,
                contacts: Contacts {
                    invisible,
                    people: vec![user(one.get() + 1)],
                },
                at,
            });
        let answers: Vec<ContactsAt> = answers.rev().collect();
        Box::pin(async move { Ok(answers) })
    }
}

#[tokio::test]
async fn contacts_are_asked_for_once_until_they_change() {
    let bus = Bus::new(&shared_redis()).unwrap();
    let at = |offset: Offset, epoch| Position { epoch, offset };
    let epoch = Epoch::random();
    let truth = Arc::new(Truth {
        at: Mutex::new(at(1, epoch)),
        invisible: Mutex::new(false),
        asked: Mutex::default(),
    });
    let mirror = ContactsMirror::new(bus.clone(), truth.clone());
    let append = async |number: i64, offset: Offset, control: bool| {
        let event = Event {
            control,
            ..event(Channel::User(user(number)), Some(at(offset, epoch)))
        };
        bus.append(&[event]).await.unwrap();
    };
    for number in [1, 2] {
        append(number, 1, false).await;
    }
    let people = [user(2), user(1), user(2), user(5000)];
    let read = async || {
        let read = mirror.read(&people).await.into_iter();
        let read = read.map(|contacts| {
            let contacts = contacts.expect("it is known");
            let people = contacts.people.iter().map(|one| one.get());
            (contacts.invisible, people.collect::<Vec<i64>>())
        });
        read.collect::<Vec<_>>()
    };
    let expected = vec![
        (false, vec![3]),
        (false, vec![2]),
        (false, vec![3]),
        (false, vec![]),
    ];
    assert_eq!(read().await, expected);
    assert_eq!(read().await, expected);
    // Who does not exist is not mirrored.
    let asked = vec![vec![user(1), user(2), user(5000)], vec![user(5000)]];
    assert_eq!(*truth.asked.lock().unwrap(), asked);

    // What is mirrored is known, whoever is away; what is not, is unknown and not nobody.
    let blind = ContactsMirror::new(bus.clone(), Arc::new(Silence));
    let known = blind.read(&people).await;
    let known: Vec<bool> = known.iter().map(Option::is_some).collect();
    assert_eq!(known, [true, true, true, false]);

    append(1, 2, true).await;
    *truth.at.lock().unwrap() = at(2, epoch);
    *truth.invisible.lock().unwrap() = true;
    assert_eq!(read().await[..2], [(false, vec![3]), (true, vec![2])]);
}
