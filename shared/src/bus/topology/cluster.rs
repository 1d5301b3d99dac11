//! Redis Cluster: every server has its own view of who has which slot; the newest claim counts.

use std::{collections::HashMap, time::Duration};

use futures_util::future::join_all;
use redis::RedisError;
use tokio::time::timeout;

use super::{Layout, Server, connect, hashing::SLOTS};

/// Servers that are asked in one look.
const ASKED_MAX: usize = 8;

/// A master's claim on slots, as somebody sees it.
#[derive(Debug, PartialEq, Eq)]
struct Claim {
    host: String,
    port: u16,
    epoch: u64,
    /// From and to, both included.
    ranges: Vec<(u16, u16)>,
}

/// Asks several servers, and puts together what they say: one that was cut off cannot lead astray as long as another one
/// answers, since what it missed bears a higher epoch.
pub(super) async fn layout(
    seeds: &[Server],
    known: &Layout,
    wait: Duration,
) -> Result<Layout, RedisError> {
    let mut asked: Vec<&Server> = known.servers().iter().collect();
    asked.extend(seeds.iter().filter(|seed| !known.servers().contains(seed)));
    // Not always the same ones, where there are many.
    let start = rand::random_range(0..asked.len().max(1));
    asked.rotate_left(start);
    asked.truncate(ASKED_MAX);
    let answers = join_all(asked.iter().map(|server| claims(server, wait / 2))).await;
    let mut all = Vec::new();
    let mut last = None;
    for answer in answers {
        match answer {
            Ok(claims) => all.extend(claims),
            Err(error) => last = Some(error),
        }
    }
    match (all.is_empty(), last) {
        (true, Some(error)) => Err(error),
        _ => Ok(settle(&all, seeds)),
    }
}

fn settle(claims: &[Claim], seeds: &[Server]) -> Layout {
    let mut newest: HashMap<u16, (u64, usize)> = HashMap::new();
    for (index, claim) in claims.iter().enumerate() {
        for slot in claim.ranges.iter().flat_map(|(from, to)| *from..=*to) {
            let best = newest.entry(slot).or_insert((claim.epoch, index));
            if best.0 < claim.epoch {
                *best = (claim.epoch, index);
            }
        }
    }
    let mut layout = Layout::without_slots();
    let Some(pattern) = seeds.first() else {
        return layout;
    };
    // In the order of the slots, so that two looks at the same cluster are equal.
    for slot in 0..SLOTS {
        if let Some((_, index)) = newest.get(&slot) {
            let claim = &claims[*index];
            layout.give(slot, pattern.at(&claim.host, claim.port));
        }
    }
    layout
}

async fn claims(server: &Server, wait: Duration) -> Result<Vec<Claim>, RedisError> {
    let ask = async {
        let mut connection = connect(server, wait).await?;
        let mut question = redis::cmd("CLUSTER");
        let text: String = question.arg("NODES").query_async(&mut connection).await?;
        let (host, _, tls) = server.addr();
        Ok(text
            .lines()
            .filter_map(|line| claim(line, host, tls))
            .collect())
    };
    let asked = timeout(wait, ask).await;
    asked.map_err(|_| std::io::Error::from(std::io::ErrorKind::TimedOut))?
}

/// From a line of `CLUSTER NODES`; `None` for anything but a master with slots. A server that nobody has met yet does not
/// know its own address, which then is `asked`.
fn claim(line: &str, asked: &str, tls: bool) -> Option<Claim> {
    let words: Vec<&str> = line.split(' ').collect();
    let [_, addr, flags, _, _, _, epoch, _, slots @ ..] = words.as_slice() else {
        return None;
    };
    if !flags.split(',').any(|flag| flag == "master") || slots.is_empty() {
        return None;
    }
    let mut names = addr.split(',');
    let (ip, port) = names.next()?.split('@').next()?.rsplit_once(':')?;
    let hostname = names
        .next()
        .filter(|name| tls && !name.is_empty() && !name.contains('='));
    let ranges = slots.iter().filter(|slots| !slots.starts_with('['));
    let range = |slots: &&str| {
        let (from, to) = slots.split_once('-').unwrap_or((slots, slots));
        Some((from.parse().ok()?, to.parse().ok()?))
    };
    Some(Claim {
        host: hostname
            .unwrap_or(if ip.is_empty() { asked } else { ip })
            .to_owned(),
        port: port.parse().ok()?,
        epoch: epoch.parse().ok()?,
        ranges: ranges.map(range).collect::<Option<_>>()?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_read() {
        let line =
            "07c3 10.0.0.1:7000@17000,h,shard-id=1 myself,master - 0 0 9 connected 0-1 5 [93->-29]";
        let expected = |host: &str| Claim {
            host: host.into(),
            port: 7000,
            epoch: 9,
            ranges: vec![(0, 1), (5, 5)],
        };
        assert_eq!(claim(line, "x", true), Some(expected("h")));
        assert_eq!(claim(line, "x", false), Some(expected("10.0.0.1")));
        let unmet = "07c3 :7000@17000 myself,master - 0 0 9 connected 0-1 5";
        assert_eq!(claim(unmet, "x", false), Some(expected("x")));
        for other in [
            "",
            "07c3 h:7000@17000 slave 07 0 0 9 connected",
            "07c3 h:7000@17000 master - 0 0 9 connected",
            "07c3 h:7000@17000 master - 0 0 9 connected x-1",
        ] {
            assert_eq!(claim(other, "x", false), None, "{other}");
        }
    }

    #[test]
    fn the_newest_claim_counts() {
        let seed = Server::parse("redis://seed:1", None).unwrap();
        let claim = |port, epoch, ranges: &[(u16, u16)]| Claim {
            host: "h".into(),
            port,
            epoch,
            ranges: ranges.to_vec(),
        };
        let claims = vec![
            claim(1, 1, &[(0, 16_383)]),
            claim(2, 3, &[(12_739, 12_739)]),
        ];
        let layout = settle(&claims, &[seed]);
        let owner = |key: &[u8]| {
            layout.servers()[layout.owner(key).unwrap()]
                .name()
                .to_owned()
        };
        assert_eq!(owner(b"123456789"), "h:2");
        assert_eq!(owner(b"foo"), "h:1");
        assert_eq!(Layout::without_slots().owner(b"foo"), None);
    }
}
