//! How the database would find what a statement asks for, without running it.

use serde_json::Value;
use tokio_postgres::SimpleQueryMessage;

use super::{Connection, error::classify};
use crate::app::error::Error;

/// Not one of the driver's names.
const NAME: &str = "looked_at";
const PARAMETERS: &str =
    "select cardinality(parameter_types) from pg_prepared_statements where name = 'looked_at'";

impl Connection {
    /// The plan for any parameters, which is the one that a statement has once it was run some times: as `EXPLAIN (FORMAT
    /// JSON)` tells it.
    pub(crate) async fn plan(&self, statement: &str) -> Result<Value, Error> {
        let prepare =
            format!("set plan_cache_mode = force_generic_plan; prepare {NAME} as {statement}");
        self.simple(&prepare).await.map_err(classify)?;
        let parameters = self.client().query_one(PARAMETERS, &[]).await;
        let count: i32 = parameters.map_err(classify)?.get(0);
        let nulls: Vec<_> = (0..count).map(|_| "null").collect();
        let call = match nulls.as_slice() {
            [] => NAME.to_owned(),
            nulls => format!("{NAME}({})", nulls.join(", ")),
        };
        let explain = format!("explain (format json) execute {call}");
        let said = self.client().simple_query(&explain).await;
        let forget = format!("deallocate {NAME}; reset plan_cache_mode");
        self.simple(&forget).await.map_err(classify)?;
        let said = said.map_err(classify)?;
        let text = said.iter().find_map(|message| match message {
            SimpleQueryMessage::Row(row) => row.get(0),
            _ => None,
        });
        let plan = text.ok_or_else(|| Error::defect("EXPLAIN said nothing"))?;
        serde_json::from_str(plan).map_err(Error::internal)
    }
}
