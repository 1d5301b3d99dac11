//! Help for tests of all programs; behind the feature `testing`.

mod authority;
mod http_client;
mod memory_log;
mod port;
mod redis_group;
mod redis_server;
mod wire_client;

pub use authority::Authority;
pub use http_client::{Answer, HttpClient, NoAnswer};
pub use memory_log::{MemoryLog, event};
pub use port::free_port;
pub use redis_group::{RedisCluster, SentinelGroup, ask};
pub use redis_server::{RedisServer, shared_redis};
pub use wire_client::{Connect, ConnectError, Credentials, Received, WireClient};
