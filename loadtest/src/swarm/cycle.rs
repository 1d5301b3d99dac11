//! Coming, hearing one message, leaving, over and over.

use std::{
    io,
    sync::{Arc, atomic::Ordering},
};

use serde::{Deserialize, Serialize};
use tokio::task::JoinSet;

use super::{
    Tally,
    frames::Said,
    socket::{Door, Socket},
};
use crate::{
    gateway::{Audience, PeerKind, Publisher},
    stopwatch::now_us,
};

/// How it is done.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Cycling {
    /// How many are on their way at once, in each thread.
    pub(crate) at_once: usize,
    /// Where messages are published.
    pub(crate) redis_url: String,
    /// And how.
    pub(crate) peer: PeerKind,
}

/// Goes on until the process ends. The latency that is told is that of a whole cycle.
pub(super) async fn run(doors: Vec<Door>, cycling: &Cycling, tally: &Arc<Tally>) {
    let publisher = Publisher::connect(cycling.peer, &cycling.redis_url).await;
    let publisher = publisher.expect("Redis is there");
    let doors: Vec<(u64, Door)> = (1..).zip(doors).collect();
    let mut shares: Vec<Vec<Door>> = (0..cycling.at_once).map(|_| Vec::new()).collect();
    for (number, door) in doors {
        let share = usize::try_from(number).expect("few") % cycling.at_once;
        shares[share].push(door);
    }
    let mut walkers = JoinSet::new();
    for share in shares {
        let (tally, publisher) = (Arc::clone(tally), publisher.clone());
        tally
            .connected
            .fetch_add(u64::try_from(share.len()).expect("few"), Ordering::Relaxed);
        walkers.spawn(async move {
            for door in share.iter().cycle() {
                let begin_us = now_us();
                match once(door, &publisher).await {
                    Ok(()) => tally.heard(now_us() - begin_us),
                    Err(_) => drop(tally.closed.fetch_add(1, Ordering::Relaxed)),
                }
            }
        });
    }
    while walkers.join_next().await.is_some() {}
}

async fn once(door: &Door, publisher: &Publisher) -> io::Result<()> {
    let mut socket = door.enter().await?;
    let sent = publisher
        .publish(&[(Audience::Person(door.person()), now_us())])
        .await;
    sent.map_err(io::Error::other)?;
    hear_one(&mut socket).await?;
    socket.leave().await;
    Ok(())
}

async fn hear_one(socket: &mut Socket) -> io::Result<()> {
    let mut heard = false;
    while !heard {
        socket
            .read(|said| heard |= matches!(said, Said::Text(Some(_))))
            .await?;
    }
    Ok(())
}
