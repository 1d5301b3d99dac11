//! `/messages`.

use axum::{Json as Answer, Router, extract::State, http::StatusCode, routing::get};
use serde::Deserialize;
use shared::ids::{ConversationId, UserId};

use super::send::{self, NewMessage, Target};
use crate::{
    app::{
        App,
        error::Error,
        http::{
            SignedIn,
            json::{Input, Json, Wrong},
            page::{Page, PageQuery, Query},
        },
    },
    conversations::{self, MessageView, Span},
    users,
};

pub(super) fn routes() -> Router<App> {
    Router::new().route("/messages", get(list_messages).post(send_message))
}

#[derive(Deserialize)]
struct WithPerson {
    user: UserId,
}

impl Input for WithPerson {}

/// The direct conversation with somebody; empty until there is one.
async fn list_messages(
    State(app): State<App>,
    caller: SignedIn,
    Query(WithPerson { user }): Query<WithPerson>,
    Query(span): Query<Span>,
    page: PageQuery,
) -> Result<Answer<Page<MessageView>>, Error> {
    let db = app.read().await?;
    if let Some(conversation) = conversations::find_direct(&db, caller.user_id, user).await? {
        let page =
            conversations::list_messages(&db, caller.user_id, conversation, &span, &page).await?;
        return Ok(Answer(page));
    }
    users::find_person(&db, user).await?;
    Ok(Answer(Page {
        items: Vec::new(),
        next_cursor: None,
    }))
}

#[derive(Deserialize)]
struct SendMessage {
    to: Option<UserId>,
    conversation_id: Option<ConversationId>,
    content: String,
    client_message_id: Option<String>,
}

impl Input for SendMessage {
    fn check(&self, wrong: &mut Wrong) {
        match (self.to, self.conversation_id) {
            (Some(_), None) | (None, Some(_)) => {}
            (None, None) => wrong.field("to", "required", "to or conversation_id is needed"),
            (Some(_), Some(_)) => {
                wrong.field(
                    "conversation_id",
                    "conflict",
                    "to or conversation_id, not both",
                );
            }
        }
        send::check_texts(wrong, &self.content, self.client_message_id.as_deref());
    }
}

/// 201 with a new message, 200 with one that was sent before.
async fn send_message(
    State(app): State<App>,
    caller: SignedIn,
    Json(input): Json<SendMessage>,
) -> Result<(StatusCode, Answer<MessageView>), Error> {
    let target = match (input.to, input.conversation_id) {
        (Some(person), _) => Target::Person(person),
        (None, Some(conversation)) => Target::Conversation(conversation),
        (None, None) => return Err(Error::defect("an input that was checked names no target")),
    };
    let message = NewMessage {
        target,
        content: input.content,
        client_message_id: input.client_message_id,
    };
    let sent = send::send(&app, caller.user_id, &message).await?;
    let status = if sent.is_new {
        StatusCode::CREATED
    } else {
        StatusCode::OK
    };
    Ok((status, Answer(sent.message)))
}
