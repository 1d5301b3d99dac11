//! Counts of a post, live in its room: told some times a second at most, however many people like it at once.
//!
//! Whoever changes a count leaves a note in the pod; a job of each pod counts for all notes since it last looked. So a
//! count is read once for many likes, and a like costs nothing more. What was told is looked at once more a second later,
//! and told again if it is another by then: of two pods that counted at once, the one that saw less may have been heard
//! last.

use std::{
    collections::{HashMap, HashSet},
    time::Duration,
};

use serde_json::{Map, Value};
use shared::{
    ids::PostId,
    wire::{Channel, Class},
};

use super::queries;
use crate::app::{
    App,
    db::{NoticeSpec, Tx},
    error::Error,
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

fn tell_count(tx: &mut Tx, (count, post): (Count, PostId), value: &Value) -> Result<(), Error> {
    let (kind, field) = match count {
        Count::Likes => ("like_count", "like_count"),
        Count::Comments => ("comment_count", "comment_count"),
        Count::Reactions => ("reaction_count", "reactions"),
    };
    let mut data = Map::new();
    data.insert("post_id".to_owned(), post.get().into());
    data.insert(field.to_owned(), value.clone());
    tx.notice(&NoticeSpec {
        channel: Channel::Post(post),
        kind,
        class: Class::State,
        key: Some(&format!("{kind}:{post}")),
        from: None,
        to: None,
        group: None,
        data: &data,
    })
}
