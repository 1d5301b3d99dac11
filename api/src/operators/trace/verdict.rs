//! Whether somebody got an event, and if not, why. Pure.

use schemars::JsonSchema;
use serde::Serialize;
use shared::ledger::{DropReason, Line, Milestone};

/// What is known about an event and a person.
#[derive(Debug)]
pub(super) struct Facts<'a> {
    pub(super) is_addressed: bool,
    /// It is being told to everybody, and they were not told yet.
    pub(super) is_to_come: bool,
    /// `None` where Redis does not know.
    pub(super) is_published: Option<bool>,
    pub(super) is_durable: bool,
    pub(super) is_traced: bool,
    pub(super) connections: Option<usize>,
    /// `None` where Redis does not know.
    pub(super) lines: Option<Vec<&'a Line>>,
}

/// The answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub(super) enum Verdict {
    ToCome,
    NotAddressed,
    Acknowledged,
    Written,
    SlowConsumer,
    Dropped,
    Queued,
    NotPublished,
    Unknown,
    NotTraced,
    NoConnection,
    NotMatched,
}

impl Verdict {
    pub(super) fn of(facts: &Facts<'_>) -> Self {
        if facts.is_to_come {
            return Self::ToCome;
        }
        if !facts.is_addressed {
            return Self::NotAddressed;
        }
        let Some(lines) = &facts.lines else {
            return Self::Unknown;
        };
        let came_to = |milestone| lines.iter().any(|line| line.milestone == milestone);
        if came_to(Milestone::Acknowledged) {
            Self::Acknowledged
        } else if came_to(Milestone::Written) {
            Self::Written
        } else if let Some(dropped) = lines.iter().find_map(|line| line.reason) {
            match dropped {
                DropReason::SlowConsumer => Self::SlowConsumer,
                _ => Self::Dropped,
            }
        } else if came_to(Milestone::Matched) {
            Self::Queued
        } else {
            Self::unmatched(facts)
        }
    }

    fn unmatched(facts: &Facts<'_>) -> Self {
        match (facts.is_durable, facts.is_published) {
            (true, Some(false)) => Self::NotPublished,
            (true, None) => Self::Unknown,
            _ if !facts.is_traced => Self::NotTraced,
            _ => match facts.connections {
                None => Self::Unknown,
                Some(0) => Self::NoConnection,
                Some(_) => Self::NotMatched,
            },
        }
    }

    pub(super) const fn explanation(self) -> &'static str {
        match self {
            Self::ToCome => {
                "It is being told to everybody who is signed in, in the order of their ids, and their turn has not come."
            }
            Self::NotAddressed => "It was not for them: none of its channels is theirs now.",
            Self::Acknowledged => "Their client has said that it has it.",
            Self::Written => {
                "A socket of theirs has taken it. If it was not shown, look at the client."
            }
            Self::SlowConsumer => {
                "Their client read too slowly and was closed with 4201. What is durable comes when it resumes."
            }
            Self::Dropped => {
                "It was dropped on every connection that heard it; the deliveries say why. What is durable comes \
                 when the client resumes."
            }
            Self::Queued => {
                "It waits in the queue of a connection, whose client does not read now."
            }
            Self::NotPublished => {
                "It is committed, and Redis does not have it yet: the relay publishes it within seconds of Redis being well."
            }
            Self::Unknown => "Redis does not know now: ask again when it is well.",
            Self::NotTraced => {
                "It was published. What became of it on their connections was not written down: put them in \
                 allowed_users of the flag trace, and let it happen again."
            }
            Self::NoConnection => {
                "It was published while they had no connection. What is durable comes when they connect."
            }
            Self::NotMatched => {
                "It was published, and no connection of theirs heard it: they connected later, and were given it by \
                 resume or read it over HTTP; or the lines were lost or are too old."
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use shared::{connections::Name, ids::UserId};

    use super::*;

    fn line(milestone: Milestone, reason: Option<DropReason>) -> Line {
        Line {
            at_ms: 0,
            node: "gateway-1".to_owned(),
            user_id: UserId::new(1).unwrap(),
            connection_id: Name::random(),
            milestone,
            reason,
        }
    }

    fn facts(lines: &[Line]) -> Facts<'_> {
        Facts {
            is_addressed: true,
            is_to_come: false,
            is_published: Some(true),
            is_durable: true,
            is_traced: true,
            connections: Some(1),
            lines: Some(lines.iter().collect()),
        }
    }

    #[test]
    fn the_furthest_that_it_came_decides() {
        let matched = line(Milestone::Matched, None);
        let written = line(Milestone::Written, None);
        let acknowledged = line(Milestone::Acknowledged, None);
        let slow = line(Milestone::Dropped, Some(DropReason::SlowConsumer));
        let full = line(Milestone::Dropped, Some(DropReason::QueueFull));
        for (lines, expected) in [
            (vec![matched.clone()], Verdict::Queued),
            (vec![matched.clone(), slow.clone()], Verdict::SlowConsumer),
            (vec![matched.clone(), full], Verdict::Dropped),
            // One device was too slow, the other was not.
            (vec![slow, written.clone()], Verdict::Written),
            (vec![matched, written, acknowledged], Verdict::Acknowledged),
        ] {
            assert_eq!(Verdict::of(&facts(&lines)), expected, "{lines:?}");
        }
    }

    #[test]
    fn what_nobody_heard_has_a_reason_and_what_is_not_known_is_said_so() {
        let base = || facts(&[]);
        for (facts, expected) in [
            (
                Facts {
                    is_addressed: false,
                    ..base()
                },
                Verdict::NotAddressed,
            ),
            (
                Facts {
                    is_addressed: false,
                    is_to_come: true,
                    ..base()
                },
                Verdict::ToCome,
            ),
            (
                Facts {
                    is_published: Some(false),
                    ..base()
                },
                Verdict::NotPublished,
            ),
            (
                Facts {
                    is_published: None,
                    ..base()
                },
                Verdict::Unknown,
            ),
            (
                Facts {
                    lines: None,
                    ..base()
                },
                Verdict::Unknown,
            ),
            (
                Facts {
                    is_traced: false,
                    ..base()
                },
                Verdict::NotTraced,
            ),
            (
                Facts {
                    connections: Some(0),
                    ..base()
                },
                Verdict::NoConnection,
            ),
            (
                Facts {
                    connections: None,
                    ..base()
                },
                Verdict::Unknown,
            ),
            (base(), Verdict::NotMatched),
        ] {
            assert_eq!(Verdict::of(&facts), expected, "{facts:?}");
        }
    }
}
