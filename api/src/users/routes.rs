//! Reading, changing and finding profiles.

use axum::{Json as Answer, extract::State};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use shared::ids::UserId;

use super::{
    Person, contacts,
    feed_notice::feeds_update_available,
    pairs::lock_followers,
    queries::{self, ProfileChange, ProfileView},
    search::{self, Rank},
};
use crate::{
    app::{
        App,
        access::account_changed,
        error::Error,
        http::{
            Path, SignedIn,
            answer::Dated,
            json::{Change, Input, Json, TEXT, Wrong},
            page::{Page, PageQuery, Query},
        },
    },
    notifications,
};

const NAME_LENGTH_MAX: usize = 100;
const BIO_LENGTH_MAX: usize = 500;
const URL_LENGTH_MAX: usize = 2000;
const SEARCH_LENGTH_MAX: usize = 100;

pub(super) async fn find_profile(
    State(app): State<App>,
    caller: SignedIn,
    Path(id): Path<UserId>,
) -> Result<Dated<ProfileView>, Error> {
    let profile = queries::find_profile(&app.read().await?, caller.user_id, id).await?;
    let profile = profile.ok_or_else(|| Error::not_found("user"))?;
    let changed_at = profile.changed_at;
    Ok(Dated::new(profile, changed_at))
}

#[derive(Debug, Deserialize, JsonSchema)]
pub(super) struct UpdateProfile {
    #[schemars(length(max = NAME_LENGTH_MAX), example = &"Ana Lima")]
    name: Option<String>,
    #[schemars(length(max = BIO_LENGTH_MAX), example = &"Runs in the morning.")]
    bio: Option<String>,
    #[serde(default)]
    #[schemars(length(min = 1, max = URL_LENGTH_MAX), regex(pattern = "^https?://"), example = &"https://example.com/ana.png")]
    avatar: Change<String>,
    is_private: Option<bool>,
    is_invisible: Option<bool>,
}

impl Input for UpdateProfile {
    fn check(&self, wrong: &mut Wrong) {
        if let Some(name) = &self.name {
            wrong.unless_length("name", name, 0..=NAME_LENGTH_MAX);
        }
        if let Some(bio) = &self.bio {
            wrong.unless_length("bio", bio, 0..=BIO_LENGTH_MAX);
        }
        if let Change::Set(Some(url)) = &self.avatar {
            wrong.unless_length("avatar", url, 1..=URL_LENGTH_MAX);
            if !url.starts_with("https://") && !url.starts_with("http://") {
                wrong.field("avatar", "invalid_url", "a URL with https:// or http://");
            }
        }
    }
}

/// A profile as its owner sees it.
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct OwnProfile {
    #[serde(flatten)]
    profile: ProfileView,
    /// Looks offline to everybody.
    is_invisible: bool,
}

pub(super) async fn update_profile(
    State(app): State<App>,
    caller: SignedIn,
    Json(input): Json<UpdateProfile>,
) -> Result<Answer<OwnProfile>, Error> {
    let change = ProfileChange {
        name: input.name.as_deref(),
        bio: input.bio.as_deref(),
        avatar: &input.avatar,
        is_private: input.is_private,
    };
    let mut tx = app.begin().await?;
    if input.is_private.is_some() {
        lock_followers(&tx, caller.user_id).await?;
    }
    let was_private = queries::lock_privacy(&tx, caller.user_id).await?;
    let profile = queries::update_profile(&tx, caller.user_id, &change, app.now()).await?;
    if input.is_private == Some(false) {
        let followers = queries::accept_pending(&tx, caller.user_id).await?;
        contacts::tell_new_contacts(&mut tx, caller.user_id, &followers).await?;
        feeds_update_available(&mut tx, &followers)?;
        let asked: Vec<i64> = followers.iter().map(|follower| follower.get()).collect();
        notifications::settle_all(&mut tx, caller.user_id, "follow_request", &asked).await?;
    }
    if input.is_private == Some(true) && !was_private {
        account_changed(&mut tx, caller.user_id)?;
    }
    if let Some(invisible) = input.is_invisible {
        contacts::set_invisible(&mut tx, caller.user_id, invisible, app.now()).await?;
    }
    let is_invisible = queries::is_invisible(&tx, caller.user_id).await?;
    tx.commit().await?;
    Ok(Answer(OwnProfile {
        profile,
        is_invisible,
    }))
}

#[derive(Debug, Deserialize, JsonSchema)]
pub(super) struct Search {
    #[schemars(length(min = 1, max = SEARCH_LENGTH_MAX), regex(pattern = TEXT), example = &"ana")]
    q: String,
}

impl Input for Search {
    fn check(&self, wrong: &mut Wrong) {
        wrong.unless_text("q", &self.q, SEARCH_LENGTH_MAX);
    }
}

pub(super) async fn search(
    State(app): State<App>,
    caller: SignedIn,
    Query(input): Query<Search>,
    page: PageQuery,
) -> Result<Answer<Page<Person>>, Error> {
    let text = input.q.trim().to_lowercase();
    let after = page.after()?.unwrap_or_else(Rank::top);
    let connection = app.read().await?;
    let found = search::search(&connection, caller.user_id, &text, &after, page.rows()).await?;
    let page = page.page(found, |found| found.rank.clone());
    Ok(Answer(page.map(|found| found.person)))
}
