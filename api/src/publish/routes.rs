//! `POST /publish`.

use axum::{Json as Answer, extract::State};
use schemars::JsonSchema;
use serde::Serialize;
use shared::{
    ids::{EventId, UserId},
    wire::Channel,
};

use super::{everybody, queries, request::Publish};
use crate::app::{
    App,
    db::{Foreign, Tx},
    error::Error,
    event_log,
    http::{Service, json::Json},
    openapi::{Routes, post},
    service_keys::Scope,
};

pub(super) fn routes() -> Routes {
    Routes::new().route(
        "/publish",
        post(publish).refuses(&[shared::wire::Code::NotFound]),
    )
}

/// What became of it.
#[derive(Debug, Serialize, JsonSchema)]
struct Published {
    /// The same in every channel that carries it; null where there is nobody.
    event_id: Option<EventId>,
    /// People that it is for; null for rooms and everybody.
    recipients: Option<usize>,
    /// Those of the people who have no account here.
    unknown_users: Vec<UserId>,
}

async fn publish(
    State(app): State<App>,
    caller: Service,
    Json(input): Json<Publish>,
) -> Result<Answer<Published>, Error> {
    if app.is_event_type(&input.kind) {
        let message = "this type is the product's own";
        return Err(Error::field("type", "reserved", message));
    }
    caller.require(scope(&input))?;
    let mut tx = app.begin().await?;
    let (channels, unknown_users) = channels(&tx, &input).await?;
    let recipients = input.users.is_some().then_some(channels.len());
    let event_id = if channels.is_empty() {
        None
    } else {
        Some(add(&mut tx, &input, &channels).await?)
    };
    tx.commit().await?;
    Ok(Answer(Published {
        event_id,
        recipients,
        unknown_users,
    }))
}

fn scope(input: &Publish) -> Scope {
    if input.broadcast {
        Scope::PublishBroadcast
    } else if input.room.is_some() {
        Scope::PublishRoom
    } else {
        Scope::PublishUsers
    }
}

/// Where it goes, and who there is not.
async fn channels(tx: &Tx, input: &Publish) -> Result<(Vec<Channel>, Vec<UserId>), Error> {
    let Some(users) = &input.users else {
        return Ok((vec![room(tx, input.room).await?], Vec::new()));
    };
    let known = queries::list_known(tx, users).await?;
    let mut unknown = users.clone();
    unknown.sort_unstable();
    unknown.dedup();
    unknown.retain(|user| known.binary_search(user).is_err());
    Ok((known.into_iter().map(Channel::User).collect(), unknown))
}

/// A room that there is; everybody, where none is named.
async fn room(tx: &Tx, room: Option<Channel>) -> Result<Channel, Error> {
    let is_there = match room {
        Some(Channel::Post(post)) => queries::is_post(tx, post).await?,
        Some(Channel::Group(group)) => queries::is_group(tx, group).await?,
        _ => return Ok(Channel::Broadcast),
    };
    let room = room.filter(|_| is_there);
    room.ok_or_else(|| Error::not_found("room"))
}

async fn add(tx: &mut Tx, input: &Publish, channels: &[Channel]) -> Result<EventId, Error> {
    let id = if input.durable {
        event_log::draw_id(tx).await?
    } else {
        EventId::ephemeral()
    };
    if input.durable && input.broadcast {
        everybody::announce(tx, id, input).await?;
        return Ok(id);
    }
    let event = Foreign {
        id,
        channels,
        kind: &input.kind,
        data: &input.data,
    };
    if input.durable {
        tx.foreign_event(&event)?;
    } else {
        tx.foreign_notice(&event)?;
    }
    Ok(id)
}
