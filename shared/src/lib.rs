#![doc = include_str!("../README.md")]

pub mod address;
pub mod addresses;
pub mod bus;
pub mod clock;
pub mod config;
pub mod connections;
pub mod credentials;
pub mod flags;
pub mod ids;
pub mod ledger;
pub mod lifecycle;
pub mod load;
pub mod membership;
pub mod memory;
pub(crate) mod mirror;
pub mod presence;
pub mod ratelimit;
pub mod telemetry;
#[cfg(any(test, feature = "testing"))]
pub mod testing;
pub mod ticks;
pub mod tls;
pub mod wire;
