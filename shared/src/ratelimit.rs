//! Rate limits that all pods share, and that hold for each pod alone while Redis is away.

use std::{
    collections::HashMap,
    fmt,
    str::FromStr,
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use tokio::time::{Instant, timeout};

use crate::bus::{Bus, BusError};

/// What a request waits for Redis at most before this pod decides alone.
const DECISION_TIME_MAX: Duration = Duration::from_millis(250);
/// After a failure Redis is not asked for this long, so that its absence costs one request the wait, not every one.
const AWAY: Duration = Duration::from_secs(1);
/// Buckets that a pod keeps while it decides alone; a full one needs no place.
const LOCAL_BUCKETS_MAX: usize = 16 << 10;

/// A token bucket's size and refill: `300+30/s` lets 300 through at once, and then 30 a second.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rate {
    tokens: u32,
    per_second: u32,
}

impl Rate {
    /// Both from 1 to 1,000,000; numbers outside are brought to the nearer end.
    pub fn new(tokens: u32, per_second: u32) -> Self {
        Self {
            tokens: tokens.clamp(1, Self::MAX),
            per_second: per_second.clamp(1, Self::MAX),
        }
    }

    /// One token in a microsecond is as fine as Redis tells the time.
    const MAX: u32 = 1_000_000;

    /// Tokens that a full bucket holds.
    pub fn tokens(self) -> u32 {
        self.tokens
    }

    /// The time in which one token comes back.
    pub fn interval(self) -> Duration {
        Duration::from_micros(u64::from(Self::MAX / self.per_second))
    }
}

impl FromStr for Rate {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let (tokens, rest) = text.split_once('+').ok_or("a rate is like 300+30/s")?;
        let per_second = rest.strip_suffix("/s").ok_or("a rate is like 300+30/s")?;
        let number = |text: &str| {
            let number = text.parse().ok();
            number
                .filter(|number| (1..=Self::MAX).contains(number))
                .ok_or("both numbers are from 1 to 1000000")
        };
        Ok(Self::new(number(tokens)?, number(per_second)?))
    }
}

impl fmt::Display for Rate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}+{}/s", self.tokens, self.per_second)
    }
}

/// The bucket is empty.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("too many requests")]
pub struct Limited {
    /// When there is a token again.
    pub retry_after: Duration,
}

/// Takes tokens from buckets by name.
#[derive(Debug)]
pub struct RateLimiter {
    bus: Bus,
    local: Mutex<Local>,
}

impl RateLimiter {
    /// With the buckets in that Redis.
    pub fn new(bus: Bus) -> Self {
        Self {
            bus,
            local: Mutex::default(),
        }
    }

    /// Takes a token from the bucket of that name, or says when there is one. Never waits for a token, and for Redis not
    /// longer than a quarter of a second.
    pub async fn take(&self, bucket: &str, rate: Rate) -> Result<(), Limited> {
        self.take_each(&[(bucket, rate)]).await
    }

    /// As [`RateLimiter::take`], a token from each of several buckets: for the price of one. Where one of them is empty, the
    /// others have lost theirs.
    pub async fn take_each(&self, buckets: &[(&str, Rate)]) -> Result<(), Limited> {
        if !self.local().is_redis_away() {
            let asked = self.bus.take_tokens(buckets);
            match timeout(DECISION_TIME_MAX, asked).await {
                Ok(Ok(None)) => return Ok(()),
                Ok(Ok(Some(retry_after))) => return Err(Limited { retry_after }),
                Ok(Err(error)) => self.decide_alone(&error),
                Err(_) => self.decide_alone(&BusError::Unavailable("no answer in time".to_owned())),
            }
        }
        let mut local = self.local();
        let mut taken = Ok(());
        for (bucket, rate) in buckets {
            taken = taken.and(local.take(bucket, *rate));
        }
        taken
    }

    fn decide_alone(&self, error: &BusError) {
        tracing::warn!(%error, "rate limits hold for this pod alone");
        self.local().redis_away_until = Some(Instant::now() + AWAY);
    }

    fn local(&self) -> MutexGuard<'_, Local> {
        self.local.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The buckets of one pod, while it decides alone.
#[derive(Debug, Default)]
struct Local {
    redis_away_until: Option<Instant>,
    /// When each bucket will be full again.
    full_at: HashMap<String, Instant>,
}

impl Local {
    fn is_redis_away(&self) -> bool {
        self.redis_away_until
            .is_some_and(|until| Instant::now() < until)
    }

    /// As `take.lua` does it.
    fn take(&mut self, bucket: &str, rate: Rate) -> Result<(), Limited> {
        let now = Instant::now();
        let full_at = self.full_at.get(bucket).copied().unwrap_or(now).max(now) + rate.interval();
        let wait = (full_at - now).saturating_sub(rate.interval() * rate.tokens());
        if !wait.is_zero() {
            return Err(Limited { retry_after: wait });
        }
        if self.full_at.len() >= LOCAL_BUCKETS_MAX {
            self.make_room(now);
        }
        self.full_at.insert(bucket.to_owned(), full_at);
        Ok(())
    }

    /// Forgets the buckets that are full; and all of them where that makes no room, because memory has a bound and these
    /// limits are the second best anyway.
    fn make_room(&mut self, now: Instant) {
        self.full_at.retain(|_, full_at| *full_at > now);
        if self.full_at.len() >= LOCAL_BUCKETS_MAX {
            self.full_at.clear();
        }
    }
}

#[cfg(test)]
mod tests {
    use futures_util::future::join_all;

    use super::*;
    use crate::{
        config::RedisSettings,
        testing::{RedisServer, shared_redis},
    };

    fn limiter(settings: &RedisSettings) -> RateLimiter {
        RateLimiter::new(Bus::new(settings).unwrap())
    }

    #[test]
    fn rates_are_read_as_they_are_written() {
        assert_eq!("300+30/s".parse(), Ok(Rate::new(300, 30)));
        assert_eq!(Rate::new(300, 30).to_string(), "300+30/s");
        for text in [
            "",
            "300",
            "300/s",
            "0+1/s",
            "1+0/s",
            "1+1000001/s",
            "-1+1/s",
            "1+1",
        ] {
            assert!(text.parse::<Rate>().is_err(), "{text}");
        }
    }

    #[tokio::test]
    async fn pods_share_a_bucket_and_do_not_get_one_token_more() {
        let settings = shared_redis();
        let pods = [limiter(&settings), limiter(&settings)];
        // One token comes back in a second: more time than this takes.
        let rate = Rate::new(20, 1);
        let asked = (0..60).map(|number: usize| pods[number % 2].take("ana", rate));
        let answers = join_all(asked).await;
        let taken = answers.iter().filter(|answer| answer.is_ok()).count();
        assert!((20..=22).contains(&taken), "{taken}");
        let refused = answers.iter().find_map(|answer| answer.err()).unwrap();
        assert!(refused.retry_after <= Duration::from_secs(1), "{refused:?}");
        assert_eq!(pods[0].take("bo", rate).await, Ok(()));
    }

    #[tokio::test]
    async fn of_several_buckets_each_loses_a_token_and_the_emptiest_decides() {
        let limiter = limiter(&shared_redis());
        let (few, many) = (("few", Rate::new(2, 1)), ("many", Rate::new(4, 1)));
        for _ in 0..2 {
            assert_eq!(limiter.take_each(&[many, few]).await, Ok(()));
        }
        assert!(limiter.take_each(&[many, few]).await.is_err());
        assert_eq!(limiter.take(many.0, many.1).await, Ok(()));
        assert!(limiter.take(many.0, many.1).await.is_err());
    }

    #[tokio::test]
    async fn tokens_come_back() {
        let limiter = limiter(&shared_redis());
        let rate = Rate::new(1, 1000);
        let deadline = Instant::now() + Duration::from_secs(10);
        let mut taken = 0;
        while taken < 3 {
            assert!(Instant::now() < deadline, "{taken}");
            match limiter.take("ana", rate).await {
                Ok(()) => taken += 1,
                Err(limited) => tokio::time::sleep(limited.retry_after).await,
            }
        }
    }

    #[tokio::test]
    async fn without_redis_each_pod_limits_by_itself() {
        let mut settings = shared_redis();
        settings.url = "redis://127.0.0.1:1".to_owned();
        let limiter = limiter(&settings);
        let rate = Rate::new(5, 1);
        for _ in 0..5 {
            assert_eq!(limiter.take("ana", rate).await, Ok(()));
        }
        assert!(limiter.take("ana", rate).await.is_err());
        assert_eq!(limiter.take("bo", rate).await, Ok(()));
    }

    #[tokio::test]
    async fn a_silent_redis_holds_up_one_request_and_not_every_one() {
        let server = RedisServer::start().await;
        let limiter = limiter(&server.settings());
        let rate = Rate::new(1000, 1);
        assert_eq!(limiter.take("ana", rate).await, Ok(()));
        server.pause();
        assert_eq!(limiter.take("ana", rate).await, Ok(()));
        assert!(limiter.local().redis_away_until.is_some());
        server.resume();
    }

    #[tokio::test]
    async fn the_table_of_a_pod_alone_stays_bounded() {
        let mut local = Local::default();
        let rate = Rate::new(5, 1);
        for number in 0..LOCAL_BUCKETS_MAX + 10 {
            assert_eq!(local.take(&number.to_string(), rate), Ok(()));
        }
        assert!(local.full_at.len() <= LOCAL_BUCKETS_MAX);
    }
}
