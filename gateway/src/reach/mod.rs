//! Whom somebody may reach with what is not stored: typing, and calls.
//!
//! `api` says, and what it said is remembered for a while: nobody's keystrokes go to PostgreSQL, and typing goes on while it
//! is away. An answer is worth nothing once anything has happened that could change it. Every such thing is a control event
//! on a channel that this node hears as long as the person is connected here; each moves a stamp on, and an answer counts
//! while the stamps that it was given under have not moved.

mod stamps;
#[cfg(test)]
mod tests;

use std::{
    collections::HashMap,
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use serde::{Deserialize, Serialize};
use shared::{
    ids::{ConversationId, GroupId, UserId},
    telemetry::RequestId,
    wire::{Channel, Code, Problem},
};
use tokio::time::Instant;

use self::stamps::{Snapshot, Stamps};
use crate::{
    api_client::{ApiClient, ApiError, Repeat},
    codec::{Control, Encoded},
};

/// For so long nobody is asked again.
const FRESH: Duration = Duration::from_mins(1);
/// A refusal, which may end without a word to this node.
const REFUSED: Duration = Duration::from_secs(10);
/// For so long an answer counts while nobody can be asked.
const KEPT: Duration = Duration::from_mins(10);
/// Answers that are remembered. Full, the book starts over.
const ANSWERS_MAX: usize = 65_536;
/// An answer that is old before it is here is asked for again, so many times.
const TRIES_MAX: usize = 3;

/// Whom somebody wants to reach, and for what.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Target {
    /// Typing to a person.
    Person(UserId),
    /// Typing in a group.
    Group(GroupId),
    /// Typing in a conversation of either kind.
    Conversation(ConversationId),
    /// A call to a person.
    Call(UserId),
}

/// Who is reached.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
pub(crate) struct Reach {
    /// The person.
    pub(crate) to: Option<UserId>,
    /// The conversation with the person.
    pub(crate) conversation_id: Option<ConversationId>,
    /// The group.
    pub(crate) group_id: Option<GroupId>,
}

impl Reach {
    /// Where it is heard.
    pub(crate) fn channel(&self) -> Option<Channel> {
        let person = self.to.map(Channel::User);
        person.or(self.group_id.map(Channel::Group))
    }

    /// Whether what goes to `target` goes here.
    pub(crate) fn is(&self, target: Target) -> bool {
        match target {
            Target::Person(person) | Target::Call(person) => self.to == Some(person),
            Target::Group(group) => self.group_id == Some(group),
            Target::Conversation(conversation) => self.conversation_id == Some(conversation),
        }
    }
}

#[derive(Debug)]
struct Answer {
    outcome: Result<Reach, Box<Problem>>,
    given_under: Snapshot,
    given_at: Instant,
}

/// What `api` has said.
#[derive(Debug, Default)]
pub(crate) struct ReachBook {
    stamps: Stamps,
    answers: Mutex<HashMap<(UserId, Target), Answer>>,
}

impl ReachBook {
    /// Who is reached, or why nobody is.
    pub(crate) async fn find(
        &self,
        api: &ApiClient,
        person: UserId,
        target: Target,
    ) -> Result<Reach, Box<Problem>> {
        for _ in 0..TRIES_MAX {
            let now = Instant::now();
            let given_under = self.stamps.snapshot(person, target);
            if let Some(outcome) = self.recall((person, target), given_under, now, false) {
                return outcome;
            }
            match ask(api, person, target).await {
                Ok(outcome) if self.stamps.snapshot(person, target) == given_under => {
                    let answer = Answer {
                        outcome: outcome.clone(),
                        given_under,
                        given_at: now,
                    };
                    self.remember((person, target), answer);
                    return outcome;
                }
                // Something happened meanwhile, which the answer may not know of.
                Ok(_) => {}
                Err(error) => {
                    let known = self.recall((person, target), given_under, now, true);
                    return known.unwrap_or_else(|| Err(unavailable(&error)));
                }
            }
        }
        Err(unavailable(&"it changes all the time"))
    }

    fn recall(
        &self,
        question: (UserId, Target),
        under: Snapshot,
        now: Instant,
        nobody_can_be_asked: bool,
    ) -> Option<Result<Reach, Box<Problem>>> {
        let answers = self.lock();
        let answer = answers.get(&question)?;
        let counts_for = match answer.outcome {
            _ if nobody_can_be_asked => KEPT,
            Ok(_) => FRESH,
            Err(_) => REFUSED,
        };
        let counts = answer.given_under == under && now - answer.given_at < counts_for;
        counts.then(|| answer.outcome.clone())
    }

    fn remember(&self, question: (UserId, Target), answer: Answer) {
        let mut answers = self.lock();
        if answers.len() >= ANSWERS_MAX {
            answers.clear();
        }
        answers.insert(question, answer);
    }

    /// Something was said on a channel that this node hears, before any connection hears of it.
    pub(crate) fn on_event(&self, encoded: &Encoded) {
        let Some(control) = encoded.control else {
            return;
        };
        if let Channel::User(person) = encoded.event.channel {
            self.stamps.touch(person);
        }
        match control {
            Control::MembershipChanged(change) => self.stamps.touch(change.user_id),
            Control::AccountChanged(account) => self.stamps.touch(account),
            Control::GroupDeleted(_) => self.stamps.touch_all(),
            _ => {}
        }
    }

    /// A connection hears this channel from now on. What happened while nobody here heard the person's own is unknown; all
    /// that concerns them in a group is told there too.
    pub(crate) fn on_joined(&self, channel: Channel) {
        if let Channel::User(person) = channel {
            self.stamps.touch(person);
        }
    }

    /// This node has missed something that was said there.
    pub(crate) fn on_gap(&self, channel: Channel) {
        match channel {
            Channel::User(person) => self.stamps.touch(person),
            Channel::Group(_) | Channel::Broadcast => self.stamps.touch_all(),
            Channel::Post(_) | Channel::Node(_) => {}
        }
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<(UserId, Target), Answer>> {
        // Nothing that can panic runs while it is held.
        self.answers.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[derive(Serialize)]
struct Question {
    user_id: UserId,
    purpose: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    to: Option<UserId>,
    #[serde(skip_serializing_if = "Option::is_none")]
    group_id: Option<GroupId>,
    #[serde(skip_serializing_if = "Option::is_none")]
    conversation_id: Option<ConversationId>,
}

#[derive(Deserialize)]
#[serde(rename_all = "snake_case")]
enum Verdict {
    Reach(Reach),
    Problem(Box<Problem>),
}

async fn ask(
    api: &ApiClient,
    user_id: UserId,
    target: Target,
) -> Result<Result<Reach, Box<Problem>>, ApiError> {
    let mut question = Question {
        user_id,
        purpose: "typing",
        to: None,
        group_id: None,
        conversation_id: None,
    };
    match target {
        Target::Person(person) => question.to = Some(person),
        Target::Group(group) => question.group_id = Some(group),
        Target::Conversation(conversation) => question.conversation_id = Some(conversation),
        Target::Call(person) => {
            question.purpose = "signal";
            question.to = Some(person);
        }
    }
    let path = "/internal/reach";
    let request_id = RequestId::random();
    let verdict = api.post(path, &question, &request_id, Repeat::Safe).await?;
    Ok(match verdict {
        Verdict::Reach(reach) => Ok(reach),
        Verdict::Problem(problem) => Err(problem),
    })
}

fn unavailable(error: &dyn std::fmt::Display) -> Box<Problem> {
    tracing::warn!(%error, "nobody can say who may be reached");
    Box::new(Problem::new(
        Code::Unavailable,
        "Who may be reached is not known now",
    ))
}
