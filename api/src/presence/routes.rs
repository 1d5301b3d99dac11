//! Presence over HTTP and sockets.

use std::collections::HashMap;

use axum::{Json as Answer, extract::State};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use shared::{flags::PRESENCE, ids::UserId, presence::PresenceView, wire::Code};

use super::{
    internal::at_most,
    look_up::{look_up, online},
    queries,
};
use crate::{
    app::{
        App,
        error::Error,
        http::{
            Path, SignedIn,
            json::{Input, Wrong},
            page::{Page, PageQuery},
        },
        openapi::{Routes, get},
    },
    users::{self, Person},
};

/// People in one question.
const PEOPLE_MAX: usize = 200;

pub(super) fn routes() -> Routes {
    Routes::new()
        .route("/users/online", get(list_online))
        .route("/users/{id}/presence", get(find_presence))
        .behind(&PRESENCE)
}

async fn find_presence(
    State(app): State<App>,
    caller: SignedIn,
    Path(user): Path<UserId>,
) -> Result<Answer<PresenceView>, Error> {
    require_account(&app, user).await?;
    let views = look_up(&app, caller.user_id, &[user]).await?;
    let view = views.into_iter().next();
    view.map(Answer).ok_or_else(|| Error::not_found("user"))
}

/// There being no such account is told; a block is not. While PostgreSQL is away, nobody knows of either.
async fn require_account(app: &App, user: UserId) -> Result<(), Error> {
    let read = async {
        let db = app.read().await?;
        queries::has_account(&db, user).await
    };
    match read.await {
        Ok(true) => Ok(()),
        Ok(false) => Err(Error::not_found("user")),
        Err(error) if error.code() == Code::Unavailable => Ok(()),
        Err(error) => Err(error),
    }
}

/// Somebody who is online.
#[derive(Debug, Serialize, JsonSchema)]
struct OnlinePerson {
    #[serde(flatten)]
    person: Person,
}

async fn list_online(
    State(app): State<App>,
    caller: SignedIn,
    query: PageQuery,
) -> Result<Answer<Page<OnlinePerson>>, Error> {
    let [after] = query.after()?.unwrap_or([0]);
    if !app.settings().presence {
        return Ok(Answer(query.page(Vec::new(), place)));
    }
    let contacts = {
        let db = app.read().await?;
        queries::visible_contacts(&db, caller.user_id, after).await?
    };
    let online = online(&app, &contacts).await?;
    let here = contacts
        .into_iter()
        .zip(online)
        .filter(|(_, online)| *online);
    let rows = usize::try_from(query.rows()).unwrap_or(usize::MAX);
    let here: Vec<UserId> = here.map(|(user, _)| user).take(rows).collect();
    let people = users::find_people(&app.read().await?, &here).await?;
    let mut people: HashMap<UserId, Person> = people.into_iter().map(|one| (one.id, one)).collect();
    let people = here
        .iter()
        .filter_map(|user| people.remove(user))
        .map(|person| OnlinePerson { person });
    Ok(Answer(query.page(people.collect(), place)))
}

fn place(online: &OnlinePerson) -> [i64; 1] {
    [online.person.id.get()]
}

/// Fields of the command `presence`.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
pub(super) struct WhoIsOnline {
    user_ids: Vec<UserId>,
}

impl Input for WhoIsOnline {
    fn check(&self, wrong: &mut Wrong) {
        at_most(wrong, "user_ids", self.user_ids.len(), PEOPLE_MAX);
    }
}

/// Data of `presence_state`.
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct PresenceState {
    users: Vec<PresenceView>,
}

/// The command `presence`: how these people look to the caller, in the order asked.
pub(super) async fn presence(
    app: App,
    caller: SignedIn,
    input: WhoIsOnline,
) -> Result<PresenceState, Error> {
    let users = look_up(&app, caller.user_id, &input.user_ids).await?;
    Ok(PresenceState { users })
}
