use std::sync::Mutex;

use super::*;
use crate::{
    testing::{event, shared_redis},
    wire::{Channel, Epoch, Event},
};

/// PostgreSQL, as far as one person's memberships go.
struct Truth {
    now: Mutex<Option<MembershipsAt>>,
    asked: Mutex<u32>,
}

impl MembershipSource for Truth {
    fn memberships(&self, _: UserId) -> MembershipsFuture<'_> {
        *self.asked.lock().unwrap() += 1;
        let now = self.now.lock().unwrap().clone();
        Box::pin(async move { now.ok_or_else(|| MembershipsUnknown("asleep".to_owned())) })
    }
}

struct World {
    bus: Bus,
    truth: Arc<Truth>,
    mirror: MembershipMirror,
    user: UserId,
    epoch: Epoch,
}

impl World {
    fn new() -> Self {
        let bus = Bus::new(&shared_redis()).unwrap();
        let truth = Arc::new(Truth {
            now: Mutex::new(None),
            asked: Mutex::new(0),
        });
        Self {
            mirror: MembershipMirror::new(bus.clone(), truth.clone()),
            bus,
            truth,
            user: UserId::new(7).unwrap(),
            epoch: Epoch::random(),
        }
    }

    fn at(&self, offset: Offset) -> Position {
        Position {
            epoch: self.epoch,
            offset,
        }
    }

    fn is_true(&self, offset: Offset, version: i64, groups: &[i64]) {
        let groups = groups.iter().map(|group| GroupId::new(*group).unwrap());
        *self.truth.now.lock().unwrap() = Some(MembershipsAt {
            memberships: Memberships {
                version,
                groups: groups.collect(),
            },
            at: self.at(offset),
        });
    }

    fn event(&self, offset: Offset, control: bool) -> Event {
        Event {
            control,
            ..event(Channel::User(self.user), Some(self.at(offset)))
        }
    }

    async fn append(&self, offset: Offset, control: bool) {
        let event = self.event(offset, control);
        self.bus.append(&[event]).await.unwrap();
    }

    /// The groups as of this offset or later, and how often PostgreSQL was asked until then.
    async fn read(&self, since: Offset) -> (Vec<i64>, u32) {
        let read = self.mirror.read(self.user, self.at(since)).await.unwrap();
        let groups = read.groups.into_iter().map(GroupId::get).collect();
        (groups, *self.truth.asked.lock().unwrap())
    }
}

#[tokio::test]
async fn what_was_read_is_kept_until_a_membership_changes() {
    let world = World::new();
    world.append(1, false).await;
    world.is_true(1, 1, &[3, 5]);
    assert_eq!(world.read(1).await, (vec![3, 5], 1));
    assert_eq!(world.read(1).await, (vec![3, 5], 1));
    world.append(2, false).await;
    assert_eq!(
        world.read(2).await,
        (vec![3, 5], 1),
        "a message changes nothing"
    );

    world.append(3, true).await;
    world.is_true(3, 2, &[]);
    assert_eq!(world.read(3).await, (vec![], 2));
    assert_eq!(
        world.read(3).await,
        (vec![], 2),
        "in no group is something known"
    );
}

#[tokio::test]
async fn a_change_that_comes_while_it_is_read_is_not_covered_up() {
    let world = World::new();
    world.append(1, false).await;
    world.is_true(1, 1, &[3]);
    // Read before the change, kept after it.
    world.append(2, true).await;
    assert_eq!(
        world.read(1).await,
        (vec![3], 1),
        "the event that follows takes it away"
    );
    world.is_true(2, 2, &[]);
    assert_eq!(world.read(2).await, (vec![], 2));

    // A change whose predecessor is late waits in Redis; it counts when it goes out.
    world.append(4, true).await;
    assert_eq!(world.read(2).await, (vec![], 2));
    world.append(3, false).await;
    world.is_true(4, 3, &[9]);
    assert_eq!(world.read(4).await, (vec![9], 3));
}

#[tokio::test]
async fn a_mirror_that_is_behind_the_stream_is_not_believed() {
    let world = World::new();
    world.append(1, false).await;
    world.is_true(1, 1, &[3]);
    world.read(1).await;
    // The log is at 2, where the stream starts; Redis has not heard of it.
    world.is_true(2, 2, &[3, 4]);
    assert_eq!(world.read(2).await, (vec![3, 4], 2));
    assert_eq!(
        world.read(2).await,
        (vec![3, 4], 3),
        "not kept before its time"
    );
}

#[tokio::test]
async fn without_a_head_or_in_another_life_of_the_log_it_counts_for_nothing() {
    let world = World::new();
    world.append(1, false).await;
    world.is_true(1, 1, &[3]);
    world.read(1).await;
    let anew = World {
        epoch: Epoch::random(),
        ..world
    };
    anew.is_true(1, 1, &[8]);
    assert_eq!(anew.read(1).await, (vec![8], 2));
    anew.append(5, false).await;
    anew.is_true(5, 1, &[8]);
    assert_eq!(anew.read(5).await, (vec![8], 3));
    assert_eq!(anew.read(5).await, (vec![8], 3));
}

#[tokio::test]
async fn not_known_is_not_empty() {
    let world = World::new();
    world.append(1, false).await;
    let read = world.mirror.read(world.user, world.at(1)).await;
    assert_eq!(read, Err(MembershipsUnknown("asleep".to_owned())));
}
