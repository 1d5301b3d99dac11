//! Whom somebody may reach from a socket without storing anything: who types to whom, who calls whom.
//!
//! Gateways ask, and remember the answer for a while; changes of it are told to them (`app/access.rs`).

pub(super) mod queries;

use axum::{Json as Answer, Router, extract::State, routing::post};
use serde::{Deserialize, Serialize};
use shared::{
    ids::{ConversationId, GroupId, UserId},
    wire::{Code, Problem},
};

use super::send::Target;
use crate::{
    app::{
        App,
        db::Connection,
        error::Error,
        http::{
            Gateway,
            json::{Input, Json, Wrong},
        },
    },
    conversations, groups, users,
};

/// Members of a group in which typing is shown, at most.
const TYPING_MEMBERS_MAX: i64 = 100;

pub(super) fn internal_routes() -> Router<App> {
    Router::new().route("/reach", post(reach))
}

#[derive(Deserialize)]
struct Question {
    user_id: UserId,
    purpose: Purpose,
    to: Option<UserId>,
    group_id: Option<GroupId>,
    conversation_id: Option<ConversationId>,
}

#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Purpose {
    Typing,
    Signal,
}

impl Input for Question {
    fn check(&self, wrong: &mut Wrong) {
        if self.target().is_none() {
            let message = "to, group_id or conversation_id, one of them; a signal goes to a person";
            wrong.field("to", "required", message);
        }
    }
}

impl Question {
    fn target(&self) -> Option<Target> {
        let target = match (self.to, self.group_id, self.conversation_id) {
            (Some(person), None, None) => Target::Person(person),
            (None, Some(group), None) => Target::Group(group),
            (None, None, Some(conversation)) => Target::Conversation(conversation),
            _ => return None,
        };
        match (self.purpose, target) {
            (Purpose::Signal, Target::Group(_) | Target::Conversation(_)) => None,
            _ => Some(target),
        }
    }
}

/// Answered with 200 also when it is refused: only a store that is away is an error.
#[derive(Serialize)]
#[serde(rename_all = "snake_case")]
enum Verdict {
    Reach(Reach),
    Problem(Problem),
}

/// Who is reached.
#[derive(Debug, Default, Serialize)]
struct Reach {
    /// The person.
    to: Option<UserId>,
    /// The conversation with the person, where it is one.
    conversation_id: Option<ConversationId>,
    /// The group.
    group_id: Option<GroupId>,
}

async fn reach(
    State(app): State<App>,
    _: Gateway,
    Json(question): Json<Question>,
) -> Result<Answer<Verdict>, Error> {
    let target = question.target();
    let target = target.ok_or_else(|| Error::defect("the input was checked"))?;
    let db = app.read().await?;
    let found = match question.purpose {
        Purpose::Typing => typing(&db, question.user_id, target).await,
        Purpose::Signal => signal(&db, question.user_id, target).await,
    };
    match found {
        Ok(reach) => Ok(Answer(Verdict::Reach(reach))),
        Err(error) if error.code().status() < 500 => {
            Ok(Answer(Verdict::Problem(error.to_problem())))
        }
        Err(error) => Err(error),
    }
}

/// Typing is shown to those who would hear the message: the other one of an open conversation, or a group that is small
/// enough.
async fn typing(db: &Connection, person: UserId, target: Target) -> Result<Reach, Error> {
    let no_conversation = || Error::not_found("conversation");
    match target {
        Target::Person(other) => {
            require_other(person, other)?;
            let conversation = conversations::find_direct(db, person, other).await?;
            direct(db, person, other, conversation.ok_or_else(no_conversation)?).await
        }
        Target::Conversation(conversation) => {
            let other = conversations::find_other_member(db, conversation, person).await?;
            if let Some(other) = other {
                return direct(db, person, other, conversation).await;
            }
            let chat = groups::find_chat(db, conversation, person).await?;
            in_group(db, chat.ok_or_else(no_conversation)?.group).await
        }
        Target::Group(group) => {
            groups::require_chat(db, group, person).await?;
            in_group(db, group).await
        }
    }
}

async fn direct(
    db: &Connection,
    person: UserId,
    other: UserId,
    conversation: ConversationId,
) -> Result<Reach, Error> {
    if !users::may_meet(db, person, other).await? {
        return Err(Error::not_found("conversation"));
    }
    if queries::is_request(db, conversation).await? {
        let detail = "nobody sees typing in a conversation that is not accepted";
        return Err(Error::new(Code::MessageRequestPending, detail));
    }
    Ok(Reach {
        to: Some(other),
        conversation_id: Some(conversation),
        group_id: None,
    })
}

async fn in_group(db: &Connection, group: GroupId) -> Result<Reach, Error> {
    if queries::count_members(db, group).await? > TYPING_MEMBERS_MAX {
        let detail = format!("typing is shown in groups of up to {TYPING_MEMBERS_MAX} members");
        return Err(Error::new(Code::TypingOff, detail));
    }
    Ok(Reach {
        group_id: Some(group),
        ..Reach::default()
    })
}

/// A call needs a conversation that both are in: their own, or a group's.
async fn signal(db: &Connection, person: UserId, target: Target) -> Result<Reach, Error> {
    let Target::Person(other) = target else {
        return Err(Error::defect("the input was checked"));
    };
    require_other(person, other)?;
    users::require_known(db, person, other).await?;
    if !queries::share_conversation(db, person, other).await? {
        let detail = "you share no conversation with this person";
        return Err(Error::forbidden(detail));
    }
    Ok(Reach {
        to: Some(other),
        ..Reach::default()
    })
}

fn require_other(person: UserId, other: UserId) -> Result<(), Error> {
    if person == other {
        let detail = "it needs another person to go to";
        return Err(Error::new(Code::SelfNotAllowed, detail));
    }
    Ok(())
}
