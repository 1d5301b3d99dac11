//! Lines about events; what they mean is said in [`crate::ledger`].

use std::time::Duration;

use redis::Pipeline;

use super::{Bus, BusError, commands::PIPELINE_COMMANDS_MAX, scripts};
use crate::ids::EventId;

impl Bus {
    /// Adds lines, each under its event; the first `most` of an event are kept, for `kept` after the last.
    pub(crate) async fn write_lines(
        &self,
        lines: &[(EventId, String)],
        most: usize,
        kept: Duration,
    ) -> Result<(), BusError> {
        for batch in lines.chunks(PIPELINE_COMMANDS_MAX / 3) {
            let mut pipeline = Pipeline::with_capacity(batch.len() * 3);
            for (event, line) in batch {
                let key = self.names().lines(*event);
                pipeline.cmd("RPUSH").arg(&key).arg(line).ignore();
                let trim = pipeline.cmd("LTRIM").arg(&key).arg(0);
                trim.arg(most.saturating_sub(1)).ignore();
                let kept_ms = scripts::milliseconds(kept);
                pipeline.cmd("PEXPIRE").arg(&key).arg(kept_ms).ignore();
            }
            self.query::<()>(&pipeline).await?;
        }
        Ok(())
    }

    /// The lines under an event.
    pub(crate) async fn read_lines(&self, event: EventId) -> Result<Vec<String>, BusError> {
        let mut pipeline = Pipeline::with_capacity(1);
        let key = self.names().lines(event);
        pipeline.cmd("LRANGE").arg(key).arg(0).arg(-1);
        let (lines,): (Vec<String>,) = self.query(&pipeline).await?;
        Ok(lines)
    }
}
