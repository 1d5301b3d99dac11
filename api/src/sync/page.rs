//! A page of changes.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::Serialize;
use shared::{
    ids::{ConversationId, UserId},
    wire::{Channel, Position},
};

use super::{
    cursor::{Cursor, Mark, Place, Section, Unfinished},
    stand::{Stand, find_stand},
};
use crate::{
    app::{
        App,
        db::{Connection, Round},
        error::Error,
        http::page::encode,
    },
    conversations::{self, ConversationView, MessageView},
    groups::{self, GroupView},
    notifications::{self, ChangedNotification},
};

/// What has changed since a cursor.
#[derive(Debug, Default, Serialize, JsonSchema)]
pub(super) struct SyncPage {
    /// For the next call; `null` where everything has to be fetched anew.
    cursor: Option<String>,
    /// Whether to call again at once.
    has_more: bool,
    /// The cursor cannot be gone on from: throw away what is known, and ask `/bootstrap`.
    full: bool,
    /// Conversations that the caller has joined since the cursor, perhaps anew: what is known of their messages may be old,
    /// and is to be thrown away before anything else on the page is looked at.
    joined: Vec<ConversationId>,
    /// New ones and such as were edited or deleted, by conversation and `seq`.
    messages: Vec<MessageView>,
    /// As they look now.
    conversations: Vec<ConversationView>,
    /// New ones, and such as were folded, read or settled, as they are now.
    notifications: Vec<ChangedNotification>,
    /// As they look now.
    groups: Vec<GroupView>,
    /// What a list cannot say, on the last page; left out where nothing has changed.
    #[serde(skip_serializing_if = "Option::is_none")]
    counts: Option<Counts>,
    /// On the last page: where the state that was read is the state, in every channel that the caller hears. A group that
    /// is not among them is left.
    #[serde(skip_serializing_if = "Option::is_none")]
    channels: Option<BTreeMap<Channel, Position>>,
}

/// How many of what wait for a person.
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct Counts {
    unread_notifications: i64,
    /// Counted up to 1000.
    message_requests: i64,
}

/// The changes since `cursor`, `limit` of them at most; without a cursor none, and a cursor from now on.
pub(super) async fn page(
    app: &App,
    user: UserId,
    cursor: Option<Cursor>,
    limit: i64,
) -> Result<SyncPage, Error> {
    let stand = find_stand(&app.read().await?, user).await?;
    let Some(cursor) = cursor else {
        return Ok(level(user, &stand, stand.cursor(user)));
    };
    if cursor.user != user || cursor.epoch != stand.epoch {
        return Ok(SyncPage {
            full: true,
            ..SyncPage::default()
        });
    }
    if cursor.round.is_none() && cursor.since.is_level_with(&stand.mark()) {
        // The same cursor again, so that the answer is the same, and its `ETag`.
        return Ok(level(user, &stand, encode(&cursor)));
    }
    let db = app.snapshot().await?;
    let page = read(&db, cursor, limit).await?;
    db.end().await?;
    Ok(page)
}

/// Nothing has changed.
fn level(user: UserId, stand: &Stand, cursor: String) -> SyncPage {
    SyncPage {
        cursor: Some(cursor),
        channels: Some(stand.channels(user)),
        ..SyncPage::default()
    }
}

async fn read(db: &Connection, cursor: Cursor, limit: i64) -> Result<SyncPage, Error> {
    let user = cursor.user;
    let stand = find_stand(db, user).await?;
    let (until, from) = match cursor.round {
        Some(Unfinished { until, place }) => (until, Some(place)),
        None => (stand.mark(), None),
    };
    let round = Round {
        since: cursor.since.moment.clone(),
        until: until.moment.clone(),
    };
    let mut page = SyncPage::default();
    if from.is_none() {
        page.joined = conversations::list_joined(db, user, &round).await?;
    }
    let place = fill(&mut page, db, user, &round, (from, limit)).await?;
    let next = |since: Mark, round: Option<Unfinished>| {
        Some(encode(&Cursor {
            user,
            epoch: cursor.epoch,
            since,
            round,
        }))
    };
    if let Some(place) = place {
        page.cursor = next(cursor.since, Some(Unfinished { until, place }));
        page.has_more = true;
    } else if until.is_level_with(&stand.mark()) {
        page.counts = Some(count(db, user).await?);
        page.channels = Some(stand.channels(user));
        page.cursor = next(until, None);
    } else {
        // While its pages were read, more has happened: the next round brings it.
        page.cursor = next(until, None);
        page.has_more = true;
    }
    Ok(page)
}

async fn count(db: &Connection, user: UserId) -> Result<Counts, Error> {
    Ok(Counts {
        unread_notifications: notifications::count_unread(db, user).await?,
        message_requests: conversations::count_requests(db, user).await?,
    })
}

/// Puts what comes after the place into the page, and says where the page ends; `None` where nothing is left.
async fn fill(
    page: &mut SyncPage,
    db: &Connection,
    user: UserId,
    round: &Round,
    (from, limit): (Option<Place>, i64),
) -> Result<Option<Place>, Error> {
    let mut room = limit;
    for section in Section::ALL {
        let after = match from {
            Some(place) if section < place.section => continue,
            Some(place) if section == place.section => place.after,
            _ => (0, 0),
        };
        let (found, last) = page.add(db, user, round, (section, after, room)).await?;
        if found == room {
            return Ok(last.map(|after| Place { section, after }));
        }
        room -= found;
    }
    Ok(None)
}

/// A thing's place among those of its kind.
type After = (i64, i64);

impl SyncPage {
    /// Adds up to `room` things of a kind; says how many there were, and where the last one stands.
    async fn add(
        &mut self,
        db: &Connection,
        user: UserId,
        round: &Round,
        (section, after, room): (Section, After, i64),
    ) -> Result<(i64, Option<After>), Error> {
        let found = match section {
            Section::Messages => {
                let found = conversations::list_changed_messages(db, user, round, after, room);
                put(&mut self.messages, found.await?, |message| {
                    (message.conversation_id.get(), message.seq)
                })
            }
            Section::Conversations => {
                let found =
                    conversations::list_changed_conversations(db, user, round, after.0, room);
                put(&mut self.conversations, found.await?, |conversation| {
                    (conversation.id.get(), 0)
                })
            }
            Section::Notifications => {
                let found = notifications::list_changed(db, user, round, after, room);
                put(&mut self.notifications, found.await?, |notification| {
                    notification.place
                })
            }
            Section::Groups => {
                let found = groups::list_changed(db, user, round, after.0, room);
                put(&mut self.groups, found.await?, |group| (group.id.get(), 0))
            }
        };
        Ok(found)
    }
}

fn put<T>(list: &mut Vec<T>, found: Vec<T>, place: impl Fn(&T) -> After) -> (i64, Option<After>) {
    let count = i64::try_from(found.len()).unwrap_or(i64::MAX);
    *list = found;
    (count, list.last().map(place))
}
