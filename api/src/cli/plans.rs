//! Looks for statements that stand still one day: `./dev bench api` asks on a large population, an operator of any database.

use super::say;
use crate::app::{
    boot::{self, StartError},
    config::DatabaseSettings,
    feature::Feature,
    plans, statements,
};

/// Smaller tables are read whole because that is the best way to read them.
const LARGE_BYTES: i64 = 8 << 20;

/// Prints every statement whose plan reads a large table from end to end, and how many were looked at.
pub(super) async fn print(
    settings: DatabaseSettings,
    features: Vec<Feature>,
) -> Result<(), StartError> {
    let db = boot::command_connection(&settings).await?;
    let tables = plans::tables(&db, LARGE_BYTES).await?;
    let statements = statements::statements(&features);
    let scans = plans::find_scans(&db, &statements, &tables).await?;
    for scan in &scans {
        let plans::Scan {
            statement,
            table,
            node,
        } = scan;
        say(&format!("{node} of {table}:{statement}\n\n"));
    }
    let names: Vec<_> = tables.iter().map(|table| &**table).collect();
    say(&format!(
        "{} statements, {} scans of large tables, which are: {}\n",
        statements.len(),
        scans.len(),
        names.join(", "),
    ));
    Ok(())
}
