//! Counts of a post, live in its room: told some times a second at most, however many people like it at once.
//!
//! Whoever changes a count leaves a note in the pod; a job of each pod counts for all notes since it last looked. So a
//! count is read once for many likes, and a like costs nothing more. What was told is looked at once more a second later,
//! and told again if it is another by then: of two pods that counted at once, the one that saw less may have been heard
//! last.

use std::{
    collections::{BTreeMap, HashMap, HashSet},
    time::Duration,
};

use schemars::JsonSchema;
use serde::Serialize;
use serde_json::Value;
use shared::{
    ids::PostId,
    wire::{Channel, Class},
};

use super::queries;
use crate::app::{
    App,
    db::{NoticeSpec, Tx},
    error::Error,
    event_type::EventType,
    jobs::Job,
    live::Count,
};

/// Runs until what was told is looked at again: a second.
const RUNS_UNTIL_SECOND_LOOK: u8 = 4;

/// The job.
#[derive(Debug, Default)]
pub(super) struct TellCounts {
    told: HashMap<(Count, PostId), Told>,
}

#[derive(Debug)]
struct Told {
    value: Value,
    runs_left: u8,
}

impl Job for TellCounts {
    const NAME: &'static str = "tell_counts";
    const EVERY: Duration = Duration::from_millis(250);
    const EVERYWHERE: bool = true;

    async fn run(&mut self, app: &App) -> Result<(), Error> {
        let changed = app.changed_counts().take();
        let told = self.tell(app, &changed).await;
        if told.is_err() {
            for (count, post) in changed {
                app.changed_counts().note(count, post);
            }
        }
        told
    }
}

impl TellCounts {
    async fn tell(&mut self, app: &App, changed: &HashSet<(Count, PostId)>) -> Result<(), Error> {
        let mut to_count = changed.clone();
        for (key, told) in &mut self.told {
            told.runs_left = told.runs_left.saturating_sub(1);
            if told.runs_left == 0 {
                to_count.insert(*key);
            }
        }
        if to_count.is_empty() {
            return Ok(());
        }
        let mut tx = app.begin().await?;
        let mut counted = HashMap::new();
        for count in Count::ALL {
            let posts = to_count.iter().filter(|(of, _)| *of == count);
            let posts: Vec<PostId> = posts.map(|(_, post)| *post).collect();
            if posts.is_empty() {
                continue;
            }
            for (post, value) in queries::count(&tx, count, &posts).await? {
                let key = (count, post);
                let before = self.told.get(&key).map(|told| &told.value);
                if before != Some(&value) {
                    tell_count(&mut tx, key, &value)?;
                }
                counted.insert(key, value);
            }
        }
        tx.commit().await?;
        self.remember(changed, counted);
        Ok(())
    }

    /// What was told a second ago and has not changed since is forgotten, so that this stays small.
    fn remember(
        &mut self,
        changed: &HashSet<(Count, PostId)>,
        counted: HashMap<(Count, PostId), Value>,
    ) {
        for (key, value) in counted {
            let before = self.told.remove(&key);
            let is_settled = before.is_some_and(|told| told.value == value);
            if !is_settled || changed.contains(&key) {
                let runs_left = RUNS_UNTIL_SECOND_LOOK;
                self.told.insert(key, Told { value, runs_left });
            }
        }
        self.told.retain(|_, told| told.runs_left > 0);
    }
}

/// What is told here.
pub(super) const TYPES: &[EventType] = &[LIKE_COUNT, COMMENT_COUNT, REACTION_COUNT];

const LIKE_COUNT: EventType = EventType::notice::<Likes>(
    "like_count",
    "How many like a post by now, live in its room.",
);
const COMMENT_COUNT: EventType = EventType::notice::<Comments>(
    "comment_count",
    "Comments under a post by now, live in its room.",
);
const REACTION_COUNT: EventType = EventType::notice::<Reactions>(
    "reaction_count",
    "People by reaction to a post, live in its room.",
);

#[derive(Serialize, JsonSchema)]
struct Likes {
    post_id: PostId,
    #[schemars(with = "u64")]
    like_count: Value,
}

#[derive(Serialize, JsonSchema)]
struct Comments {
    post_id: PostId,
    #[schemars(with = "u64")]
    comment_count: Value,
}

#[derive(Serialize, JsonSchema)]
struct Reactions {
    post_id: PostId,
    /// How many people by emoji.
    #[schemars(with = "BTreeMap<String, u64>")]
    reactions: Value,
}

fn tell_count(tx: &mut Tx, (count, post_id): (Count, PostId), value: &Value) -> Result<(), Error> {
    let value = value.clone();
    match count {
        Count::Likes => tell(
            tx,
            LIKE_COUNT,
            post_id,
            &Likes {
                post_id,
                like_count: value,
            },
        ),
        Count::Comments => tell(
            tx,
            COMMENT_COUNT,
            post_id,
            &Comments {
                post_id,
                comment_count: value,
            },
        ),
        Count::Reactions => tell(
            tx,
            REACTION_COUNT,
            post_id,
            &Reactions {
                post_id,
                reactions: value,
            },
        ),
    }
}

fn tell<T: Serialize + JsonSchema>(
    tx: &mut Tx,
    kind: EventType,
    post: PostId,
    data: &T,
) -> Result<(), Error> {
    tx.notice(&NoticeSpec {
        channel: Channel::Post(post),
        kind,
        class: Class::State,
        key: Some(&format!("{}:{post}", kind.name)),
        from: None,
        to: None,
        group: None,
        data,
    })
}
