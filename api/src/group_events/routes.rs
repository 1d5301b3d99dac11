//! `/groups/{id}/events` and `/events`.

use axum::{Json as Body, extract::State};
use schemars::JsonSchema;
use serde::Deserialize;
use shared::{
    ids::{GroupEventId, GroupId},
    wire::Code,
};

use super::{
    attend::{self, Answered},
    change,
    event::{AttendeeView, EventView, Rsvp},
    queries::{
        attendees,
        events::{self, EventChange, NewEvent, Which},
    },
};
use crate::{
    app::{
        App,
        error::Error,
        http::{
            Path, SignedIn,
            answer::{Created, NoContent},
            json::{Change, Input, Json, TEXT, Wrong},
            page::{Page, PageQuery, Query},
            place::Place,
        },
        openapi::{Routes, get, put},
        time::Time,
    },
    groups,
};

const TITLE_CHARACTERS_MAX: usize = 200;
const DESCRIPTION_CHARACTERS_MAX: usize = 5000;
const PLACE_CHARACTERS_MAX: usize = 500;

pub(super) fn routes() -> Routes {
    Routes::new()
        .route(
            "/groups/{id}/events",
            get(list_events)
                .refuses(&[Code::NotAMember])
                .post(create_event)
                .refuses(&[Code::NotAMember]),
        )
        .route(
            "/events/{id}",
            get(find_event)
                .patch(update_event)
                .refuses(&[Code::Forbidden, Code::EventCancelled])
                .delete(cancel_event)
                .refuses(&[Code::Forbidden]),
        )
        .route(
            "/events/{id}/rsvp",
            put(answer_event).refuses(&[Code::EventCancelled]),
        )
        .route("/events/{id}/attendees", get(list_attendees))
}

#[derive(Deserialize, JsonSchema)]
struct CreateEvent {
    #[schemars(length(min = 1, max = TITLE_CHARACTERS_MAX), regex(pattern = TEXT), example = &"A run by the river")]
    title: String,
    #[serde(default)]
    #[schemars(length(max = DESCRIPTION_CHARACTERS_MAX), example = &"Slow, and then fast.")]
    description: String,
    #[schemars(length(min = 1, max = PLACE_CHARACTERS_MAX), regex(pattern = TEXT), example = &"The old bridge")]
    place: Option<String>,
    starts_at: Time,
    ends_at: Option<Time>,
}

impl Input for CreateEvent {
    fn check(&self, wrong: &mut Wrong) {
        wrong.unless_text("title", &self.title, TITLE_CHARACTERS_MAX);
        wrong.unless_length(
            "description",
            &self.description,
            0..=DESCRIPTION_CHARACTERS_MAX,
        );
        check_place(wrong, self.place.as_deref());
    }
}

fn check_place(wrong: &mut Wrong, place: Option<&str>) {
    if let Some(place) = place {
        wrong.unless_text("place", place, PLACE_CHARACTERS_MAX);
    }
}

async fn create_event(
    State(app): State<App>,
    caller: SignedIn,
    Path(group): Path<GroupId>,
    Json(input): Json<CreateEvent>,
) -> Result<Created<EventView>, Error> {
    let event = NewEvent {
        title: input.title,
        description: input.description,
        place: input.place,
        starts_at: input.starts_at,
        ends_at: input.ends_at,
    };
    let event = change::create(&app, caller.user_id, group, &event).await?;
    Ok(Created(event))
}

#[derive(Deserialize, JsonSchema)]
struct ListEvents {
    #[serde(default)]
    past: bool,
}

impl Input for ListEvents {}

/// Those to come, the next one first; with `?past=true` those that are over, the last one first.
async fn list_events(
    State(app): State<App>,
    caller: SignedIn,
    Path(group): Path<GroupId>,
    Query(ListEvents { past }): Query<ListEvents>,
    page: PageQuery,
) -> Result<Body<Page<EventView>>, Error> {
    let db = app.read().await?;
    groups::require_chat(&db, group, caller.user_id).await?;
    let (which, start) = if past {
        (Which::Past, Place::TOP)
    } else {
        (Which::Upcoming, Place::BOTTOM)
    };
    let place = page.after()?.unwrap_or(start);
    let whose = (caller.user_id, group);
    let rows = events::list_events(&db, whose, (which, app.now()), (place, page.rows())).await?;
    Ok(Body(page.page(rows, EventView::place)))
}

async fn find_event(
    State(app): State<App>,
    caller: SignedIn,
    Path(event): Path<GroupEventId>,
) -> Result<Body<EventView>, Error> {
    let db = app.read().await?;
    let event = events::find_event(&db, caller.user_id, event).await?;
    Ok(Body(event))
}

#[derive(Deserialize, JsonSchema)]
struct UpdateEvent {
    #[schemars(length(min = 1, max = TITLE_CHARACTERS_MAX), regex(pattern = TEXT), example = &"A run by the lake")]
    title: Option<String>,
    #[schemars(length(max = DESCRIPTION_CHARACTERS_MAX), example = &"Only slow.")]
    description: Option<String>,
    #[serde(default)]
    #[schemars(length(min = 1, max = PLACE_CHARACTERS_MAX), regex(pattern = TEXT), example = &"The jetty")]
    place: Change<String>,
    starts_at: Option<Time>,
    #[serde(default)]
    ends_at: Change<Time>,
}

impl Input for UpdateEvent {
    fn check(&self, wrong: &mut Wrong) {
        if let Some(title) = &self.title {
            wrong.unless_text("title", title, TITLE_CHARACTERS_MAX);
        }
        if let Some(description) = &self.description {
            wrong.unless_length("description", description, 0..=DESCRIPTION_CHARACTERS_MAX);
        }
        if let Change::Set(place) = &self.place {
            check_place(wrong, place.as_deref());
        }
    }
}

async fn update_event(
    State(app): State<App>,
    caller: SignedIn,
    Path(event): Path<GroupEventId>,
    Json(input): Json<UpdateEvent>,
) -> Result<Body<EventView>, Error> {
    let change = EventChange {
        title: input.title,
        description: input.description,
        place: input.place,
        starts_at: input.starts_at,
        ends_at: input.ends_at,
    };
    let event = change::update(&app, caller.user_id, event, &change).await?;
    Ok(Body(event))
}

async fn cancel_event(
    State(app): State<App>,
    caller: SignedIn,
    Path(event): Path<GroupEventId>,
) -> Result<NoContent, Error> {
    change::cancel(&app, caller.user_id, event).await?;
    Ok(NoContent)
}

#[derive(Deserialize, JsonSchema)]
struct AnswerEvent {
    status: Rsvp,
}

impl Input for AnswerEvent {}

async fn answer_event(
    State(app): State<App>,
    caller: SignedIn,
    Path(event): Path<GroupEventId>,
    Json(AnswerEvent { status }): Json<AnswerEvent>,
) -> Result<Body<Answered>, Error> {
    let answered = attend::answer(&app, caller.user_id, event, status).await?;
    Ok(Body(answered))
}

#[derive(Deserialize, JsonSchema)]
struct ListAttendees {
    status: Option<Rsvp>,
}

impl Input for ListAttendees {}

/// Who has answered, the last one first; with `?status=` those who have answered this.
async fn list_attendees(
    State(app): State<App>,
    caller: SignedIn,
    Path(event): Path<GroupEventId>,
    Query(ListAttendees { status }): Query<ListAttendees>,
    page: PageQuery,
) -> Result<Body<Page<AttendeeView>>, Error> {
    let db = app.read().await?;
    events::find_event(&db, caller.user_id, event).await?;
    let place = (Place::of(&page)?, page.rows());
    let rows = attendees::list_attendees(&db, event, status, place).await?;
    Ok(Body(page.page(rows, AttendeeView::place)))
}
