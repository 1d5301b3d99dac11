//! What the first screen shows.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::Serialize;
use shared::{
    flags::FlagValue,
    ids::UserId,
    wire::{Channel, Position},
};

use crate::{
    app::{
        App,
        db::Connection,
        error::Error,
        http::{
            page::{Page, PageQuery},
            place::Place,
        },
    },
    auth::{self, AccountView},
    conversations::{self, ConversationView},
    feed, flags,
    groups::{self, GroupView},
    notifications::{self, NotificationView},
    posts::PostView,
    sync,
};

const CONVERSATIONS: i64 = 50;
const NOTIFICATIONS: i64 = 20;
const GROUPS: i64 = 50;
const POSTS: i64 = 20;

/// The first screen.
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct Screen {
    me: AccountView,
    /// The beginning of `GET /conversations`.
    conversations: Page<ConversationView>,
    /// Message requests that wait for the caller's answer; counted up to 1000.
    message_requests: i64,
    notifications: Notifications,
    /// The beginning of `GET /groups`.
    groups: Page<GroupView>,
    /// The beginning of `GET /feed`.
    feed: Page<PostView>,
    /// What is switched on for the caller.
    flags: BTreeMap<&'static str, FlagValue>,
    /// The durable channels that the caller's sockets hear, and where in each of them this is the state.
    channels: BTreeMap<Channel, Position>,
    /// Where `GET /sync?since=` goes on from here.
    sync_cursor: String,
}

/// The beginning of `GET /notifications`.
#[derive(Debug, Serialize, JsonSchema)]
struct Notifications {
    #[serde(flatten)]
    page: Page<NotificationView>,
    unread_count: i64,
}

/// Reads it, in a number of statements that does not depend on what the person has.
pub(super) async fn read(app: &App, user: UserId) -> Result<Screen, Error> {
    let db = app.snapshot().await?;
    let stand = sync::find_stand(&db, user).await?;
    let screen = Screen {
        me: auth::find_account(&db, user).await?,
        conversations: read_conversations(&db, user).await?,
        message_requests: conversations::count_requests(&db, user).await?,
        notifications: read_notifications(&db, user).await?,
        groups: read_groups(&db, user).await?,
        feed: read_feed(&db, user).await?,
        flags: flags::evaluate(app, &db, user).await?,
        channels: stand.channels(user),
        sync_cursor: stand.cursor(user),
    };
    db.end().await?;
    Ok(screen)
}

async fn read_conversations(
    db: &Connection,
    user: UserId,
) -> Result<Page<ConversationView>, Error> {
    let query = PageQuery::first(CONVERSATIONS);
    let rows = conversations::list_conversations(db, user, i64::MAX, query.rows()).await?;
    Ok(query.page(rows, |conversation| [conversation.last_message.id.get()]))
}

async fn read_notifications(db: &Connection, user: UserId) -> Result<Notifications, Error> {
    let query = PageQuery::first(NOTIFICATIONS);
    let rows = (query.rows(), 0);
    let rows = notifications::list_notifications(db, (user, false), i64::MAX, rows).await?;
    Ok(Notifications {
        page: query.page(rows, |notification| [notification.id.get()]),
        unread_count: notifications::count_unread(db, user).await?,
    })
}

async fn read_groups(db: &Connection, user: UserId) -> Result<Page<GroupView>, Error> {
    let query = PageQuery::first(GROUPS);
    let rows = groups::list_groups(db, user, Place::TOP, query.rows()).await?;
    Ok(query.page(rows, GroupView::place))
}

async fn read_feed(db: &Connection, user: UserId) -> Result<Page<PostView>, Error> {
    let query = PageQuery::first(POSTS);
    let rows = feed::list_following(db, user, Place::TOP, query.rows()).await?;
    Ok(query.page(rows, PostView::place))
}
