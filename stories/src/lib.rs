#![doc = include_str!("../README.md")]

mod balancer;
mod cluster;
mod database;
mod person;
mod postgres;
mod program;
mod valve;

pub use balancer::Balancer;
pub use cluster::{Cluster, Node, Plan};
pub use person::{Listener, PASSWORD, Person};
pub use postgres::Postgres;
pub use program::{Program, help};
pub use valve::Valve;
