//! Why did somebody not get it: an event from its commit to the sockets, on all nodes.
//!
//! What was committed and for which channels stands in the log, what was published in Redis, and what became of it on each
//! connection in the ledger ([`shared::ledger`]), for those who are traced. The verdict about a person puts these together.

mod queries;
mod verdict;
mod view;

use axum::{Json as Answer, extract::State};
use schemars::JsonSchema;
use serde::Deserialize;
use shared::{
    ids::{EventId, UserId},
    ledger::{self, Line, TRACE},
    wire::Channel,
};

pub(super) use queries::STATEMENTS;
use verdict::{Facts, Verdict};
use view::{AboutUser, ChannelView, DeliveryView, TraceView};

use super::acts;
use crate::{
    app::{
        App,
        db::Connection,
        error::Error,
        event_log::{self, Logged},
        http::{Admin, Path, json::Input, page::Query},
        openapi::{Routes, get},
        time::Time,
    },
    auth::moderation,
    publish::{self, UnderWay},
};

/// Channels of one event that are told of.
const CHANNELS_MAX: i64 = 1000;

pub(super) fn routes() -> Routes {
    Routes::new().route("/admin/events/{id}/trace", get(trace))
}

/// About whom.
#[derive(Debug, Deserialize, JsonSchema)]
struct Whose {
    /// Somebody who should have got it.
    user_id: Option<UserId>,
}

impl Input for Whose {}

async fn trace(
    State(app): State<App>,
    _: Admin,
    Path(event): Path<EventId>,
    Query(Whose { user_id }): Query<Whose>,
) -> Result<Answer<TraceView>, Error> {
    let db = app.read().await?;
    // Asked before the log: whoever is told meanwhile is found there too.
    let under_way = publish::find_under_way(&db, event).await?;
    let logged = find_logged(&db, event, user_id).await?;
    let lines = known(ledger::read(app.bus(), event).await);
    let is_unheard_of = lines.as_ref().is_some_and(Vec::is_empty);
    if logged.is_empty() && is_unheard_of && under_way.is_none() {
        return Err(Error::not_found("event"));
    }
    let channels = channels(&app, &logged).await;
    let about = match user_id {
        None => None,
        Some(user) => {
            let of_event = (&*channels, under_way, lines.as_deref());
            Some(about(&app, &db, user, of_event).await?)
        }
    };
    let is_meant = |line: &Line| user_id.is_none_or(|user| line.user_id == user);
    let lines = lines.unwrap_or_default();
    let meant = lines.into_iter().filter(is_meant);
    Ok(Answer(TraceView {
        event_id: event,
        kind: logged.first().map(|entry| entry.kind.clone()),
        committed_at: logged
            .first()
            .and_then(|e| Time::from_millisecond(e.committed_at_ms)),
        channels,
        deliveries: meant.map(DeliveryView::from).collect(),
        about,
    }))
}

/// The event's channels, among them that of the person who is asked about, however many others there are.
async fn find_logged(
    db: &Connection,
    event: EventId,
    user_id: Option<UserId>,
) -> Result<Vec<Logged>, Error> {
    let mut logged = event_log::find_event(db, event, CHANNELS_MAX).await?;
    let own = user_id.map(Channel::User);
    if let Some(own) = own.filter(|own| !logged.iter().any(|entry| entry.channel == *own)) {
        logged.extend(event_log::find_in_channel(db, event, own).await?);
    }
    Ok(logged)
}

/// What Redis cannot say is not known, and nothing else.
fn known<T, E: std::fmt::Display>(asked: Result<T, E>) -> Option<T> {
    asked
        .inspect_err(|error| tracing::warn!(%error, "a trace without what Redis knows"))
        .ok()
}

async fn channels(app: &App, logged: &[Logged]) -> Vec<ChannelView> {
    let names: Vec<Channel> = logged.iter().map(|entry| entry.channel).collect();
    let heads = known(app.bus().heads(&names).await);
    let mut views = Vec::with_capacity(logged.len());
    for (index, entry) in logged.iter().enumerate() {
        let head = heads.as_ref().and_then(|heads| *heads.get(index)?);
        views.push(ChannelView {
            channel: entry.channel,
            offset: entry.position.offset,
            is_published: head.map(|head| {
                head.epoch == entry.position.epoch && head.offset >= entry.position.offset
            }),
        });
    }
    views
}

async fn about(
    app: &App,
    db: &Connection,
    user: UserId,
    (channels, under_way, lines): (&[ChannelView], Option<UnderWay>, Option<&[Line]>),
) -> Result<AboutUser, Error> {
    moderation::require(db, user).await?;
    let channel = addressed(db, user, channels).await?;
    let open = known(acts::connections(app, user).await);
    let is_to_come = under_way.is_some_and(|under_way| under_way.is_still_to_tell(user));
    let facts = Facts {
        // An event without a log row was for whoever listened.
        is_addressed: channel.is_some() || channels.is_empty(),
        is_to_come: channel.is_none() && is_to_come,
        is_published: channel.and_then(|channel| channel.is_published),
        is_durable: !channels.is_empty(),
        is_traced: app.flags().value(&TRACE, user).enabled,
        connections: open.as_ref().map(Vec::len),
        lines: lines.map(|lines| lines.iter().filter(|line| line.user_id == user).collect()),
    };
    let verdict = Verdict::of(&facts);
    Ok(AboutUser {
        user_id: user,
        is_addressed: facts.is_addressed,
        is_traced: facts.is_traced,
        connections: facts.connections,
        verdict,
        explanation: verdict.explanation(),
    })
}

/// The channel by which it is for somebody.
async fn addressed<'a>(
    db: &Connection,
    user: UserId,
    channels: &'a [ChannelView],
) -> Result<Option<&'a ChannelView>, Error> {
    let own = channels
        .iter()
        .find(|view| view.channel == Channel::User(user));
    if own.is_some() {
        return Ok(own);
    }
    for view in channels {
        if let Channel::Group(group) = view.channel
            && queries::is_member(db, group, user).await?
        {
            return Ok(Some(view));
        }
    }
    Ok(None)
}
