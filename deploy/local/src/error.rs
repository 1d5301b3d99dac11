//! What a command can fail with, as the person at the terminal reads it.

use std::io;
use std::process::ExitCode;

/// Result of everything in this program.
pub(crate) type Result<T> = std::result::Result<T, Error>;

/// Why a command failed.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Error {
    /// The operating system said no; `doing` says to what.
    #[error("cannot {doing}: {source}")]
    Io {
        /// In the infinitive: "read the state file".
        doing: String,
        /// The system's own words.
        source: io::Error,
    },
    /// Everything else, told in a sentence.
    #[error("{0}")]
    Told(String),
    /// The command needs a running instance and there is none.
    #[error("nothing runs here; ./dev up starts it")]
    NotRunning,
    /// Somebody pressed Ctrl-C, or asked for `down`, while something was awaited.
    #[error("stopped while {0}")]
    Interrupted(String),
}

impl Error {
    /// A failure told in a sentence.
    pub(crate) fn told(sentence: impl Into<String>) -> Self {
        Self::Told(sentence.into())
    }

    /// 130 for an interruption, as shells do; 1 for all else.
    pub(crate) fn exit_code(&self) -> ExitCode {
        match self {
            Self::Interrupted(_) => ExitCode::from(130),
            _ => ExitCode::FAILURE,
        }
    }
}

/// Names what was being done when the operating system said no.
pub(crate) trait Doing<T> {
    /// `doing` is in the infinitive ("read the state file") and only made when it is needed.
    fn doing<S: Into<String>>(self, doing: impl FnOnce() -> S) -> Result<T>;
}

impl<T, E: Into<io::Error>> Doing<T> for std::result::Result<T, E> {
    fn doing<S: Into<String>>(self, doing: impl FnOnce() -> S) -> Result<T> {
        self.map_err(|source| Error::Io {
            doing: doing().into(),
            source: source.into(),
        })
    }
}
