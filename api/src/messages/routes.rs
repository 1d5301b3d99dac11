//! `/messages`.

use axum::{Json as Answer, extract::State};
use schemars::JsonSchema;
use serde::Deserialize;
use shared::{
    ids::{ConversationId, GroupId, MessageId, UserId},
    wire::Code,
};

use super::{
    change,
    queries::{self, RequestView},
    requests::{self, AnswerRequest, RequestAnswered},
    send::{self, CLIENT_MESSAGE_ID_LENGTH_MAX, CONTENT_LENGTH_MAX, NewMessage, Target},
};
use crate::{
    app::{
        App,
        error::Error,
        http::{
            Path, SignedIn,
            answer::Stored,
            json::{Input, Json, TEXT, Wrong, one_of},
            page::{OffsetQuery, Page, PageQuery, Query},
        },
        openapi::{Routes, get, patch},
    },
    conversations::{self, MessageView, Span},
    users,
};

pub(super) fn routes() -> Routes {
    Routes::new()
        .route(
            "/messages",
            get(list_messages).post(send_message).refuses(&[
                Code::NotAMember,
                Code::SelfNotAllowed,
                Code::MessageRequestRejected,
                Code::MessageRequestPending,
                Code::MessageNotAllowed,
                Code::IdempotencyConflict,
            ]),
        )
        .route("/messages/private", get(list_private))
        .route(
            "/messages/requests",
            get(list_requests).post(answer_request),
        )
        .route(
            "/messages/{id}",
            patch(edit_message)
                .refuses(&[Code::Forbidden, Code::EditWindowClosed])
                .delete(delete_message)
                .refuses(&[Code::Forbidden]),
        )
}

#[derive(Deserialize, JsonSchema)]
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

#[derive(Deserialize, JsonSchema)]
#[schemars(extend("oneOf" = one_of(&["to", "group_id", "conversation_id"])))]
struct SendMessage {
    to: Option<UserId>,
    group_id: Option<GroupId>,
    conversation_id: Option<ConversationId>,
    #[schemars(length(min = 1, max = CONTENT_LENGTH_MAX), regex(pattern = TEXT), example = &"Are you there?")]
    content: String,
    #[schemars(length(min = 1, max = CLIENT_MESSAGE_ID_LENGTH_MAX), example = &"5b0c7f62")]
    client_message_id: Option<String>,
}

impl SendMessage {
    /// Where to, if exactly one place is named.
    fn target(&self) -> Option<Target> {
        match (self.to, self.group_id, self.conversation_id) {
            (Some(person), None, None) => Some(Target::Person(person)),
            (None, Some(group), None) => Some(Target::Group(group)),
            (None, None, Some(conversation)) => Some(Target::Conversation(conversation)),
            _ => None,
        }
    }
}

impl Input for SendMessage {
    fn check(&self, wrong: &mut Wrong) {
        if self.target().is_none() {
            let (field, code) = match (self.to, self.group_id, self.conversation_id) {
                (None, None, None) => ("to", "required"),
                (_, _, Some(_)) => ("conversation_id", "conflict"),
                _ => ("group_id", "conflict"),
            };
            wrong.field(field, code, "one of to, group_id and conversation_id");
        }
        send::check_texts(wrong, &self.content, self.client_message_id.as_deref());
    }
}

/// 201 with a new message, 200 with one that was sent before.
async fn send_message(
    State(app): State<App>,
    caller: SignedIn,
    Json(input): Json<SendMessage>,
) -> Result<Stored<MessageView>, Error> {
    let target = input.target();
    let target =
        target.ok_or_else(|| Error::defect("an input that was checked names no target"))?;
    let message = NewMessage {
        target,
        content: input.content,
        client_message_id: input.client_message_id,
    };
    let sent = send::send(&app, caller.user_id, &message).await?;
    Ok(if sent.is_new {
        Stored::New(sent.message)
    } else {
        Stored::Known(sent.message)
    })
}

/// The same, for clients that count: `offset` messages back from the newest.
async fn list_private(
    State(app): State<App>,
    caller: SignedIn,
    Query(WithPerson { user }): Query<WithPerson>,
    OffsetQuery { offset, .. }: OffsetQuery,
    page: PageQuery,
) -> Result<Answer<Page<MessageView>>, Error> {
    let db = app.read().await?;
    if let Some(conversation) = conversations::find_direct(&db, caller.user_id, user).await? {
        let page = conversations::list_newest_messages(&db, conversation, offset, &page).await?;
        return Ok(Answer(page));
    }
    users::find_person(&db, user).await?;
    Ok(Answer(Page {
        items: Vec::new(),
        next_cursor: None,
    }))
}

/// What waits for the caller's consent, the newest first.
async fn list_requests(
    State(app): State<App>,
    caller: SignedIn,
    page: PageQuery,
) -> Result<Answer<Page<RequestView>>, Error> {
    let [before] = page.after()?.unwrap_or([i64::MAX]);
    let db = app.read().await?;
    let rows = queries::list_requests(&db, caller.user_id, before, page.rows()).await?;
    let page = page.page(rows, |request| [request.conversation_id.get()]);
    Ok(Answer(page))
}

async fn answer_request(
    State(app): State<App>,
    caller: SignedIn,
    Json(input): Json<AnswerRequest>,
) -> Result<Answer<RequestAnswered>, Error> {
    let answered = requests::answer(&app, caller.user_id, &input).await?;
    Ok(Answer(answered))
}

#[derive(Deserialize, JsonSchema)]
struct EditMessage {
    #[schemars(length(min = 1, max = CONTENT_LENGTH_MAX), regex(pattern = TEXT), example = &"Are you here?")]
    content: String,
}

impl Input for EditMessage {
    fn check(&self, wrong: &mut Wrong) {
        send::check_content(wrong, &self.content);
    }
}

async fn edit_message(
    State(app): State<App>,
    caller: SignedIn,
    Path(message): Path<MessageId>,
    Json(EditMessage { content }): Json<EditMessage>,
) -> Result<Answer<MessageView>, Error> {
    let edited = change::edit(&app, caller.user_id, message, &content).await?;
    Ok(Answer(edited))
}

/// The message as it is from now on: empty, with its number.
async fn delete_message(
    State(app): State<App>,
    caller: SignedIn,
    Path(message): Path<MessageId>,
) -> Result<Answer<MessageView>, Error> {
    let deleted = change::delete(&app, caller.user_id, message).await?;
    Ok(Answer(deleted))
}
