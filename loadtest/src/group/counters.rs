//! What the stores have done so far, as they count it themselves.

use redis::aio::MultiplexedConnection;
use tokio_postgres::{Client, NoTls};

use crate::Failure;

const COUNT: &str = "
select
    (select count(*) from messages) as messages,
    (select count(*) from event_log) as log_rows,
    (select count(*) from notifications) as notifications,
    (
        select count(distinct written.xmin::text)
        from (
            select xmin from messages
            union all select xmin from event_log where kind = 'group_message'
        ) written
    ) as transactions,
    (select xact_commit from pg_stat_database where datname = current_database()) as commits";

/// Counts, or differences of two.
#[derive(Debug, Clone, Copy)]
pub(super) struct Counts {
    pub(super) messages: i64,
    /// All rows of the log, whatever they tell.
    pub(super) log_rows: i64,
    pub(super) notifications: i64,
    /// Transactions that wrote a message or its row of the log.
    pub(super) transactions: i64,
    /// Everything that PostgreSQL committed: jobs and readings too.
    pub(super) commits: i64,
    /// Everything that Redis published.
    pub(super) publishes: i64,
}

impl Counts {
    pub(super) const fn since(&self, before: &Self) -> Self {
        Self {
            messages: self.messages - before.messages,
            log_rows: self.log_rows - before.log_rows,
            notifications: self.notifications - before.notifications,
            transactions: self.transactions - before.transactions,
            commits: self.commits - before.commits,
            publishes: self.publishes - before.publishes,
        }
    }
}

/// Asks both stores.
pub(super) struct Counters {
    postgres: Client,
    redis: MultiplexedConnection,
}

impl Counters {
    pub(super) async fn connect(database_url: &str, redis_url: &str) -> Result<Self, Failure> {
        let (postgres, connection) = tokio_postgres::connect(database_url, NoTls).await?;
        tokio::spawn(connection);
        let redis = redis::Client::open(redis_url)?;
        let redis = redis.get_multiplexed_async_connection().await?;
        Ok(Self { postgres, redis })
    }

    pub(super) async fn read(&mut self) -> Result<Counts, Failure> {
        let row = self.postgres.query_one(COUNT, &[]).await?;
        let said: String = redis::cmd("INFO")
            .arg("commandstats")
            .query_async(&mut self.redis)
            .await?;
        Ok(Counts {
            messages: row.try_get("messages")?,
            log_rows: row.try_get("log_rows")?,
            notifications: row.try_get("notifications")?,
            transactions: row.try_get("transactions")?,
            commits: row.try_get("commits")?,
            publishes: calls(&said, "publish") + calls(&said, "spublish"),
        })
    }
}

/// How often a command was called, by clients and scripts.
fn calls(commandstats: &str, command: &str) -> i64 {
    let name = format!("cmdstat_{command}:calls=");
    let rest = commandstats
        .lines()
        .find_map(|line| line.strip_prefix(&*name));
    let number = rest.and_then(|rest| rest.split(',').next()?.parse().ok());
    number.unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn calls_are_read_by_the_whole_name() {
        let said = "# Commandstats\r\ncmdstat_spublish:calls=3,usec=1\r\ncmdstat_publish:calls=17,usec=2,x=0\r\n";
        for (command, expected) in [("publish", 17), ("spublish", 3), ("pub", 0), ("get", 0)] {
            assert_eq!(calls(said, command), expected, "{command}");
        }
    }
}
