//! Where a request comes from, through the proxies that we trust and no others.

use std::{convert::Infallible, net::IpAddr};

use axum::{extract::FromRequestParts, http::request::Parts};
use shared::address::client_address;

use super::server::Peer;
use crate::app::App;

/// The caller's address.
#[derive(Debug, Clone, Copy)]
pub struct ClientAddress(pub IpAddr);

impl FromRequestParts<App> for ClientAddress {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Infallible> {
        let peer = parts.extensions.get::<Peer>();
        let peer = peer.map_or(IpAddr::from([0, 0, 0, 0]), |peer| peer.0.ip());
        let proxies = &app.settings().http.trusted_proxies;
        Ok(Self(client_address(peer, &parts.headers, proxies)))
    }
}
