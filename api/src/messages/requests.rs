//! Message requests: what happens to messages for somebody who takes none from their sender straight away.
//!
//! The first message opens the conversation as a request. Its messages wait, a few at most, where the recipient finds them
//! in a list of their own, until the recipient accepts: by saying so, or by writing back. A sender who may write straight
//! away by now needs no answer. A rejection stands until the recipient accepts after all.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use shared::{
    ids::{ConversationId, UserId},
    wire::Code,
};

use super::{events, notifications, queries, send::Stored};
use crate::{
    app::{
        App,
        db::Tx,
        error::Error,
        http::json::{Input, Wrong, one_of},
        notification_type::{Answer, Answered},
    },
    conversations,
};

/// Messages that may wait in one request.
pub(super) const WAITING_MAX: i64 = 5;

/// Whether a new message gets to its recipient.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Passage {
    /// Now.
    Open,
    /// Once the recipient has accepted.
    Waits,
}

/// Decides about a message that was just stored, whose transaction holds its conversation.
pub(super) async fn pass(tx: &mut Tx, stored: &Stored, may_write: bool) -> Result<Passage, Error> {
    let message = &stored.message;
    let Some(request) = stored.request else {
        return Ok(Passage::Open);
    };
    if request.to == message.sender.id || (may_write && !request.is_rejected) {
        open(tx, message.conversation_id, request.to, message.seq).await?;
        return Ok(Passage::Open);
    }
    if request.is_rejected {
        let detail = "this person has turned your request down";
        return Err(Error::new(Code::MessageRequestRejected, detail));
    }
    if message.seq > WAITING_MAX {
        let detail = format!("{WAITING_MAX} messages wait for this person's answer");
        return Err(Error::new(Code::MessageRequestPending, detail));
    }
    Ok(Passage::Waits)
}

/// Opens the conversation, and delivers what waits in it before the message `before`.
async fn open(
    tx: &mut Tx,
    conversation: ConversationId,
    asked: UserId,
    before: i64,
) -> Result<(), Error> {
    let was_rejected = queries::open_request(tx, conversation, asked).await?;
    let was_rejected = was_rejected.ok_or_else(|| Error::not_found("message request"))?;
    let members = conversations::list_listeners(tx, conversation).await?;
    events::request_accepted(tx, conversation, (asked, was_rejected), &members)?;
    for message in queries::list_waiting(tx, conversation, before).await? {
        events::delivered_message(tx, &message, asked)?;
    }
    notifications::settle_request(tx, conversation, asked).await
}

/// Which request is answered, and how.
#[derive(Debug, Deserialize, JsonSchema)]
#[schemars(extend("oneOf" = one_of(&["conversation_id", "user_id"])))]
pub(super) struct AnswerRequest {
    conversation_id: Option<ConversationId>,
    user_id: Option<UserId>,
    action: Answer,
}

impl Input for AnswerRequest {
    fn check(&self, wrong: &mut Wrong) {
        if self.conversation_id.is_some() == self.user_id.is_some() {
            let message = "conversation_id or user_id, one of them";
            wrong.field("conversation_id", "required", message);
        }
    }
}

/// How a request stands after its answer.
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct RequestAnswered {
    conversation_id: ConversationId,
    status: &'static str,
}

/// Answers a request that was made to `asked`.
pub(super) async fn answer(
    app: &App,
    asked: UserId,
    input: &AnswerRequest,
) -> Result<RequestAnswered, Error> {
    let mut tx = app.begin().await?;
    let conversation_id = match (input.conversation_id, input.user_id) {
        (Some(conversation), _) => Some(conversation),
        (None, Some(user)) => conversations::find_direct(&tx, asked, user).await?,
        (None, None) => None,
    };
    let conversation_id = conversation_id.ok_or_else(|| Error::not_found("message request"))?;
    decide(&mut tx, conversation_id, asked, input.action).await?;
    tx.commit().await?;
    Ok(RequestAnswered {
        conversation_id,
        status: match input.action {
            Answer::Accept => "accepted",
            Answer::Reject => "rejected",
        },
    })
}

/// The same by way of the notification.
pub(super) async fn answer_notification(tx: &mut Tx, answered: Answered) -> Result<(), Error> {
    let conversation = answered.related_id.map(ConversationId::new);
    let Some(Ok(conversation)) = conversation else {
        return Err(Error::defect("a message request without a conversation"));
    };
    decide(tx, conversation, answered.recipient, answered.answer).await
}

async fn decide(
    tx: &mut Tx,
    conversation: ConversationId,
    asked: UserId,
    answer: Answer,
) -> Result<(), Error> {
    match answer {
        Answer::Accept => open(tx, conversation, asked, i64::MAX).await,
        Answer::Reject => {
            if !queries::reject_request(tx, conversation, asked).await? {
                return Err(Error::not_found("message request"));
            }
            events::request_rejected(tx, conversation, asked)?;
            notifications::settle_request(tx, conversation, asked).await
        }
    }
}
