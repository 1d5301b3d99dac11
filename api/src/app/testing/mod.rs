//! Help for tests: a whole `api` in the test's process, on a database and a Redis prefix of its own.
//!
//! PostgreSQL and Redis are real. Their addresses come from `./dev test` in `TEST_DATABASE_URL`,
//! `TEST_TEMPLATE_DATABASE` (migrated, copied for every test) and `TEST_REDIS_URL`; without them a test fails.

mod actor;
mod app;
mod contract;
mod ears;
mod stores;

pub(crate) use actor::{Actor, Response};
pub(crate) use app::{PASSWORD, TestApp};
pub(crate) use contract::assert_fits;
pub(crate) use ears::Ears;
pub(crate) use stores::TestStores;
