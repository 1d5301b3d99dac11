//! How keys and Pub/Sub channels are spelled in Redis.
//!
//! Everything about a channel carries the same hash tag `{p<k>}`, so that one script may touch it all in Redis Cluster,
//! and a batch of subscriptions of one partition stays in one slot. The spelling is stored in servers that outlive a
//! release: changing it is a migration.

use std::{fmt::Write, sync::Arc};

use crate::{
    connections::Name,
    ids::{EventId, UserId},
    wire::Channel,
};

/// The partitions that channels are spread over. Tags `p0` to `p2047` load six cluster nodes within 4 % of each other.
const PARTITIONS: u64 = 2048;

/// `{p2047}:`
const TAG_BYTES: usize = 8;

const STREAM: &str = "";
const HEAD: &str = "head:";
const TAIL: &str = "tail:";
const WAITING: &str = "waiting:";
const MIRRORS: &str = "mirrors:";

/// Spells names under an installation's prefix.
#[derive(Debug, Clone)]
pub(super) struct Names {
    prefix: Arc<str>,
}

impl Names {
    pub(super) fn new(prefix: &str) -> Self {
        Self {
            prefix: prefix.into(),
        }
    }

    /// The Pub/Sub channel.
    pub(super) fn stream(&self, channel: Channel) -> String {
        self.of(channel, STREAM)
    }

    /// What the scripts that write a channel's log touch, in their order: head, tail, waiting, stream, mirrors.
    pub(super) fn log(&self, channel: Channel) -> [String; 5] {
        let channel = channel.to_string();
        let tag = partition(&channel);
        [HEAD, TAIL, WAITING, STREAM, MIRRORS].map(|what| self.spell(tag, what, &channel))
    }

    /// `<epoch> <offset>` of the last event that went out.
    pub(super) fn head(&self, channel: Channel) -> String {
        self.of(channel, HEAD)
    }

    /// The list of the last records.
    pub(super) fn tail(&self, channel: Channel) -> String {
        self.of(channel, TAIL)
    }

    /// The hash of what is true of the channel's owner as of the head.
    pub(super) fn mirrors(&self, channel: Channel) -> String {
        self.of(channel, MIRRORS)
    }

    /// The hash of who of this person's partition is present, and on which nodes.
    pub(super) fn present(&self, user: UserId) -> String {
        let partition = partition(&Channel::User(user).to_string());
        format!("{}{{p{partition}}}:present", self.prefix)
    }

    /// The sorted set of nodes by the end of their leases.
    pub(super) fn nodes(&self) -> String {
        format!("{}{{nodes}}:leases", self.prefix)
    }

    /// The hash of how many connections each node holds.
    pub(super) fn loads(&self) -> String {
        format!("{}{{nodes}}:loads", self.prefix)
    }

    /// Where a node is reached by others.
    pub(super) fn address(&self, node: Name) -> String {
        format!("{}address:{node}", self.prefix)
    }

    /// The hash of the feature flags' rules and their version.
    pub(super) fn flags(&self) -> String {
        format!("{}{{flags}}:rules", self.prefix)
    }

    /// Which life of the presence in Redis this is.
    pub(super) fn life(&self) -> String {
        format!("{}{{nodes}}:life", self.prefix)
    }

    /// The set of who is present on a node.
    pub(super) fn people(&self, node: Name) -> String {
        format!("{}people:{node}", self.prefix)
    }

    /// The sorted set of a person's connections.
    pub(super) fn connections(&self, user: UserId) -> String {
        self.of(Channel::User(user), "connections:")
    }

    /// The list of lines about an event.
    pub(super) fn lines(&self, event: EventId) -> String {
        format!("{}lines:{event}", self.prefix)
    }

    pub(super) fn mark(&self, name: &str) -> String {
        format!("{}mark:{name}", self.prefix)
    }

    pub(super) fn claim(&self, name: &str) -> String {
        format!("{}claim:{name}", self.prefix)
    }

    /// What is left of a rate limit.
    pub(super) fn bucket(&self, name: &str) -> String {
        format!("{}bucket:{name}", self.prefix)
    }

    /// Pub/Sub channels that one subscriber alone listens to, to hear whether a connection is alive: one in each partition,
    /// so that there is one wherever channels are.
    pub(super) fn probes(&self, number: u64) -> impl Iterator<Item = String> {
        (0..PARTITIONS).map(move |k| format!("{}{{p{k}}}:probe:{number:016x}", self.prefix))
    }

    /// The channel whose Pub/Sub channel this is.
    pub(super) fn channel(&self, stream: &[u8]) -> Option<Channel> {
        let name = stream.strip_prefix(self.prefix.as_bytes())?;
        let name = std::str::from_utf8(name).ok()?.strip_prefix("{p")?;
        let (_, channel) = name.split_once("}:")?;
        channel.parse().ok()
    }

    fn of(&self, channel: Channel, what: &str) -> String {
        let channel = channel.to_string();
        self.spell(partition(&channel), what, &channel)
    }

    fn spell(&self, partition: u64, what: &str, channel: &str) -> String {
        // In one piece: names are spelled for every event and every handshake.
        let length = self.prefix.len() + TAG_BYTES + what.len() + channel.len();
        let mut name = String::with_capacity(length);
        write!(name, "{}{{p{partition}}}:{what}{channel}", self.prefix)
            .expect("texts take everything");
        name
    }
}

fn partition(channel: &str) -> u64 {
    fnv1a(channel.as_bytes()) % PARTITIONS
}

/// FNV-1a: the same on every machine and in every release, unlike the standard library's hashers.
fn fnv1a(bytes: &[u8]) -> u64 {
    bytes.iter().fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
        (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_spelling_is_a_contract_with_running_servers() {
        let names = Names::new("hubbub:");
        let user = Channel::User(UserId::new(7).unwrap());
        assert_eq!(names.stream(user), "hubbub:{p1821}:user:7");
        assert_eq!(names.head(user), "hubbub:{p1821}:head:user:7");
        let log = ["head:", "tail:", "waiting:", "", "mirrors:"];
        assert_eq!(
            names.log(user),
            log.map(|what| format!("hubbub:{{p1821}}:{what}user:7"))
        );
        assert_eq!(names.stream(Channel::Broadcast), "hubbub:{p84}:broadcast");
        assert_eq!(
            names.present(UserId::new(7).unwrap()),
            "hubbub:{p1821}:present"
        );
    }

    #[test]
    fn a_stream_s_name_leads_back_to_its_channel() {
        let names = Names::new("a{b:");
        for channel in [
            "user:7",
            "group:9007199254740991",
            "post:1",
            "node:00000000000000ff",
            "broadcast",
        ] {
            let channel = channel.parse().unwrap();
            let stream = names.stream(channel);
            assert_eq!(names.channel(stream.as_bytes()), Some(channel), "{stream}");
        }
        for foreign in ["", "a{b:", "user:7", "a{b:user:7", "a{b:{p1}:head:user:7"] {
            assert_eq!(names.channel(foreign.as_bytes()), None, "{foreign}");
        }
    }
}
