//! How many connections somebody has, on all nodes together.
//!
//! Each person's connections are a sorted set in Redis, the oldest first. A connection that makes one too many is let in
//! all the same, and the oldest is told to go by a control event on the person's channel, which reaches it on whatever node
//! it is. Whoever is told to go is listed until it has gone: if the word was lost, the next connection sends it again.
//!
//! Nothing is renewed for each connection: **a node has one lease**, and what is listed under a node whose lease ran out
//! does not count. A node whose own lease was lost (it was cut off, or Redis was emptied) lists its connections again.
//!
//! This is a limit, not a truth that anything else rests on: while Redis is away it does not hold.

use std::{fmt, str::FromStr, time::Duration};

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

use crate::{
    bus::{Bus, BusError},
    ids::UserId,
    wire::{Channel, Class, Ephemeral, Event, kind},
};

/// How long a crashed node's connections count.
pub const LEASE: Duration = Duration::from_secs(30);
/// How long a person's set is kept. Nodes list anew well within it.
pub const KEPT: Duration = Duration::from_hours(3);
/// Connections beyond those allowed that are looked at, the oldest first: more than leftovers of many crashes.
const SURPLUS_MAX: usize = 1024;

/// A random name, different for every connection and every start of a node. On the wire 16 hexadecimal digits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Name(u64);

/// A text that is no [`Name`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("16 hexadecimal digits")]
pub struct InvalidName;

impl Name {
    /// A new one.
    pub fn random() -> Self {
        Self(rand::random())
    }
}

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:016x}", self.0)
    }
}

impl FromStr for Name {
    type Err = InvalidName;

    fn from_str(text: &str) -> Result<Self, InvalidName> {
        let is_hex = text.len() == 16 && text.bytes().all(|byte| byte.is_ascii_hexdigit());
        let number = is_hex.then(|| u64::from_str_radix(text, 16).ok());
        number.flatten().map(Self).ok_or(InvalidName)
    }
}

impl Serialize for Name {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Name {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = std::borrow::Cow::<str>::deserialize(deserializer)?;
        text.parse().map_err(de::Error::custom)
    }
}

/// A connection of somebody.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Connection {
    /// Whose it is.
    pub user_id: UserId,
    /// Its name.
    pub name: Name,
    /// Since when, in milliseconds since the Unix epoch.
    pub opened_at_ms: i64,
}

/// A connection as it is listed: `<node>:<connection>`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Listed {
    pub(crate) node: Name,
    pub(crate) connection: Name,
}

impl fmt::Display for Listed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.node, self.connection)
    }
}

impl FromStr for Listed {
    type Err = InvalidName;

    fn from_str(text: &str) -> Result<Self, InvalidName> {
        let (node, connection) = text.split_once(':').ok_or(InvalidName)?;
        Ok(Self {
            node: node.parse()?,
            connection: connection.parse()?,
        })
    }
}

/// Data of [`kind::DISCONNECT`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Disconnect {
    /// The connection that shall go; all of the person's, where none is named.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub connection_id: Option<Name>,
}

/// Data of [`kind::CONNECTION_REPLACED`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Replaced {
    /// The connection that shall go.
    pub connection_id: Name,
}

/// A connection that is open on some node, for whoever asks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OpenConnection {
    /// Its name.
    pub name: Name,
    /// What its node is called.
    pub node: String,
    /// Since when, in milliseconds since the Unix epoch.
    pub opened_at_ms: i64,
}

/// Somebody's connections on all nodes, the oldest first; what nodes left behind that live no more is not among them. Not
/// more than a thousand.
pub async fn open_connections(bus: &Bus, user: UserId) -> Result<Vec<OpenConnection>, BusError> {
    let listed = bus.listed_connections(user, SURPLUS_MAX).await?;
    let mut nodes: Vec<Name> = listed.iter().map(|(listed, _)| listed.node).collect();
    nodes.sort_unstable();
    nodes.dedup();
    let leases: Vec<String> = nodes.iter().map(|node| lease(*node)).collect();
    let names = bus.mark_texts(&leases).await?;
    let open = listed.into_iter().filter_map(|(listed, opened_at_ms)| {
        let place = nodes.binary_search(&listed.node).ok()?;
        let node = names.get(place)?.clone()?;
        Some(OpenConnection {
            name: listed.connection,
            node,
            opened_at_ms,
        })
    });
    Ok(open.collect())
}

/// The lists, as one node writes them.
#[derive(Debug)]
pub struct Connections {
    bus: Bus,
    node: Name,
    node_name: String,
    per_user_max: usize,
}

impl Connections {
    /// For one run of a node; `per_user_max` connections of a person may be open at once.
    pub fn new(bus: Bus, per_user_max: usize) -> Self {
        Self {
            bus,
            node: Name::random(),
            node_name: "unnamed".to_owned(),
            per_user_max,
        }
    }

    /// What whoever looks at the lists knows the node by.
    #[must_use]
    pub fn called(mut self, node_name: &str) -> Self {
        node_name.clone_into(&mut self.node_name);
        self
    }

    /// Renews this node's lease. `false`: it had lapsed, so that others no longer count what is listed here, or the lists
    /// are gone; [`Connections::list`] them again.
    pub async fn renew(&self) -> Result<bool, BusError> {
        let lease = [lease(self.node)];
        let stood = self.bus.marks(&lease).await? == [true];
        let lease = [(lease[0].clone(), self.node_name.clone())];
        self.bus.set_mark_texts(&lease, LEASE).await?;
        Ok(stood)
    }

    /// Lists new connections, and tells the oldest to go where that makes too many. Returns how many were told.
    pub async fn enter(&self, new: &[Connection]) -> Result<usize, BusError> {
        let bounds = (
            self.per_user_max,
            self.per_user_max.saturating_add(SURPLUS_MAX),
        );
        let new: Vec<_> = new.iter().map(|new| (*new, self.listed(new))).collect();
        let answers = self.bus.enter(&new, bounds).await?;
        let mut told = 0;
        for ((connection, newcomer), listed) in new.iter().zip(answers) {
            if listed.len() > self.per_user_max {
                told += self.send_off(connection, *newcomer, listed).await?;
            }
        }
        Ok(told)
    }

    /// Tells the oldest of so many to go.
    async fn send_off(
        &self,
        connection: &Connection,
        newcomer: Listed,
        listed: Vec<Listed>,
    ) -> Result<usize, BusError> {
        let alive = self.without_leftovers(connection.user_id, listed).await?;
        let leaving = who_goes(&alive, newcomer, self.per_user_max);
        let farewells = leaving.map(|oldest| replaced(connection, oldest));
        let farewells: Vec<Event> = farewells.collect();
        self.bus.publish(&farewells).await?;
        Ok(farewells.len())
    }

    /// Lists connections again that are open here.
    pub async fn list(&self, open: &[Connection]) -> Result<(), BusError> {
        let listed = open.iter().map(|open| (*open, self.listed(open)));
        self.bus.list_connections(listed).await
    }

    /// Takes connections that have gone from the lists.
    pub async fn leave(&self, gone: &[Connection]) -> Result<(), BusError> {
        let listed = gone.iter().map(|gone| (gone.user_id, self.listed(gone)));
        self.bus.unlist_connections(listed).await
    }

    /// Forgets what nodes have left behind that live no more.
    async fn without_leftovers(
        &self,
        user: UserId,
        listed: Vec<Listed>,
    ) -> Result<Vec<Listed>, BusError> {
        let mut nodes: Vec<Name> = listed.iter().map(|listed| listed.node).collect();
        nodes.sort_unstable();
        nodes.dedup();
        nodes.retain(|node| *node != self.node);
        let leases: Vec<String> = nodes.iter().map(|node| lease(*node)).collect();
        let stand = self.bus.marks(&leases).await?;
        let dead = nodes.iter().zip(stand).filter(|(_, stands)| !stands);
        let dead: Vec<Name> = dead.map(|(node, _)| *node).collect();
        let (leftovers, alive): (Vec<Listed>, _) = listed
            .into_iter()
            .partition(|listed| dead.contains(&listed.node));
        let leftovers = leftovers.into_iter().map(|leftover| (user, leftover));
        self.bus.unlist_connections(leftovers).await?;
        Ok(alive)
    }

    fn listed(&self, connection: &Connection) -> Listed {
        Listed {
            node: self.node,
            connection: connection.name,
        }
    }
}

/// The oldest, as many as are too many. Whatever the clocks of the nodes say, nobody is evicted by coming in.
fn who_goes(alive: &[Listed], newcomer: Listed, most: usize) -> impl Iterator<Item = Listed> {
    let too_many = alive.len().saturating_sub(most);
    let others = alive.iter().filter(move |listed| **listed != newcomer);
    others.copied().take(too_many)
}

fn lease(node: Name) -> String {
    format!("node:{node}")
}

fn replaced(newcomer: &Connection, oldest: Listed) -> Event {
    let replaced = Ephemeral {
        channel: Channel::User(newcomer.user_id),
        kind: kind::CONNECTION_REPLACED,
        class: Class::Chatter,
        key: None,
        control: true,
        from: None,
        to: Some(newcomer.user_id),
        group: None,
        data: &Replaced {
            connection_id: oldest.connection,
        },
    };
    let event = replaced.at(newcomer.opened_at_ms);
    event.expect("numbers and texts always serialise")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::shared_redis;

    fn connection(opened_at_ms: i64) -> Connection {
        Connection {
            user_id: UserId::new(1).unwrap(),
            name: Name::random(),
            opened_at_ms,
        }
    }

    fn nodes<const COUNT: usize>() -> [Connections; COUNT] {
        let settings = shared_redis();
        [(); COUNT].map(|()| Connections::new(Bus::new(&settings).unwrap(), 2))
    }

    #[test]
    fn names_have_one_spelling() {
        let name = Name::random();
        assert_eq!(name.to_string().parse(), Ok(name));
        for text in [
            "",
            "1",
            "+000000000000001",
            "00000000000000001",
            "000000000000000g",
        ] {
            assert_eq!(text.parse::<Name>(), Err(InvalidName), "{text}");
        }
    }

    #[tokio::test]
    async fn all_nodes_count_together() {
        let [first, second] = nodes();
        for node in [&first, &second] {
            assert!(!node.renew().await.unwrap(), "it is new");
            assert!(node.renew().await.unwrap());
        }
        assert_eq!(first.enter(&[connection(1)]).await.unwrap(), 0);
        assert_eq!(second.enter(&[connection(2)]).await.unwrap(), 0);
        let third = connection(3);
        assert_eq!(second.enter(&[third]).await.unwrap(), 1);
        // The one that was told has not gone yet.
        assert_eq!(first.enter(&[connection(4)]).await.unwrap(), 2);
        let mut other = connection(5);
        other.user_id = UserId::new(2).unwrap();
        assert_eq!(first.enter(&[other]).await.unwrap(), 0);
    }

    #[tokio::test]
    async fn who_has_left_makes_room() {
        let [node] = nodes();
        let (first, second) = (connection(1), connection(2));
        for open in [&first, &second] {
            assert_eq!(node.enter(&[*open]).await.unwrap(), 0);
        }
        node.leave(&[first]).await.unwrap();
        assert_eq!(node.enter(&[connection(3)]).await.unwrap(), 0);
    }

    #[tokio::test]
    async fn what_a_crashed_node_left_behind_does_not_count() {
        let [crashed, node] = nodes();
        // Its lease has run out: it never renewed.
        for opened_at_ms in 1..=2 {
            crashed.enter(&[connection(opened_at_ms)]).await.unwrap();
        }
        assert_eq!(node.enter(&[connection(3)]).await.unwrap(), 0);
        assert_eq!(node.enter(&[connection(4)]).await.unwrap(), 0);
        assert_eq!(node.enter(&[connection(5)]).await.unwrap(), 1);
    }

    #[tokio::test]
    async fn who_asks_is_told_what_is_open_on_nodes_that_live() {
        let [crashed, first, second] = nodes();
        crashed.enter(&[connection(1)]).await.unwrap();
        let second = second.called("gateway-2");
        for node in [&first, &second] {
            node.renew().await.unwrap();
        }
        let (old, new) = (connection(2), connection(3));
        second.enter(&[new]).await.unwrap();
        first.enter(&[old]).await.unwrap();
        let open = open_connections(&first.bus, old.user_id).await.unwrap();
        let open: Vec<_> = open.iter().map(|o| (o.name, &*o.node)).collect();
        assert_eq!(open, [(old.name, "unnamed"), (new.name, "gateway-2")]);
    }

    #[tokio::test]
    async fn what_was_forgotten_is_listed_again() {
        let [node, other] = nodes();
        let open = [connection(1), connection(2)];
        node.renew().await.unwrap();
        node.list(&open).await.unwrap();
        assert_eq!(other.enter(&[connection(3)]).await.unwrap(), 1);
    }

    #[test]
    fn the_oldest_go_and_never_who_comes_in() {
        let node = Name::random();
        let [first, second, third] = [(); 3].map(|()| Listed {
            node,
            connection: Name::random(),
        });
        let listed = [first, second, third];
        for (newcomer, most, expected) in [
            (third, 3, vec![]),
            (third, 2, vec![first]),
            (third, 1, vec![first, second]),
            // Its node's clock is behind.
            (first, 2, vec![second]),
        ] {
            let leaving: Vec<Listed> = who_goes(&listed, newcomer, most).collect();
            assert_eq!(leaving, expected, "{most}");
        }
    }
}
