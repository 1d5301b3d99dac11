//! Statements that read a large table from one end to the other: fast on a developer's machine, and slower with every
//! day of use. `api plans` looks for them in a database as it is; a test looks for them where there is no other way.

use std::collections::BTreeSet;

use serde_json::Value;

use super::{db::Connection, error::Error};

#[cfg(test)]
mod tests;

/// A table that is read whole, in the plan of a statement.
#[derive(Debug, PartialEq, Eq)]
pub struct Scan {
    /// The statement.
    pub statement: &'static str,
    /// The table.
    pub table: String,
    /// What the plan does with it, such as `Seq Scan`.
    pub node: String,
}

/// Tables of this schema that are at least this large; their partitions among them.
const TABLES: &str = "
select relname::text from pg_class
where relnamespace = current_schema()::regnamespace and relkind in ('r', 'p') and pg_relation_size(oid) >= $1";

/// Names of the tables of at least so many bytes.
pub async fn tables(db: &Connection, bytes_min: i64) -> Result<BTreeSet<String>, Error> {
    let tables: Vec<String> = db.query(TABLES, &[&bytes_min]).await?;
    Ok(tables.into_iter().collect())
}

/// Every scan of one of these tables, in the plans of these statements.
pub async fn find_scans(
    db: &Connection,
    statements: &[&'static str],
    tables: &BTreeSet<String>,
) -> Result<Vec<Scan>, Error> {
    let mut scans = Vec::new();
    for statement in statements {
        let plan = db.plan(statement).await?;
        look(&plan, &mut |table, node| {
            if tables.contains(table) {
                scans.push(Scan {
                    statement,
                    table: table.to_owned(),
                    node: node.to_owned(),
                });
            }
        });
    }
    Ok(scans)
}

/// Tells of every node that reads a table, or an index of it, from one end to the other.
fn look(plan: &Value, tell: &mut impl FnMut(&str, &str)) {
    match plan {
        Value::Array(nodes) => nodes.iter().for_each(|node| look(node, tell)),
        Value::Object(fields) => {
            let text = |name| fields.get(name).and_then(Value::as_str);
            if let (Some(node), Some(table)) = (text("Node Type"), text("Relation Name"))
                && reads_whole(node, plan)
            {
                tell(table, node);
            }
            fields.values().for_each(|field| look(field, tell));
        }
        _ => {}
    }
}

/// Whether nothing says where in the table, or in its index, the rows are.
fn reads_whole(node: &str, plan: &Value) -> bool {
    match node {
        "Seq Scan" => true,
        "Index Scan" | "Index Only Scan" | "Bitmap Index Scan" => plan.get("Index Cond").is_none(),
        // Its indexes, of which it may combine several, stand below it.
        "Bitmap Heap Scan" | "BitmapOr" => parts(plan).any(|part| reads_whole(kind(part), part)),
        "BitmapAnd" => parts(plan).all(|part| reads_whole(kind(part), part)),
        _ => false,
    }
}

fn parts(plan: &Value) -> impl Iterator<Item = &Value> {
    plan["Plans"].as_array().into_iter().flatten()
}

fn kind(plan: &Value) -> &str {
    plan["Node Type"].as_str().unwrap_or_default()
}
