//! Deletes what features have no use for any more.

use std::time::Duration;

use super::{App, error::Error, jobs::Job};

/// Runs the features' clean-up statements.
pub(in crate::app) struct Housekeeping {
    statements: Vec<&'static str>,
}

impl Housekeeping {
    pub(in crate::app) fn new(statements: Vec<&'static str>) -> Self {
        Self { statements }
    }
}

impl Job for Housekeeping {
    const NAME: &'static str = "housekeeping";
    const EVERY: Duration = Duration::from_mins(10);

    async fn run(&mut self, app: &App) -> Result<(), Error> {
        let now = app.now().0;
        for statement in &self.statements {
            app.read().await?.execute(statement, &[&now]).await?;
        }
        Ok(())
    }
}
