//! Moving a read marker: for the route and the socket command alike.

use schemars::JsonSchema;
use serde::Serialize;
use shared::ids::{ConversationId, UserId};

use super::{
    events::{self, Unread},
    queries,
};
use crate::{
    app::{App, error::Error},
    notifications,
};

/// Where the marker is now.
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct MarkerView {
    conversation_id: ConversationId,
    read_seq: i64,
    last_seq: i64,
}

/// Moves the reader's marker to `seq`. A `seq` behind the marker or beyond the last message changes nothing, and is no
/// error: devices tell it late, or of a conversation as it was before a restore. Nor does reading a request that is not
/// accepted: the one who asks does not learn of it.
pub(super) async fn mark_read(
    app: &App,
    reader: UserId,
    conversation_id: ConversationId,
    seq: i64,
) -> Result<MarkerView, Error> {
    let mut tx = app.begin().await?;
    let marker = queries::lock_marker(&tx, conversation_id, reader).await?;
    let marker = marker.ok_or_else(|| Error::not_found("conversation"))?;
    let mut read_seq = marker.read_seq;
    if !marker.is_request && (marker.read_seq + 1..=marker.last_seq).contains(&seq) {
        queries::move_marker(&tx, conversation_id, reader, seq).await?;
        let unread = Unread {
            last_seq: marker.last_seq,
            count: queries::count_unread(&tx, conversation_id, reader, (seq, marker.last_seq))
                .await?,
        };
        let listeners = &marker.listeners;
        events::message_read(&mut tx, conversation_id, reader, (seq, unread), listeners)?;
        if seq == marker.last_seq {
            notifications::settle(&mut tx, reader, "message", conversation_id.get()).await?;
        }
        tx.commit().await?;
        read_seq = seq;
    }
    Ok(MarkerView {
        conversation_id,
        read_seq,
        last_seq: marker.last_seq,
    })
}
