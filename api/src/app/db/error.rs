//! What a failure of PostgreSQL means to the caller.

use deadpool_postgres::PoolError;
use shared::wire::Code;
use tokio_postgres::error::SqlState;

use super::{constraints, row::InvalidRow};
use crate::app::error::Error;

/// Whether the failure is the violation of this constraint: for statements that turn one into something milder than the
/// error that the table of constraints has for it.
pub fn is_violation_of(error: &Error, constraint: &str) -> bool {
    error
        .source_as::<tokio_postgres::Error>()
        .and_then(|error| error.as_db_error()?.constraint())
        == Some(constraint)
}

/// A failed statement. Nothing of it was committed, so everything temporary may be tried again.
pub(super) fn classify(error: tokio_postgres::Error) -> Error {
    let Some(state) = error.code().cloned() else {
        // Without a SQLSTATE it is the connection, or a value that does not fit its parameter.
        return if error.is_closed() || is_io(&error) {
            Error::unavailable("the database").because(error)
        } else {
            Error::internal(error)
        };
    };
    if let Some(name) = error.as_db_error().and_then(|error| error.constraint())
        && let Some((code, detail)) = constraints::meaning(name)
    {
        return Error::new(code, detail).because(error);
    }
    if is_temporary(&state) {
        return Error::unavailable("the database").because(error);
    }
    Error::internal(error)
}

/// A failed `commit`. The server says "no" with a SQLSTATE; silence leaves it open.
pub(super) fn classify_commit(error: tokio_postgres::Error) -> Error {
    match error.code() {
        Some(state) if !is_lost_connection(state) => classify(error),
        _ => Error::new(
            Code::OutcomeUnknown,
            "the connection to the database was lost during the commit",
        )
        .because(error),
    }
}

fn is_io(error: &tokio_postgres::Error) -> bool {
    let source = std::error::Error::source(error);
    source.is_some_and(<dyn std::error::Error>::is::<std::io::Error>)
}

/// Serialisation failures, deadlocks, timeouts, a server that starts or stops: the same again may succeed.
fn is_temporary(state: &SqlState) -> bool {
    [
        SqlState::T_R_SERIALIZATION_FAILURE,
        SqlState::T_R_DEADLOCK_DETECTED,
        SqlState::LOCK_NOT_AVAILABLE,
        SqlState::QUERY_CANCELED,
        SqlState::TOO_MANY_CONNECTIONS,
        SqlState::IDLE_IN_TRANSACTION_SESSION_TIMEOUT,
        SqlState::READ_ONLY_SQL_TRANSACTION,
    ]
    .contains(state)
        || is_lost_connection(state)
}

fn is_lost_connection(state: &SqlState) -> bool {
    state.code().starts_with("08") || state.code().starts_with("57P")
}

impl From<PoolError> for Error {
    fn from(error: PoolError) -> Self {
        match error {
            PoolError::Backend(error) => classify(error),
            PoolError::Timeout(_) => {
                Self::unavailable("a connection to the database").because(error)
            }
            PoolError::Closed => Self::new(Code::Draining, "the node is shutting down"),
            PoolError::NoRuntimeSpecified | PoolError::PostCreateHook(_) => Self::internal(error),
        }
    }
}

impl From<InvalidRow> for Error {
    fn from(error: InvalidRow) -> Self {
        Self::internal(error)
    }
}
