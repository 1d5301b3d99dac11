//! Bodies of requests: they come as slowly as their clients like, so nobody reads one on a place among the handshakes.

use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;
use http_body_util::{BodyExt, LengthLimitError, Limited};
use hyper::{
    Request,
    body::{Body, Incoming},
};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// A connection's place among the handshakes, from its request's first byte on. Goes along with the request: whoever reads
/// the body changes it for one among the bodies. So slow bodies keep nobody out but other bodies.
#[derive(Clone)]
pub(crate) struct Place(Arc<Held>);

struct Held {
    permit: Mutex<OwnedSemaphorePermit>,
    bodies: Arc<Semaphore>,
}

impl Place {
    /// `bodies` has a permit for each body that may be read at a time; it is never closed.
    pub(crate) fn new(permit: OwnedSemaphorePermit, bodies: &Arc<Semaphore>) -> Self {
        Self(Arc::new(Held {
            permit: Mutex::new(permit),
            bodies: Arc::clone(bodies),
        }))
    }

    /// Does not wait: those who did would be as many as the listener looks after.
    fn change(&self) -> Result<(), Unread> {
        let permit = Arc::clone(&self.0.bodies).try_acquire_owned();
        let permit = permit.map_err(|_| Unread::TooMany)?;
        let mut held = self.0.permit.lock().unwrap_or_else(PoisonError::into_inner);
        *held = permit;
        Ok(())
    }
}

/// Why there is no body.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Unread {
    #[error("too many bodies are being read")]
    TooMany,
    #[error("the body is too long")]
    TooLong,
    #[error("the body broke off")]
    Broken,
}

/// Reads the body, of at most so many bytes. Bounded in time by whoever serves the connection.
pub(crate) async fn read(
    request: &mut Request<Incoming>,
    bytes_max: usize,
) -> Result<Bytes, Unread> {
    if request.body().is_end_stream() {
        return Ok(Bytes::new());
    }
    if let Some(place) = request.extensions().get::<Place>() {
        place.change()?;
    }
    let body = Limited::new(request.body_mut(), bytes_max).collect().await;
    match body {
        Ok(body) => Ok(body.to_bytes()),
        Err(error) if error.is::<LengthLimitError>() => Err(Unread::TooLong),
        Err(_) => Err(Unread::Broken),
    }
}
