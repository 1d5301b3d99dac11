//! What is behind a flag is refused to who does not have it, before anything else is looked at but who they are.

use axum::{
    Router,
    extract::{FromRequestParts, Request, State},
    middleware::{Next, from_fn_with_state},
    response::Response,
};
use shared::flags::Flag;

use crate::app::{App, error::Error, http::SignedIn};

/// These routes, behind the flag.
pub(in crate::app) fn guard(router: Router<App>, flag: &'static Flag, app: &App) -> Router<App> {
    router.route_layer(from_fn_with_state((app.clone(), flag), require))
}

async fn require(
    State((app, flag)): State<(App, &'static Flag)>,
    request: Request,
    next: Next,
) -> Result<Response, Error> {
    let (mut parts, body) = request.into_parts();
    let caller = SignedIn::from_request_parts(&mut parts, &app).await?;
    app.flags().require(flag, caller.user_id).await?;
    Ok(next.run(Request::from_parts(parts, body)).await)
}
