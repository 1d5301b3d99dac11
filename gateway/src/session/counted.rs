//! What is counted of commands: closed sets, whatever clients call theirs.

use shared::wire::{Code, Problem};

/// A command by its name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct CommandName(usize);

/// Every name that is counted by itself; the last is for all others.
const NAMES: [&str; 18] = [
    "private",
    "group",
    "message",
    "broadcast",
    "typing_start",
    "typing_stop",
    "read",
    "mark_notification_read",
    "join_post",
    "leave_post",
    "presence",
    "signal",
    "refresh",
    "sync",
    "ack",
    "ping",
    "none",
    "other",
];
const OTHER: usize = NAMES.len() - 1;
/// A frame that is no command has no name.
const NONE: usize = NAMES.len() - 2;

impl CommandName {
    pub(crate) const NONE: Self = Self(NONE);

    pub(crate) fn of(name: &str) -> Self {
        let index = NAMES[..NONE].iter().position(|known| *known == name);
        Self(index.unwrap_or(OTHER))
    }

    pub(crate) fn all() -> impl Iterator<Item = Self> {
        (0..NAMES.len()).map(Self)
    }

    pub(crate) fn label(self) -> &'static str {
        NAMES[self.0]
    }
}

/// How a command ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum CommandResult {
    Ok,
    /// By the one who gave it: it is not allowed, or makes no sense.
    Refused,
    /// There were too many.
    RateLimited,
    /// By us: it can be tried again.
    Unavailable,
}

impl CommandResult {
    pub(crate) const ALL: [Self; 4] = [
        Self::Ok,
        Self::Refused,
        Self::RateLimited,
        Self::Unavailable,
    ];

    pub(crate) const fn label(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Refused => "refused",
            Self::RateLimited => "rate_limited",
            Self::Unavailable => "unavailable",
        }
    }

    /// Of a command that was refused.
    pub(crate) fn of(problem: &Problem) -> Self {
        if problem.status >= 500 {
            Self::Unavailable
        } else if problem.code == Code::RateLimited.name() {
            Self::RateLimited
        } else {
            Self::Refused
        }
    }
}
