//! `new_comments_available`: whoever takes part in a conversation under a post is told that it goes on, at most once a
//! second however many comments there are.
//!
//! Found by looking, not by being told: one pod asks every second which posts were commented on, so that a comment costs its
//! author nothing more, and the folding holds over all pods. A notice that is missed is made up for by the next, because it
//! carries how many comments there are and not how many are new.

use std::{collections::HashMap, time::Duration};

use schemars::JsonSchema;
use serde::Serialize;
use shared::{
    ids::{PostId, UserId},
    wire::{Channel, Class},
};

use super::queries::{self, Commented};
use crate::{
    app::{
        App,
        db::{NoticeSpec, Tx},
        error::Error,
        event_type::EventType,
        jobs::Job,
    },
    posts,
};

/// Comments are looked for this far back: longer than a transaction takes to show.
const LOOK_BACK: Duration = Duration::from_secs(5);

/// The job, with the counts that it has told.
#[derive(Default)]
pub(super) struct AnnounceComments {
    told: HashMap<PostId, i64>,
}

pub(super) const NEW_COMMENTS_AVAILABLE: EventType = EventType::notice::<NewCommentsAvailable>(
    "new_comments_available",
    "A post of the recipient, or one that they commented on, has new comments; once a second at most.",
);

#[derive(Serialize, JsonSchema)]
struct NewCommentsAvailable {
    post_id: PostId,
    count: i64,
}

impl Job for AnnounceComments {
    const NAME: &'static str = "announce_comments";
    const EVERY: Duration = Duration::from_secs(1);

    async fn run(&mut self, app: &App) -> Result<(), Error> {
        let since = app.now().minus(LOOK_BACK);
        let commented = queries::list_commented(&app.read().await?, since).await?;
        for post in &commented {
            if self.told.get(&post.post_id) != Some(&post.count) {
                announce(app, post).await?;
            }
        }
        // Only what may come again, so that it stays as small as the list.
        self.told = commented
            .iter()
            .map(|post| (post.post_id, post.count))
            .collect();
        Ok(())
    }

    fn on_lease_lost(&mut self) {
        self.told.clear();
    }
}

async fn announce(app: &App, commented: &Commented) -> Result<(), Error> {
    let mut tx = app.begin().await?;
    for person in queries::list_participants(&tx, commented.post_id).await? {
        // Who has commented may have been shut out since.
        if posts::may_see(&tx, person, commented.post_id).await? {
            new_comments_available(&mut tx, person, commented)?;
        }
    }
    tx.commit().await
}

fn new_comments_available(tx: &mut Tx, person: UserId, commented: &Commented) -> Result<(), Error> {
    let key = format!("comments:{}", commented.post_id);
    tx.notice(&NoticeSpec {
        channel: Channel::User(person),
        kind: NEW_COMMENTS_AVAILABLE,
        class: Class::State,
        key: Some(&key),
        from: None,
        to: Some(person),
        group: None,
        data: &NewCommentsAvailable {
            post_id: commented.post_id,
            count: commented.count,
        },
    })
}
