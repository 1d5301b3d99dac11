//! Leases in PostgreSQL: by its clock, not the pods'.

use std::time::Duration;

use crate::app::{App, error::Error};

const ACQUIRE: &str = "
    insert into leases as lease (name, owner, expires_at)
    values ($1, $2, now() + $3::double precision * interval '1 second')
    on conflict (name) do update set owner = excluded.owner, expires_at = excluded.expires_at
    where lease.owner = excluded.owner or lease.expires_at < now()
    returning true";
const RELEASE: &str = "delete from leases where name = $1 and owner = $2";

/// Every statement, for the test that prepares them.
pub const STATEMENTS: &[&str] = &[ACQUIRE, RELEASE];

/// Takes or renews a lease; false while another pod holds it.
pub(super) async fn acquire(app: &App, name: &str, lifetime: Duration) -> Result<bool, Error> {
    let lifetime = lifetime.as_secs_f64();
    let taken: Option<bool> = app
        .read()
        .await?
        .query_optional(ACQUIRE, &[&name, &app.node_name(), &lifetime])
        .await?;
    Ok(taken.unwrap_or(false))
}

/// Gives a lease back, so that the next pod need not wait for its end.
pub(super) async fn release(app: &App, name: &str) -> Result<(), Error> {
    let connection = app.read().await?;
    connection
        .execute(RELEASE, &[&name, &app.node_name()])
        .await?;
    Ok(())
}
