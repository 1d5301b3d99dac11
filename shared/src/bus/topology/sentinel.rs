//! Redis Sentinel: a few programs that agree who is the master.

use std::{io, time::Duration};

use redis::RedisError;
use tokio::time::timeout;

use super::{Layout, Server, connect};

/// Whom to ask, and for what.
pub(super) struct Sentinels {
    asked: Vec<Server>,
    master: String,
    /// How to log in to the master, at an address of no meaning.
    pattern: Server,
}

impl Sentinels {
    pub(super) fn new(sentinels: Vec<Server>, master: &str, pattern: Server) -> Self {
        Self {
            asked: sentinels,
            master: master.to_owned(),
            pattern,
        }
    }

    #[cfg(test)]
    pub(super) fn parts(&self) -> (&[Server], &str, &Server) {
        (&self.asked, &self.master, &self.pattern)
    }

    /// The master, according to the first sentinel that knows one which agrees to be it. A sentinel that was cut off names
    /// the old one, which may not have heard yet either: the next look finds the new one.
    pub(super) async fn layout(&self, wait: Duration) -> Result<Layout, RedisError> {
        let mut last = RedisError::from(io::Error::from(io::ErrorKind::NotFound));
        // Each gets its share of the time, so that one that is silent does not use up all.
        let share = wait / u32::try_from(self.asked.len() + 1).unwrap_or(1);
        for sentinel in &self.asked {
            let asked = timeout(share, self.ask(sentinel, share)).await;
            match asked {
                Ok(Ok(master)) => return Ok(Layout::hashed(vec![master])),
                Ok(Err(error)) => last = error,
                Err(_) => last = io::Error::from(io::ErrorKind::TimedOut).into(),
            }
        }
        Err(last)
    }

    async fn ask(&self, sentinel: &Server, wait: Duration) -> Result<Server, RedisError> {
        let mut connection = connect(sentinel, wait).await?;
        let mut question = redis::cmd("SENTINEL");
        question.arg("GET-MASTER-ADDR-BY-NAME").arg(&self.master);
        let (host, port): (String, u16) = question.query_async(&mut connection).await?;
        let master = self.pattern.at(&host, port);
        let mut connection = connect(&master, wait).await?;
        let role: Vec<redis::Value> = redis::cmd("ROLE").query_async(&mut connection).await?;
        let role: String = role
            .into_iter()
            .next()
            .map_or(Ok(String::new()), redis::from_redis_value)?;
        if role == "master" {
            Ok(master)
        } else {
            let reason = format!("{} is called the master and is a {role}", master.name());
            Err(io::Error::other(reason).into())
        }
    }
}
