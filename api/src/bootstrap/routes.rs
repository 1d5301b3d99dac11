//! `/bootstrap`.

use axum::{Json as Answer, extract::State};

use super::screen::{self, Screen};
use crate::app::{
    App,
    error::Error,
    http::SignedIn,
    openapi::{Routes, get},
};

pub(super) fn routes() -> Routes {
    Routes::new().route("/bootstrap", get(bootstrap))
}

/// The caller's first screen.
async fn bootstrap(State(app): State<App>, caller: SignedIn) -> Result<Answer<Screen>, Error> {
    let screen = screen::read(&app, caller.user_id).await?;
    Ok(Answer(screen))
}
