//! Turning feature flags, and what they are for the caller.
//!
//! A flag is declared by the feature that it opens, or here, where it is the gateways'. How it is evaluated is said in
//! [`shared::flags`]; how a pod keeps up with the rules, and what is refused to whom, in [`app::flags`](crate::app::flags).

mod change;
mod queries;
mod routes;
mod rules;

#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

pub use change::turn;
pub use rules::Said;
use shared::{
    flags::{FlagValue, PRESENCE, ROOMS, TYPING},
    ids::UserId,
    ledger::TRACE,
};

use crate::app::{App, db::Connection, error::Error, feature::Feature};

/// What the slice brings.
pub fn feature() -> Feature {
    Feature {
        name: "flags",
        routes: routes::routes(),
        events: &[change::FLAGS_CHANGED],
        flags: vec![&PRESENCE, &ROOMS, &TRACE, &TYPING],
        statements: queries::STATEMENTS,
        ..Feature::default()
    }
}

/// What every flag is for somebody, by the rules as they are in the database now: whoever hears `flags_changed` must not be
/// told what was before.
pub async fn evaluate(
    app: &App,
    db: &Connection,
    user: UserId,
) -> Result<BTreeMap<&'static str, FlagValue>, Error> {
    let flags = app.flags();
    flags.read(db).await?;
    let declared = flags.declared().iter();
    Ok(declared
        .map(|flag| (flag.name, flags.value(flag, user)))
        .collect())
}
