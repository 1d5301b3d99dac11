//! The relay: an auditor of the log. Publishes what was committed and did not reach Redis.
//!
//! It costs the writers nothing: nobody notes what was published. Instead each pass asks which channels grew between two
//! snapshots of the database, and compares them with Redis. The upper snapshot is always a pass old, so that the pods
//! have had a second to publish by themselves. docs/decisions/0002-event-log-audit.md has the reasons.

use std::time::Duration;

use shared::{
    bus::Appended,
    wire::{Channel, Event, Offset, Position},
};

use super::{
    EventLog,
    publish::{By, Outlet},
    queries::{self, Growth, Outbox},
    read::PAGE_EVENTS_MAX,
};
use crate::app::{App, error::Error, jobs::Job};

/// Channels that are compared with Redis at once.
const PAGE_CHANNELS: i64 = 1000;

/// One pod's relay. Only the holder of the lease works.
pub(in crate::app) struct Relay {
    outlet: Outlet,
    /// Where the next pass looks up to: taken by the last one.
    until: Option<String>,
}

impl Relay {
    pub(in crate::app) fn new(outlet: Outlet) -> Self {
        Self {
            outlet,
            until: None,
        }
    }
}

impl Job for Relay {
    const NAME: &'static str = "event_relay";
    const EVERY: Duration = Duration::from_secs(1);

    async fn run(&mut self, app: &App) -> Result<(), Error> {
        match self.pass(app).await {
            Ok(Repair {
                found,
                repaired: true,
            }) => {
                app.metrics().outbox_depth.set(found);
                app.metrics().outbox_oldest_age_seconds.set(0);
                Ok(())
            }
            // What could not be brought into place still waits.
            Ok(_) => observe_outbox(app).await,
            Err(error) => {
                observe_outbox(app).await?;
                Err(error)
            }
        }
    }

    fn on_lease_lost(&mut self) {
        self.until = None;
        // Another pod tells now; what this one saw last is not to stand beside it.
        let metrics = &self.outlet.metrics;
        metrics.outbox_depth.set(0);
        metrics.outbox_oldest_age_seconds.set(0);
    }
}

impl Relay {
    /// Looks up to where the last pass was, and notes where this one is. After a failure the next pass looks there again.
    async fn pass(&mut self, app: &App) -> Result<Repair, Error> {
        app.bus().ping().await?;
        let repair = match &self.until {
            Some(until) => self.audit(app, until).await?,
            None => Repair::default(),
        };
        self.until = Some(app.read().await?.query_one(queries::SNAPSHOT, &[]).await?);
        Ok(repair)
    }

    /// Publishes what is missing up to `until`, then moves the cursor there. If something could not be brought into
    /// place, the cursor stays and the next pass looks at it again.
    async fn audit(&self, app: &App, until: &str) -> Result<Repair, Error> {
        let since: String = app.read().await?.query_one(queries::CURSOR, &[]).await?;
        let (mut repair, mut page_after) = (Repair::default(), String::new());
        loop {
            let growths: Vec<Growth> = app
                .read()
                .await?
                .query(
                    queries::AUDIT,
                    &[&since, &until, &page_after, &PAGE_CHANNELS],
                )
                .await?;
            let Some(last) = growths.last() else { break };
            page_after = last.channel.to_string();
            let channels: Vec<Channel> = growths.iter().map(|growth| growth.channel).collect();
            let heads = app.bus().heads(&channels).await?;
            for (growth, head) in growths.iter().zip(heads) {
                let missing = self.repair(app, growth, head).await?;
                repair.found += missing.found;
                repair.repaired &= missing.repaired;
            }
        }
        if repair.repaired {
            let owner = app.node_name();
            let connection = app.read().await?;
            connection
                .execute(queries::MOVE_CURSOR, &[&until, &Self::NAME, &owner])
                .await?;
        }
        Ok(repair)
    }

    /// Publishes what Redis lacks of a channel's growth, in order, page by page.
    async fn repair(
        &self,
        app: &App,
        growth: &Growth,
        head: Option<Position>,
    ) -> Result<Repair, Error> {
        let log = EventLog::new(app);
        let mut repair = Repair::default();
        let mut after = published_through(growth, head);
        while after < growth.last {
            let mut page = log
                .read_through(growth.channel, after, growth.last, PAGE_EVENTS_MAX)
                .await?;
            let Some(last) = page.events.last().and_then(Event::offset) else {
                // Cut off by the retention: whoever misses it is told so when it asks the log.
                break;
            };
            after = last;
            repair.found += i64::try_from(page.events.len()).unwrap_or(i64::MAX);
            let appended = self.outlet.append(&mut page.events, By::Relay).await?;
            repair.repaired &= appended
                .iter()
                .all(|appended| matches!(appended, Appended::Published | Appended::Repeat));
        }
        if repair.found > 0 {
            tracing::info!(channel = %growth.channel, events = repair.found, "relayed");
        }
        Ok(repair)
    }
}

/// What was wrong with a channel, or with all of them.
struct Repair {
    found: i64,
    repaired: bool,
}

impl Default for Repair {
    fn default() -> Self {
        Self {
            found: 0,
            repaired: true,
        }
    }
}

/// The last offset that Redis surely has. A Redis that knows nothing may have published and forgotten: then everything
/// since the cursor goes out again, which is harmless.
fn published_through(growth: &Growth, head: Option<Position>) -> Offset {
    match head {
        Some(head) if head.epoch == growth.first.epoch => head.offset,
        _ => growth.first.offset - 1,
    }
}

/// While Redis takes nothing the outbox grows.
async fn observe_outbox(app: &App) -> Result<(), Error> {
    let outbox: Outbox = app.read().await?.query_one(queries::OUTBOX, &[]).await?;
    let now_ms = app.clock().now_ms();
    let age_ms = outbox
        .oldest_committed_at_ms
        .map_or(0, |oldest| now_ms - oldest);
    app.metrics().outbox_depth.set(outbox.depth);
    app.metrics().outbox_oldest_age_seconds.set(age_ms / 1000);
    Ok(())
}
