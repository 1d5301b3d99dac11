//! `new_posts_available`: a notice that there is something new in a feed, once a second at most.
//!
//! Made by looking, as for comments: one pod asks every second which posts have come, so that posting costs its author
//! nothing more, however many follow, and the folding holds over all pods. What it costs is bounded: so many posts of a
//! second here, so many [`readers`] there, and of these only those who are online are told. Who is left out, or away, sees
//! the posts at the next look at the feed.

use std::{
    collections::{HashMap, HashSet},
    time::Duration,
};

use schemars::JsonSchema;
use serde::Serialize;
use shared::{
    ids::{GroupId, PostId},
    wire::{Channel, Class},
};

use super::{
    queries::{self, Recent},
    readers::{self, BOUNDS},
};
use crate::app::{
    App,
    db::{NoticeSpec, Tx},
    error::Error,
    event_type::EventType,
    jobs::Job,
};

/// Posts are looked for this far back: longer than a transaction takes to show.
const LOOK_BACK: Duration = Duration::from_secs(5);

/// The job, with the posts that it has told of.
#[derive(Default)]
pub(super) struct AnnouncePosts {
    told: HashSet<PostId>,
}

impl Job for AnnouncePosts {
    const NAME: &'static str = "announce_posts";
    const EVERY: Duration = Duration::from_secs(1);

    async fn run(&mut self, app: &App) -> Result<(), Error> {
        let since = app.now().minus(LOOK_BACK);
        let recent = queries::list_recent(&app.read().await?, since).await?;
        let ids = recent.iter().map(|post| post.id).collect();
        let news = recent
            .into_iter()
            .filter(|post| !self.told.contains(&post.id));
        let news: Vec<Recent> = news.collect();
        if !news.is_empty() {
            announce(app, &news).await?;
        }
        // Only what may come again, so that it stays as small as the list.
        self.told = ids;
        Ok(())
    }

    fn on_lease_lost(&mut self) {
        self.told.clear();
    }
}

async fn announce(app: &App, news: &[Recent]) -> Result<(), Error> {
    let mut tx = app.begin().await?;
    announce_to_all(&mut tx, news)?;
    announce_to_groups(&mut tx, news)?;
    tx.commit().await?;
    readers::tell(app, news, BOUNDS).await
}

/// The public feed is the same for everybody.
fn announce_to_all(tx: &mut Tx, news: &[Recent]) -> Result<(), Error> {
    let public = news.iter().filter(|post| post.is_public);
    match Folded::of(public.map(|post| post.id)) {
        Some(folded) => notice(tx, Channel::Broadcast, ("public", None), folded),
        None => Ok(()),
    }
}

fn announce_to_groups(tx: &mut Tx, news: &[Recent]) -> Result<(), Error> {
    let mut groups: HashMap<GroupId, Vec<PostId>> = HashMap::new();
    for post in news {
        if let Some(group) = post.group {
            groups.entry(group).or_default().push(post.id);
        }
    }
    for (group, posts) in groups {
        if let Some(folded) = Folded::of(posts.into_iter()) {
            notice(tx, Channel::Group(group), ("group", Some(group)), folded)?;
        }
    }
    Ok(())
}

/// How many there are, and the newest of them.
#[derive(Debug, Clone, Copy, Serialize, JsonSchema)]
pub(super) struct Folded {
    pub(super) count: i64,
    pub(super) latest_post_id: PostId,
}

impl Folded {
    pub(super) fn of(posts: impl Iterator<Item = PostId>) -> Option<Self> {
        posts.fold(None, |before: Option<Self>, post| {
            Some(Self {
                count: before.map_or(0, |before| before.count) + 1,
                latest_post_id: before.map_or(post, |before| before.latest_post_id.max(post)),
            })
        })
    }
}

pub(super) const NEW_POSTS_AVAILABLE: EventType = EventType::notice::<NewPostsAvailable>(
    "new_posts_available",
    "There is something new in a feed; once a second at most.",
);

#[derive(Serialize, JsonSchema)]
struct NewPostsAvailable {
    #[serde(flatten)]
    folded: Folded,
    feed_type: &'static str,
    group_id: Option<GroupId>,
}

/// Tells a channel of what is new in a feed.
pub(super) fn notice(
    tx: &mut Tx,
    channel: Channel,
    (feed_type, group_id): (&'static str, Option<GroupId>),
    folded: Folded,
) -> Result<(), Error> {
    let key = format!("new_posts_available:{feed_type}:{channel}");
    tx.notice(&NoticeSpec {
        channel,
        kind: NEW_POSTS_AVAILABLE,
        class: Class::State,
        key: Some(&key),
        from: None,
        to: None,
        group: group_id,
        data: &NewPostsAvailable {
            folded,
            feed_type,
            group_id,
        },
    })
}
