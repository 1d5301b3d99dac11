//! The one place that decides whether somebody is told something.

use serde_json::Value;
use shared::ids::UserId;

use super::{
    events::{self, Manner},
    folding,
    policy::{self, Verdict},
    queries::{self, NotificationView},
};
use crate::{
    app::{
        db::Tx,
        error::Error,
        notification_type::{Folding, NotificationType},
    },
    users,
};

/// Something that somebody may want to know.
#[derive(Debug)]
pub struct NewNotification<'a> {
    /// Who may want to know it.
    pub to: UserId,
    /// Whose act it is.
    pub actor: UserId,
    /// What it is, and how such things are told.
    pub kind: &'a NotificationType,
    /// A sentence for people. One that begins with the actor's display name counts others in where repeats are folded:
    /// "Ana and 4 others liked your post".
    pub message: String,
    /// What it is about; `kind` says what sort of thing that is. Repeats about the same thing are folded.
    pub related_id: Option<i64>,
    /// What clients need beyond that: a JSON object. `actions` in it says that the recipient is asked something.
    pub data: Value,
}

/// Tells somebody something, unless they should not hear of it. Both accounts must exist.
///
/// Blocks, mutes, preferences, policies and folding are asked here and nowhere else: features say what happened, never
/// whether it is worth telling. Whoever tells several people in one transaction does so in the order of their ids, so
/// that two transactions cannot wait for each other.
pub async fn notify(tx: &mut Tx, notification: NewNotification<'_>) -> Result<(), Error> {
    let fate = tell(tx, notification).await?;
    let counters = &tx.metrics().notifications;
    counters.with_label_values(&[fate]).inc();
    Ok(())
}

/// One of [`NOTIFIED`](crate::app::metrics::NOTIFIED).
type Fate = &'static str;

async fn tell(tx: &mut Tx, notification: NewNotification<'_>) -> Result<Fate, Error> {
    let (kind, actor, to) = (notification.kind, notification.actor, notification.to);
    let folding = kind.folding;
    if is_silent(tx, kind, actor, to).await? {
        return Ok("dropped");
    }
    // Asked first, because it answers for all but the first of many messages.
    if folding == Folding::Once && queries::is_told(tx, &notification).await? {
        return Ok("repeated");
    }
    let (is_filtered, is_quiet) = match policy::decide(tx, kind, actor, to).await? {
        Verdict::Drop => return Ok("dropped"),
        Verdict::Filter => (true, true),
        Verdict::Tell { quietly } => (false, quietly),
    };
    let stored = match folding {
        Folding::Never | Folding::Once => {
            let stored = queries::insert_notification(tx, &notification, is_filtered, tx.now());
            Some((stored.await?, false))
        }
        Folding::People | Folding::Acts => fold(tx, notification, folding, is_filtered).await?,
    };
    match stored {
        Some((stored, folded)) if !is_filtered => {
            let quiet = is_quiet;
            events::notification(tx, to, &stored, Manner { quiet, folded })?;
            Ok(if folded { "folded" } else { "sent" })
        }
        Some(_) => Ok("filtered"),
        None => Ok("repeated"),
    }
}

/// Whether somebody would be told of such an act by this person, for what is shown in passing and not kept.
pub async fn wants(
    tx: &Tx,
    kind: &NotificationType,
    actor: UserId,
    to: UserId,
) -> Result<bool, Error> {
    let (is_silent, verdict) = tokio::try_join!(
        is_silent(tx, kind, actor, to),
        policy::decide(tx, kind, actor, to),
    )?;
    Ok(!is_silent && matches!(verdict, Verdict::Tell { .. }))
}

/// Whether nothing that the recipient has chosen matters: it is their own act, or the two are not to hear of each other.
async fn is_silent(
    tx: &Tx,
    kind: &NotificationType,
    actor: UserId,
    to: UserId,
) -> Result<bool, Error> {
    if actor == to && !kind.tells_of_own_acts {
        return Ok(true);
    }
    users::is_silenced(tx, to, actor).await
}

/// Stores it, within an earlier one if there is one to be folded into, and says whether there was. `None` if it is no news.
async fn fold(
    tx: &Tx,
    mut notification: NewNotification<'_>,
    folding: Folding,
    is_filtered: bool,
) -> Result<Option<(NotificationView, bool)>, Error> {
    queries::lock_subject(tx, &notification).await?;
    let since = tx.now().minus(folding::WINDOW);
    let earlier = queries::find_repeated(tx, &notification, is_filtered, since).await?;
    let is_repeated = earlier.as_ref().is_some_and(|earlier| earlier.has_actor);
    if folding == Folding::People && is_repeated {
        return Ok(None);
    }
    let stored = match earlier {
        Some(earlier) if !earlier.is_read => {
            let actor_count = earlier.actor_count + i64::from(!is_repeated);
            if actor_count > 1 {
                let actor = users::find_person(tx, notification.actor).await?;
                folding::count_in(&mut notification, actor.display_name(), actor_count);
            }
            let folded = queries::fold_into(tx, earlier.id, &notification, actor_count);
            (folded.await?, true)
        }
        _ => {
            let stored = queries::insert_notification(tx, &notification, is_filtered, tx.now());
            (stored.await?, false)
        }
    };
    queries::insert_actor(tx, stored.0.id, stored.0.actor.id).await?;
    Ok(Some(stored))
}
