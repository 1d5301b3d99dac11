//! Looks for new rules, and hands them on to the gateways.

use std::time::Duration;

use shared::flags::FLAGS_READ_EVERY;

use crate::app::{App, error::Error, jobs::Job};

pub(super) const FIND_VERSION: &str = "select version from flags_version";
/// One statement, so that the rules are those of the version.
pub(super) const READ_TABLE: &str = "
    select version, (select coalesce(jsonb_object_agg(name, rules), '{}') from flags) as rules
    from flags_version";

/// Every statement, for the test that prepares them.
pub const STATEMENTS: &[&str] = &[FIND_VERSION, READ_TABLE];

/// Every pod does it for itself: its own cache does not depend on Redis, and the first that finds Redis without the rules, or
/// with older ones, brings them.
#[derive(Debug, Default)]
pub(in crate::app) struct Follow;

impl Job for Follow {
    const NAME: &'static str = "flags";
    const EVERY: Duration = FLAGS_READ_EVERY;
    const EVERYWHERE: bool = true;

    async fn run(&mut self, app: &App) -> Result<(), Error> {
        // The connection is given back before Redis is asked.
        app.flags().read(&app.read().await?).await?;
        if let Some(table) = app.flags().book().table() {
            app.bus().keep_flags(&table).await?;
        }
        Ok(())
    }
}
