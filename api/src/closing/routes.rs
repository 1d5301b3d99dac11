//! Closing an account over HTTP.

use axum::extract::State;

use super::queries;
use crate::{
    app::{
        App,
        access::account_changed,
        error::Error,
        http::{SignedIn, answer::NoContent},
    },
    auth::moderation,
    groups,
};

pub(super) async fn close_account(
    State(app): State<App>,
    caller: SignedIn,
) -> Result<NoContent, Error> {
    let mut tx = app.begin().await?;
    if !queries::close(&tx, caller.user_id, tx.now()).await? {
        return Err(Error::not_found("user"));
    }
    groups::leave_all(&mut tx, caller.user_id).await?;
    moderation::end_sessions(&mut tx, caller.user_id).await?;
    account_changed(&mut tx, caller.user_id)?;
    tx.commit().await?;
    Ok(NoContent)
}
