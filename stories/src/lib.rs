#![doc = include_str!("../README.md")]

mod balancer;
mod cluster;
mod collector;
mod contract;
mod database;
mod person;
mod pooler;
mod postgres;
mod program;
mod setup;
mod socketio;
mod valve;

pub use balancer::Balancer;
pub use cluster::{Cluster, Node};
pub use collector::{Collector, Step};
pub use contract::Contract;
pub use person::{Listener, PASSWORD, Person};
pub use pooler::Pooler;
pub use postgres::Postgres;
pub use program::{Program, help, run_program};
pub use setup::{Setup, settings};
pub use socketio::SocketIo;
pub use valve::Valve;
