//! What a client needs to find and enter the realtime side. The gateways hold the connections; nothing of them is here.

mod routes;
#[cfg(test)]
mod tests;

use crate::app::{
    feature::Feature,
    openapi::{Routes, get, post},
};

/// What `realtime` registers.
pub fn feature() -> Feature {
    Feature {
        name: "realtime",
        routes: Routes::new()
            .route("/realtime/config", get(routes::find_config))
            .route("/realtime/token", post(routes::create_ticket)),
        ..Feature::default()
    }
}
