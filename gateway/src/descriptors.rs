//! Descriptors: every connection is one, and what a process may have of them by default is for another kind of program.

use nix::sys::resource::{Resource, getrlimit, setrlimit};

/// Descriptors of one connection: a session of Engine.IO that is polled, or was, has two beside its client's. Others have one.
const EACH: u64 = 3;
/// Descriptors besides those of connections: Redis, `api`, handshakes, the runtimes' own.
const OTHERS: u64 = 512;

/// Raises the limit as far as it may be raised without privileges, and says if it is lower than what `connections_max` asks
/// for.
pub(crate) fn raise_limit(connections_max: usize) {
    let raised = getrlimit(Resource::RLIMIT_NOFILE).and_then(|(soft, hard)| {
        // Some systems have a hard limit that they do not stand by: then it stays as it was.
        if let Err(error) = setrlimit(Resource::RLIMIT_NOFILE, hard, hard) {
            tracing::debug!(%error, hard, "the limit cannot be raised");
        }
        getrlimit(Resource::RLIMIT_NOFILE).map(|(now, _)| (soft, now))
    });
    match raised {
        Ok((before, now)) => {
            tracing::info!(before, now, "descriptors");
            let wanted = connections_max as u64 * EACH + OTHERS;
            if now < wanted {
                tracing::warn!(now, wanted, "fewer descriptors than CONNECTIONS_MAX needs");
            }
        }
        Err(error) => tracing::warn!(%error, "the number of descriptors is not known"),
    }
}
