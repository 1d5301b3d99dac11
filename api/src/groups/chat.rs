//! A group's chat, for whoever stores messages in it.

use shared::{
    ids::{ConversationId, GroupId, UserId},
    wire::Code,
};

use super::queries::groups;
use crate::app::{db::Connection, error::Error};

/// The conversation of a group.
#[derive(Debug, Clone, Copy)]
pub struct Chat {
    /// Whose.
    pub group: GroupId,
    /// Where its messages are.
    pub conversation: ConversationId,
    pub(super) is_member: bool,
}

/// The group's chat, for a member. Inside a transaction the membership stands until its end, so that nobody who was removed
/// writes after the removal.
///
/// # Errors
///
/// `not_found`, or `not_a_member`.
pub async fn require_chat(db: &Connection, group: GroupId, member: UserId) -> Result<Chat, Error> {
    let chat = groups::find_chat(db, group, member).await?;
    let chat = chat.ok_or_else(|| Error::not_found("group"))?;
    if chat.is_member {
        Ok(chat)
    } else {
        Err(not_a_member())
    }
}

/// The chat that this conversation is, for a member; `None` for any other conversation. Holds the membership as
/// [`require_chat`] does.
pub async fn find_chat(
    db: &Connection,
    conversation: ConversationId,
    member: UserId,
) -> Result<Option<Chat>, Error> {
    let chat = groups::find_chat_by_conversation(db, conversation, member).await?;
    Ok(chat.filter(|chat| chat.is_member))
}

pub(super) fn not_a_member() -> Error {
    Error::new(Code::NotAMember, "only members of the group may do this")
}
