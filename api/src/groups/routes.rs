//! `/groups`.

use axum::{Json as Body, extract::State};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use shared::{
    ids::{GroupId, UserId},
    wire::Code,
};

use super::{
    change,
    group::{GroupView, MemberView, RequestView},
    invitations::{self, Status},
    members,
    membership::{require_at_least, require_role},
    queries::{
        self,
        groups::{GroupChange, NewGroup},
    },
    role::Role,
};
use crate::{
    app::{
        App,
        error::Error,
        http::{
            Path, SignedIn,
            answer::{Created, NoContent},
            json::{Change, Input, Json, TEXT, Wrong},
            page::{OffsetQuery, Page, PageQuery, Query},
            place::Place,
        },
        notification_type::Answer,
        openapi::{Routes, delete, get, patch, post},
    },
    conversations::{self, MessageView},
};

const NAME_CHARACTERS_MAX: usize = 100;
const DESCRIPTION_CHARACTERS_MAX: usize = 2000;
const URL_CHARACTERS_MAX: usize = 2000;

pub(super) fn routes() -> Routes {
    Routes::new()
        .route(
            "/groups",
            get(list_groups)
                .post(create_group)
                .refuses(&[Code::TooManyGroups]),
        )
        .route(
            "/groups/invite",
            post(invite).refuses(&[
                Code::NotAMember,
                Code::Forbidden,
                Code::Conflict,
                Code::TooManyGroups,
            ]),
        )
        .route(
            "/groups/{id}",
            get(read_group)
                .patch(update_group)
                .refuses(&[Code::NotAMember, Code::Forbidden])
                .delete(delete_group)
                .refuses(&[Code::NotAMember, Code::Forbidden]),
        )
        .route(
            "/groups/{id}/invitation",
            post(answer_invitation).refuses(&[Code::NoInvitation, Code::TooManyGroups]),
        )
        .route(
            "/groups/{id}/invitations/{user_id}",
            delete(withdraw_invitation).refuses(&[
                Code::NotAMember,
                Code::Forbidden,
                Code::NoInvitation,
            ]),
        )
        .route(
            "/groups/{id}/join",
            post(join_group).refuses(&[Code::TooManyGroups]),
        )
        .route(
            "/groups/{id}/leave",
            post(leave_group).refuses(&[Code::NotAMember, Code::LastOwner]),
        )
        .route(
            "/groups/{id}/members",
            get(list_members).refuses(&[Code::NotAMember]),
        )
        .route(
            "/groups/{id}/members/{user_id}",
            patch(set_role)
                .refuses(&[Code::NotAMember, Code::Forbidden, Code::LastOwner])
                .delete(remove_member)
                .refuses(&[Code::NotAMember, Code::Forbidden, Code::LastOwner]),
        )
        .route(
            "/messages/group",
            get(list_messages).refuses(&[Code::NotAMember]),
        )
        .route(
            "/groups/{id}/requests",
            get(list_requests).refuses(&[Code::NotAMember, Code::Forbidden]),
        )
        .route(
            "/groups/{id}/requests/{user_id}",
            post(answer_request).refuses(&[Code::NotAMember, Code::Forbidden, Code::TooManyGroups]),
        )
}

#[derive(Deserialize, JsonSchema)]
struct CreateGroup {
    #[schemars(length(min = 1, max = NAME_CHARACTERS_MAX), regex(pattern = TEXT), example = &"Runners")]
    name: String,
    #[serde(default)]
    #[schemars(length(max = DESCRIPTION_CHARACTERS_MAX), example = &"Every Sunday, whatever the weather.")]
    description: String,
    #[schemars(length(min = 1, max = URL_CHARACTERS_MAX), regex(pattern = TEXT), example = &"https://example.com/runners.png")]
    avatar: Option<String>,
    #[serde(default)]
    is_private: bool,
}

impl Input for CreateGroup {
    fn check(&self, wrong: &mut Wrong) {
        wrong.unless_text("name", &self.name, NAME_CHARACTERS_MAX);
        wrong.unless_length(
            "description",
            &self.description,
            0..=DESCRIPTION_CHARACTERS_MAX,
        );
        check_avatar(wrong, self.avatar.as_deref());
    }
}

fn check_avatar(wrong: &mut Wrong, avatar: Option<&str>) {
    if let Some(avatar) = avatar {
        wrong.unless_text("avatar", avatar, URL_CHARACTERS_MAX);
    }
}

async fn create_group(
    State(app): State<App>,
    caller: SignedIn,
    Json(input): Json<CreateGroup>,
) -> Result<Created<GroupView>, Error> {
    let group = NewGroup {
        name: input.name,
        description: input.description,
        avatar: input.avatar,
        is_private: input.is_private,
    };
    let group = change::create(&app, caller.user_id, &group).await?;
    Ok(Created(group))
}

async fn list_groups(
    State(app): State<App>,
    caller: SignedIn,
    page: PageQuery,
) -> Result<Body<Page<GroupView>>, Error> {
    let db = app.read().await?;
    let place = Place::of(&page)?;
    let rows = queries::groups::list_groups(&db, caller.user_id, place, page.rows()).await?;
    Ok(Body(page.page(rows, GroupView::place)))
}

async fn read_group(
    State(app): State<App>,
    caller: SignedIn,
    Path(group): Path<GroupId>,
) -> Result<Body<GroupView>, Error> {
    let db = app.read().await?;
    let group = queries::groups::find_group(&db, caller.user_id, group).await?;
    Ok(Body(group))
}

#[derive(Deserialize, JsonSchema)]
struct UpdateGroup {
    #[schemars(length(min = 1, max = NAME_CHARACTERS_MAX), regex(pattern = TEXT), example = &"Walkers")]
    name: Option<String>,
    #[schemars(length(max = DESCRIPTION_CHARACTERS_MAX), example = &"Every Saturday.")]
    description: Option<String>,
    #[serde(default)]
    #[schemars(length(min = 1, max = URL_CHARACTERS_MAX), regex(pattern = TEXT), example = &"https://example.com/walkers.png")]
    avatar: Change<String>,
    is_private: Option<bool>,
}

impl Input for UpdateGroup {
    fn check(&self, wrong: &mut Wrong) {
        if let Some(name) = &self.name {
            wrong.unless_text("name", name, NAME_CHARACTERS_MAX);
        }
        if let Some(description) = &self.description {
            wrong.unless_length("description", description, 0..=DESCRIPTION_CHARACTERS_MAX);
        }
        if let Change::Set(avatar) = &self.avatar {
            check_avatar(wrong, avatar.as_deref());
        }
    }
}

async fn update_group(
    State(app): State<App>,
    caller: SignedIn,
    Path(group): Path<GroupId>,
    Json(input): Json<UpdateGroup>,
) -> Result<Body<GroupView>, Error> {
    let change = GroupChange {
        name: input.name,
        description: input.description,
        avatar: input.avatar,
        is_private: input.is_private,
    };
    let group = change::update(&app, caller.user_id, group, &change).await?;
    Ok(Body(group))
}

async fn delete_group(
    State(app): State<App>,
    caller: SignedIn,
    Path(group): Path<GroupId>,
) -> Result<NoContent, Error> {
    change::delete(&app, caller.user_id, group).await?;
    Ok(NoContent)
}

/// What somebody is to the group afterwards.
#[derive(Serialize, JsonSchema)]
struct StatusAnswer {
    status: Status,
}

#[derive(Deserialize, JsonSchema)]
struct Invite {
    group_id: GroupId,
    user_id: UserId,
}

impl Input for Invite {}

async fn invite(
    State(app): State<App>,
    caller: SignedIn,
    Json(input): Json<Invite>,
) -> Result<Body<StatusAnswer>, Error> {
    let invited = invitations::invite(&app, caller.user_id, input.group_id, input.user_id);
    let status = invited.await?;
    Ok(Body(StatusAnswer { status }))
}

async fn withdraw_invitation(
    State(app): State<App>,
    caller: SignedIn,
    Path((group, invited)): Path<(GroupId, UserId)>,
) -> Result<NoContent, Error> {
    invitations::withdraw(&app, caller.user_id, group, invited).await?;
    Ok(NoContent)
}

#[derive(Deserialize, JsonSchema)]
struct Answering {
    action: Answer,
}

impl Input for Answering {}

async fn answer_invitation(
    State(app): State<App>,
    caller: SignedIn,
    Path(group): Path<GroupId>,
    Json(input): Json<Answering>,
) -> Result<Body<StatusAnswer>, Error> {
    let status = invitations::answer(&app, caller.user_id, group, input.action).await?;
    Ok(Body(StatusAnswer { status }))
}

async fn join_group(
    State(app): State<App>,
    caller: SignedIn,
    Path(group): Path<GroupId>,
) -> Result<Body<StatusAnswer>, Error> {
    let status = invitations::join(&app, caller.user_id, group).await?;
    Ok(Body(StatusAnswer { status }))
}

async fn leave_group(
    State(app): State<App>,
    caller: SignedIn,
    Path(group): Path<GroupId>,
) -> Result<Body<StatusAnswer>, Error> {
    members::leave(&app, caller.user_id, group).await?;
    let status = Status::None;
    Ok(Body(StatusAnswer { status }))
}

async fn list_members(
    State(app): State<App>,
    caller: SignedIn,
    Path(group): Path<GroupId>,
    page: PageQuery,
) -> Result<Body<Page<MemberView>>, Error> {
    let db = app.read().await?;
    queries::groups::find_group(&db, caller.user_id, group).await?;
    require_role(&db, group, caller.user_id).await?;
    let place = Place::of(&page)?;
    let rows = queries::members::list_members(&db, group, place, page.rows()).await?;
    Ok(Body(page.page(rows, MemberView::place)))
}

#[derive(Deserialize, JsonSchema)]
struct OfGroup {
    group: GroupId,
}

impl Input for OfGroup {}

/// The chat, for clients that count: `offset` messages back from the newest.
async fn list_messages(
    State(app): State<App>,
    caller: SignedIn,
    Query(OfGroup { group }): Query<OfGroup>,
    OffsetQuery { offset, .. }: OffsetQuery,
    page: PageQuery,
) -> Result<Body<Page<MessageView>>, Error> {
    let db = app.read().await?;
    let view = queries::groups::find_group(&db, caller.user_id, group).await?;
    require_role(&db, group, caller.user_id).await?;
    let chat = view.conversation_id;
    let page = conversations::list_newest_messages(&db, chat, offset, &page).await?;
    Ok(Body(page))
}

#[derive(Deserialize, JsonSchema)]
struct SetRole {
    role: Role,
}

impl Input for SetRole {}

async fn set_role(
    State(app): State<App>,
    caller: SignedIn,
    Path((group, member)): Path<(GroupId, UserId)>,
    Json(input): Json<SetRole>,
) -> Result<NoContent, Error> {
    let change = (member, input.role);
    members::set_role(&app, caller.user_id, group, change).await?;
    Ok(NoContent)
}

async fn remove_member(
    State(app): State<App>,
    caller: SignedIn,
    Path((group, member)): Path<(GroupId, UserId)>,
) -> Result<NoContent, Error> {
    members::remove(&app, caller.user_id, group, member).await?;
    Ok(NoContent)
}

async fn list_requests(
    State(app): State<App>,
    caller: SignedIn,
    Path(group): Path<GroupId>,
    page: PageQuery,
) -> Result<Body<Page<RequestView>>, Error> {
    let db = app.read().await?;
    queries::groups::find_group(&db, caller.user_id, group).await?;
    require_at_least(&db, group, caller.user_id, Role::Admin).await?;
    let place = Place::of(&page)?;
    let rows = queries::invitations::list_requests(&db, group, place, page.rows()).await?;
    Ok(Body(page.page(rows, RequestView::place)))
}

async fn answer_request(
    State(app): State<App>,
    caller: SignedIn,
    Path((group, asker)): Path<(GroupId, UserId)>,
    Json(input): Json<Answering>,
) -> Result<Body<StatusAnswer>, Error> {
    let asked = (group, asker);
    let status = invitations::answer_request(&app, caller.user_id, asked, input.action).await?;
    Ok(Body(StatusAnswer { status }))
}
