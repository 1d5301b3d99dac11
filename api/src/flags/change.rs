//! Turning a flag, and telling whom it may concern.

use std::collections::BTreeSet;

use schemars::JsonSchema;
use serde::Serialize;
use serde_json::json;
use shared::{
    flags::{Flag, Rules},
    ids::UserId,
    wire::{Channel, Class, kind},
};

use super::queries;
use crate::{
    app::{
        App,
        db::{NoticeSpec, Tx},
        error::Error,
        event_type::EventType,
    },
    audit::{self, Act},
};

/// People who are told each for themselves; where it concerns more, everybody is.
const TOLD_MAX: usize = 100;

/// Stores the rules of a flag, for an admin or an operator at a terminal. Pods know them within a second, this one at once.
pub async fn turn(
    app: &App,
    actor: Option<UserId>,
    flag: &'static Flag,
    rules: &Rules,
) -> Result<(), Error> {
    let mut tx = app.begin().await?;
    queries::raise_version(&tx).await?;
    let before = queries::find_rules(&tx, flag.name).await?;
    let stored = serde_json::to_value(rules).map_err(Error::internal)?;
    queries::put_rules(&tx, (flag.name, &stored), actor, app.now()).await?;
    let act = Act {
        actor,
        act: "flag_changed",
        subject: format!("flag:{}", flag.name),
        detail: json!({"before": before, "after": stored}),
    };
    audit::note(&tx, act).await?;
    let before = before.unwrap_or_else(|| Rules::simple(flag.is_on));
    tell(&mut tx, flag, (&before, rules))?;
    tx.commit().await
}

/// Those whom a change of the lists alone concerns are told; where the shares have changed, nobody knows whom.
fn tell(tx: &mut Tx, flag: &Flag, (before, after): (&Rules, &Rules)) -> Result<(), Error> {
    if before == after {
        return Ok(());
    }
    let shares = |rules: &Rules| Rules {
        allowed_users: BTreeSet::new(),
        denied_users: BTreeSet::new(),
        ..rules.clone()
    };
    let listed = |rules: &Rules, user: &UserId| {
        let (allowed, denied) = (&rules.allowed_users, &rules.denied_users);
        (allowed.contains(user), denied.contains(user))
    };
    let people = [before, after].into_iter();
    let people = people.flat_map(|rules| rules.allowed_users.union(&rules.denied_users));
    let mut moved: Vec<UserId> = people
        .filter(|user| listed(before, user) != listed(after, user))
        .copied()
        .collect();
    moved.sort_unstable();
    moved.dedup();
    if shares(before) != shares(after) || moved.len() > TOLD_MAX {
        return tell_one(tx, flag, Channel::Broadcast);
    }
    for user in moved {
        tell_one(tx, flag, Channel::User(user))?;
    }
    Ok(())
}

pub(super) const FLAGS_CHANGED: EventType = EventType::notice::<FlagsChanged>(
    kind::FLAGS_CHANGED,
    "What the recipient has of a feature flag may have changed: read the flags again, at a random moment of the next seconds.",
);

#[derive(Serialize, JsonSchema)]
struct FlagsChanged {
    name: &'static str,
}

fn tell_one(tx: &mut Tx, flag: &Flag, channel: Channel) -> Result<(), Error> {
    tx.notice(&NoticeSpec {
        channel,
        kind: FLAGS_CHANGED,
        class: Class::State,
        key: Some(&format!("flags:{}", flag.name)),
        from: None,
        to: None,
        group: None,
        data: &FlagsChanged { name: flag.name },
    })
}
