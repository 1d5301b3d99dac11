//! The door: how many come in at once, from where. Nothing here knows who anybody is; that is looked at afterwards.

mod strangers;

use std::{
    net::IpAddr,
    sync::{Mutex, PoisonError},
    time::Duration,
};

use hyper::HeaderMap;
use shared::{
    address::{client_address, is_proxy},
    config::Network,
    ratelimit::Rate,
};
use tokio::time::Instant;

pub(crate) use strangers::{Stranger, TooMany};

use self::strangers::Strangers;
use crate::config::Config;

/// One node's door.
#[derive(Debug)]
pub(crate) struct Door {
    handshakes: Option<Bucket>,
    strangers: Strangers,
    proxies: Vec<Network>,
}

impl Door {
    pub(crate) fn new(config: &Config) -> Self {
        let rate = config.http.rate_limits.then_some(config.limits.handshakes);
        Self {
            handshakes: rate.map(Bucket::new),
            strangers: Strangers::new(config.limits.strangers_per_address),
            proxies: config.http.trusted_proxies.clone(),
        }
    }

    /// One more handshake, if this node has not had enough of them; else the time until it takes one.
    pub(crate) fn handshake(&self) -> Result<(), Duration> {
        let Some(bucket) = &self.handshakes else {
            return Ok(());
        };
        bucket.take(Instant::now())
    }

    /// Counts a connection of this peer until the guard is dropped. Proxies are not counted: those behind them are, once
    /// they are known ([`Door::behind`]).
    pub(crate) fn peer(&self, peer: IpAddr) -> Result<Option<Stranger>, TooMany> {
        if is_proxy(peer, &self.proxies) {
            return Ok(None);
        }
        self.strangers.enter(peer).map(Some)
    }

    /// Counts a connection of whom a trusted proxy forwards for.
    pub(crate) fn behind(
        &self,
        proxy: IpAddr,
        headers: &HeaderMap,
    ) -> Result<Option<Stranger>, TooMany> {
        if !is_proxy(proxy, &self.proxies) {
            return Ok(None);
        }
        self.peer(client_address(proxy, headers, &self.proxies))
    }
}

/// A token bucket of this node alone: handshakes cost this node.
#[derive(Debug)]
struct Bucket {
    rate: Rate,
    full_at: Mutex<Instant>,
}

impl Bucket {
    fn new(rate: Rate) -> Self {
        Self {
            rate,
            full_at: Mutex::new(Instant::now()),
        }
    }

    fn take(&self, now: Instant) -> Result<(), Duration> {
        let interval = self.rate.interval();
        let mut full_at = self.full_at.lock().unwrap_or_else(PoisonError::into_inner);
        let full_then = (*full_at).max(now) + interval;
        let wait = (full_then - now).saturating_sub(interval * self.rate.tokens());
        if !wait.is_zero() {
            return Err(wait);
        }
        *full_at = full_then;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bucket_lets_a_burst_through_and_then_its_rate() {
        let bucket = Bucket::new(Rate::new(3, 2));
        let start = Instant::now() + Duration::from_secs(1);
        let half_a_second = Duration::from_millis(500);
        for _ in 0..3 {
            assert_eq!(bucket.take(start), Ok(()));
        }
        assert_eq!(bucket.take(start), Err(half_a_second));
        assert_eq!(
            bucket.take(start),
            Err(half_a_second),
            "a refusal costs nothing"
        );
        assert_eq!(bucket.take(start + half_a_second), Ok(()));
        assert_eq!(bucket.take(start + half_a_second), Err(half_a_second));
        let later = start + Duration::from_mins(1);
        for _ in 0..3 {
            assert_eq!(bucket.take(later), Ok(()));
        }
        assert!(bucket.take(later).is_err(), "never more than it holds");
    }
}
