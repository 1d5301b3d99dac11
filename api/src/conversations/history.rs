//! The messages of a conversation, page by page, in either direction. Within a page always in the order of `seq`.

use schemars::JsonSchema;
use serde::Deserialize;
use shared::ids::{ConversationId, UserId};

use super::{message::MessageView, queries};
use crate::app::{
    db::Connection,
    error::Error,
    http::{
        json::{Input, Wrong},
        page::{Page, PageQuery},
    },
};

/// `?after_seq=` for what came since, `?before_seq=` for what came before; neither for the newest.
#[derive(Debug, Deserialize, JsonSchema)]
pub struct Span {
    after_seq: Option<i64>,
    before_seq: Option<i64>,
}

impl Input for Span {
    fn check(&self, wrong: &mut Wrong) {
        if self.after_seq.is_some() && self.before_seq.is_some() {
            wrong.field(
                "before_seq",
                "conflict",
                "after_seq or before_seq, not both",
            );
        }
    }
}

enum Direction {
    After(i64),
    Before(i64),
}

/// First number of a cursor's key, so that the next page goes on in the same direction.
const ONWARDS: i64 = 1;
const BACKWARDS: i64 = -1;

/// A page of the history, as a member reads it; `not_found` for everybody else.
pub async fn list_messages(
    db: &Connection,
    reader: UserId,
    conversation: ConversationId,
    span: &Span,
    page: &PageQuery,
) -> Result<Page<MessageView>, Error> {
    let direction = direction(span, page)?;
    if !queries::is_member(db, conversation, reader).await? {
        return Err(Error::not_found("conversation"));
    }
    match direction {
        Direction::After(seq) => {
            let rows = queries::list_messages_after(db, conversation, seq, page.rows()).await?;
            Ok(page.page(rows, |message| [ONWARDS, message.seq]))
        }
        Direction::Before(seq) => {
            let rows =
                queries::list_messages_before(db, conversation, seq, (page.rows(), 0)).await?;
            let mut page = page.page(rows, |message| [BACKWARDS, message.seq]);
            page.items.reverse();
            Ok(page)
        }
    }
}

fn direction(span: &Span, page: &PageQuery) -> Result<Direction, Error> {
    let cursor: Option<[i64; 2]> = page.after()?;
    Ok(match (cursor, span.after_seq, span.before_seq) {
        (Some([ONWARDS, seq]), ..) | (None, Some(seq), _) => Direction::After(seq),
        (Some([_, seq]), ..) | (None, None, Some(seq)) => Direction::Before(seq),
        (None, None, None) => Direction::Before(i64::MAX),
    })
}

/// The page that ends `offset` messages before the newest one, for a member; its cursor goes on towards the oldest.
pub async fn list_newest_messages(
    db: &Connection,
    conversation: ConversationId,
    offset: i64,
    page: &PageQuery,
) -> Result<Page<MessageView>, Error> {
    let cursor: Option<[i64; 2]> = page.after()?;
    let before = cursor.map_or(i64::MAX, |[_, seq]| seq);
    let rows = (page.rows(), offset);
    let rows = queries::list_messages_before(db, conversation, before, rows).await?;
    let mut page = page.page(rows, |message| [BACKWARDS, message.seq]);
    page.items.reverse();
    Ok(page)
}
