//! Telling people of what has come into their feeds: the posts themselves (`new_post`) while these are few, and in any case
//! that there are some.
//!
//! Bounded by the second, however many follow whoever posts: so many readers are looked at, so many of those who are online
//! are told, and so many posts go out. Past that readers get the folded notice alone.

use std::collections::BTreeMap;

use shared::{
    ids::{GroupId, PostId, UserId},
    wire::{Channel, Class},
};

use super::{
    announce::{self, Folded},
    queries::{self, Reads, Recent},
};
use crate::{
    app::{
        App,
        db::{NoticeSpec, Tx},
        error::Error,
        event_type::EventType,
    },
    posts::{self, PostView},
    presence,
};

/// Of one author, in one group or for all, where many post in the same second.
const READERS_OF_EACH: usize = 5000;
/// New posts that one reader is told in a second; more are more than anybody reads as they come.
const POSTS_AT_ONCE: usize = 5;
/// Readers whose presence is asked for together, and who are told in one transaction. Presence is kept in partitions, each asked
/// once for all of its people among them: so many that each has several.
const READERS_AT_ONCE: usize = 20_000;

/// What a second may cost.
#[derive(Debug, Clone, Copy)]
pub(super) struct Bounds {
    /// Pairs of an author and a reader that are looked at.
    pub(super) looks: usize,
    /// Readers who are told that there is something.
    pub(super) notices: usize,
    /// Posts that are told: each as often as it has readers.
    pub(super) posts: usize,
}

pub(super) const BOUNDS: Bounds = Bounds {
    looks: 100_000,
    notices: 10_000,
    posts: 1000,
};

pub(super) const NEW_POST: EventType = EventType::notice::<PostView>(
    "new_post",
    "A post that has come into the reader's feed; where many are to be told, only `new_posts_available` comes.",
);

/// Where posts come from: an author, and the group, if they are not for all.
type Source = (UserId, Option<GroupId>);

/// Tells whoever reads these posts in their feed and is online.
pub(super) async fn tell(app: &App, news: &[Recent], mut left: Bounds) -> Result<(), Error> {
    let mut posts: BTreeMap<Source, Vec<PostId>> = BTreeMap::new();
    for post in news {
        let source = (post.author, post.group);
        posts.entry(source).or_default().push(post.id);
    }
    let (sources, posts): (Vec<Source>, Vec<Vec<PostId>>) = posts.into_iter().unzip();
    let of_each = READERS_OF_EACH.max(left.looks / sources.len().max(1));
    let db = app.read().await?;
    let mut audience = queries::list_audience(&db, &sources, (of_each, left.looks)).await?;
    drop(db);
    audience.sort_unstable();
    let readers: Vec<&[Reads]> = audience
        .chunk_by(|one, other| one.reader == other.reader)
        .collect();
    for readers in readers.chunks(READERS_AT_ONCE) {
        let mut batch = Batch::default();
        for reads in online(app, readers).await {
            batch.add(reads, (&sources, &posts), &mut left);
        }
        batch.tell(app).await?;
    }
    Ok(())
}

/// Those who are online; everybody, where that is not known: a notice for somebody who is away costs little.
async fn online<'a>(app: &App, readers: &[&'a [Reads]]) -> Vec<&'a [Reads]> {
    let ids = readers.iter().map(|reads| reads[0].reader);
    let ids: Vec<UserId> = ids.collect();
    let online = presence::online(app, &ids).await;
    let online = online.unwrap_or_else(|_| vec![true; ids.len()]);
    let known = readers.iter().zip(online);
    known
        .filter(|(_, is)| *is)
        .map(|(reads, _)| *reads)
        .collect()
}

/// What is told together.
#[derive(Default)]
struct Batch {
    posts: BTreeMap<PostId, Vec<Channel>>,
    notices: Vec<(Channel, Folded)>,
}

impl Batch {
    /// What one reader is told, as long as something is left.
    fn add(
        &mut self,
        reads: &[Reads],
        (sources, posts): (&[Source], &[Vec<PostId>]),
        left: &mut Bounds,
    ) {
        let Some(Reads { reader, .. }) = reads.first() else {
            return;
        };
        let channel = Channel::User(*reader);
        let of = |reads: &Reads| posts[reads.source].iter().copied();
        let count = reads.iter().flat_map(of).count();
        // All that is new for the reader, or nothing of it: so whoever is told a post knows those before it.
        if count <= POSTS_AT_ONCE.min(left.posts) {
            left.posts -= count;
            for post in reads.iter().flat_map(of) {
                self.posts.entry(post).or_default().push(channel);
            }
        }
        // Groups have a notice of their own, on their channel.
        let for_all = reads
            .iter()
            .filter(|reads| sources[reads.source].1.is_none());
        if left.notices > 0
            && let Some(folded) = Folded::of(for_all.flat_map(of))
        {
            left.notices -= 1;
            self.notices.push((channel, folded));
        }
    }

    async fn tell(self, app: &App) -> Result<(), Error> {
        if self.posts.is_empty() && self.notices.is_empty() {
            return Ok(());
        }
        let mut tx = app.begin().await?;
        let ids: Vec<PostId> = self.posts.keys().copied().collect();
        if !ids.is_empty() {
            for post in posts::list_new(&tx, &ids).await? {
                new_post(&mut tx, &post, &self.posts[&post.id])?;
            }
        }
        for (channel, folded) in self.notices {
            announce::notice(&mut tx, channel, ("following", None), folded)?;
        }
        tx.commit().await
    }
}

/// `new_post`: before the notice that counts it, so that whoever hears that knows the post.
fn new_post(tx: &mut Tx, post: &PostView, channels: &[Channel]) -> Result<(), Error> {
    let Some((first, others)) = channels.split_first() else {
        return Ok(());
    };
    let key = format!("new_post:{}", post.id);
    let notice = NoticeSpec {
        channel: *first,
        kind: NEW_POST,
        class: Class::State,
        key: Some(&key),
        from: Some(post.author.id),
        to: None,
        group: post.group_id,
        data: post,
    };
    tx.notice_to_all(&notice, others)
}
