//! The rules of the feature flags, for those who must not ask PostgreSQL; what they mean is said in [`crate::flags`].

use std::time::Duration;

use redis::Pipeline;

use super::{Bus, BusError, scripts};
use crate::flags::FlagTable;

/// Pods confirm the rules several times a second. What nobody confirms is of a database that was restored, perhaps: its
/// versions count from somewhere else.
const KEPT: Duration = Duration::from_mins(1);

impl Bus {
    /// Keeps the rules, unless newer ones are there.
    pub async fn keep_flags(&self, table: &FlagTable) -> Result<(), BusError> {
        if self.offer_flags(table.version, "").await? {
            let text = serde_json::to_string(table);
            let text = text.expect("names, numbers and texts always serialise");
            self.offer_flags(table.version, &text).await?;
        }
        Ok(())
    }

    /// Whether they are wanted and were not given.
    async fn offer_flags(&self, version: i64, text: &str) -> Result<bool, BusError> {
        let command = scripts::flags(self.names(), (version, text), KEPT);
        let answers: Vec<u8> = self.call([command]).await?;
        Ok(answers == [1])
    }

    /// The rules, where they are others than those of the version that is known; `None` also where Redis has none.
    pub async fn flags(&self, known: Option<i64>) -> Result<Option<FlagTable>, BusError> {
        let key = self.names().flags();
        let mut pipeline = Pipeline::new();
        pipeline.cmd("HGET").arg(&key).arg("version");
        let (version,): (Option<i64>,) = self.query(&pipeline).await?;
        if version.is_none() || version == known {
            return Ok(None);
        }
        let mut pipeline = Pipeline::new();
        pipeline.cmd("HGET").arg(&key).arg("table");
        let (text,): (Option<String>,) = self.query(&pipeline).await?;
        let table = text.map(|text| serde_json::from_str(&text));
        table.transpose().map_err(|error| {
            tracing::error!(%error, "the rules of feature flags are unreadable");
            BusError::Unavailable("unreadable feature flags".to_owned())
        })
    }
}
