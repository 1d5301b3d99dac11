//! The client's configuration, and tickets.

use std::time::Duration;

use axum::{Json as Answer, extract::State};
use schemars::JsonSchema;
use serde::Serialize;
use shared::credentials::Purpose;

use crate::app::{
    App,
    error::Error,
    http::{SignedIn, Visitor, answer::Created},
};

/// How long a ticket may wait to be used.
const TICKET_LIFETIME: Duration = Duration::from_secs(30);
/// Clients that send nothing are pinged this often.
const PING_SECONDS: u64 = 30;

/// Where and how to connect.
#[derive(Serialize, JsonSchema)]
pub(super) struct ConfigView {
    websocket_url: String,
    subprotocols: [&'static str; 2],
    heartbeat_seconds: u64,
    ping_seconds: u64,
    ticket_seconds: u64,
}

pub(super) async fn find_config(State(app): State<App>, _: Visitor) -> Answer<ConfigView> {
    let settings = &app.settings().realtime;
    Answer(ConfigView {
        websocket_url: format!("{}/ws", settings.gateway_url.trim_end_matches('/')),
        subprotocols: ["hubbub.v1", "hubbub.v1.nd"],
        heartbeat_seconds: settings.heartbeat.as_secs(),
        ping_seconds: PING_SECONDS,
        ticket_seconds: TICKET_LIFETIME.as_secs(),
    })
}

/// A credential for one connection, for clients that cannot set headers: it ends up in an address and so in logs, where
/// it is worth nothing once it is used.
#[derive(Serialize, JsonSchema)]
pub(super) struct TicketView {
    token: String,
    expires_in: u64,
}

pub(super) async fn create_ticket(
    State(app): State<App>,
    caller: SignedIn,
) -> Result<Created<TicketView>, Error> {
    let bearer = (caller.user_id, caller.session_id, caller.role);
    let (token, _) = app.tokens().mint(Purpose::Ticket, bearer, TICKET_LIFETIME);
    let ticket = TicketView {
        token,
        expires_in: TICKET_LIFETIME.as_secs(),
    };
    Ok(Created(ticket))
}
