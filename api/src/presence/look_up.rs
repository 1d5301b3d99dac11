//! How people look to somebody: the same over HTTP and over a socket.

use std::{collections::HashMap, sync::Arc};

use shared::{
    ids::UserId,
    presence::{
        ContactSource, ContactsFuture, ContactsMirror, ContactsUnknown, Presence, PresenceUnknown,
        PresenceView,
    },
    wire::Code,
};

use super::queries::{self, Visible};
use crate::app::{App, error::Error};

/// How each of these people looks to the viewer, in the order asked.
///
/// # Errors
///
/// `unavailable`, where somebody's presence may be seen and is not known.
pub(super) async fn look_up(
    app: &App,
    viewer: UserId,
    people: &[UserId],
) -> Result<Vec<PresenceView>, Error> {
    let visible = visible(app, viewer, people).await?;
    let shown = visible.iter().filter(|(_, one)| !one.invisible);
    let shown: Vec<UserId> = shown.map(|(user, _)| *user).collect();
    let online = online(app, &shown).await?;
    let online: HashMap<UserId, bool> = shown.into_iter().zip(online).collect();
    let views = people.iter().map(|user_id| {
        let online = online.get(user_id).copied().unwrap_or(false);
        let seen = visible.get(user_id).and_then(|one| one.last_seen);
        PresenceView {
            user_id: *user_id,
            online,
            last_seen: seen.filter(|_| !online),
        }
    });
    Ok(views.collect())
}

/// Whether each of these people is online. It is for the caller to tell nobody who may not see it.
///
/// # Errors
///
/// `unavailable`, where that is not known.
pub async fn online(app: &App, people: &[UserId]) -> Result<Vec<bool>, Error> {
    if people.is_empty() {
        return Ok(Vec::new());
    }
    let presence = Presence::new(app.bus().clone());
    presence.online(people).await.map_err(unknown)
}

fn unknown(error: PresenceUnknown) -> Error {
    Error::unavailable("presence").because(error)
}

async fn visible(
    app: &App,
    viewer: UserId,
    people: &[UserId],
) -> Result<HashMap<UserId, Visible>, Error> {
    if !app.settings().presence {
        return Ok(HashMap::new());
    }
    let read = async {
        let db = app.read().await?;
        queries::visible(&db, viewer, people).await
    };
    match read.await {
        Err(error) if error.code() == Code::Unavailable => {
            mirrored(app, viewer, people).await.ok_or(error)
        }
        read => read,
    }
}

/// Without PostgreSQL presence goes on: what gateways mirror in Redis says who may see whom. `None` where it does not.
async fn mirrored(
    app: &App,
    viewer: UserId,
    people: &[UserId],
) -> Option<HashMap<UserId, Visible>> {
    let mirror = ContactsMirror::new(app.bus().clone(), Arc::new(Nobody));
    let own = mirror.read(&[viewer]).await.pop()??;
    let seen = people
        .iter()
        .filter(|user| **user == viewer || own.people.binary_search(user).is_ok());
    let seen: Vec<UserId> = seen.copied().collect();
    let mirrors = mirror.read(&seen).await;
    let visible = seen.into_iter().zip(mirrors).map(|(user, contacts)| {
        let invisible = contacts?.invisible && user != viewer;
        Some((user, Visible::without_history(user, invisible)))
    });
    visible.collect()
}

/// There is nobody to ask.
struct Nobody;

impl ContactSource for Nobody {
    fn contacts(&self, _: Vec<UserId>) -> ContactsFuture<'_> {
        let unknown = ContactsUnknown("PostgreSQL is away".to_owned());
        Box::pin(async move { Err(unknown) })
    }
}
