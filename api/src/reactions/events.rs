//! Events of reactions.

use serde::Serialize;
use serde_json::Value;
use shared::{
    ids::PostId,
    wire::{Channel, Class},
};

use crate::app::{
    db::{NoticeSpec, Tx},
    error::Error,
};

#[derive(Serialize)]
struct ReactionCount<'a> {
    post_id: PostId,
    reactions: &'a Value,
}

/// How many people reacted with what, for those in the post's live room. A newer one replaces one that waits.
pub(super) fn reaction_count(tx: &mut Tx, post: PostId, reactions: &Value) -> Result<(), Error> {
    let key = format!("reactions:{post}");
    tx.notice(&NoticeSpec {
        channel: Channel::Post(post),
        kind: "reaction_count",
        class: Class::State,
        key: Some(&key),
        from: None,
        to: None,
        group: None,
        data: &ReactionCount {
            post_id: post,
            reactions,
        },
    })
}
