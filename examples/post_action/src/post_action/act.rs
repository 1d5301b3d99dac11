//! Acting on a post.

use api::{
    app::{App, db::Tx, error::Error},
    comments, follows, likes, posts, presence,
    users::{self, Person},
};
use futures_util::future::{try_join, try_join_all};
use shared::{
    ids::{PostId, UserId},
    wire::Code,
};

use super::{
    events, notifications,
    routes::{Acted, Action},
};

/// Followers who are looked at: the newest.
const FOLLOWERS_MAX: i64 = 200;

/// Does it, and tells whom it may concern: all of it, or nothing.
pub(super) async fn act(
    app: &App,
    person: UserId,
    post: PostId,
    action: &Action,
) -> Result<Acted, Error> {
    app.as_one(async {
        match action {
            Action::Like => {
                likes::change(app, person, post, likes::Wish::Like).await?;
            }
            Action::Comment { content } => {
                comments::write(app, person, post, content).await?;
            }
            Action::Share => share(app, person, post).await?,
        }
        let told = tell_followers(app, person, post, action).await?;
        Ok(Acted {
            post_id: post,
            action: action.name(),
            followers_told: told,
        })
    })
    .await
}

/// The author is told of likes and comments by the features that these are.
async fn share(app: &App, person: UserId, post: PostId) -> Result<(), Error> {
    let mut tx = app.begin().await?;
    let author = posts::require_visible(&tx, person, post).await?;
    let sharer = users::find_person(&tx, person).await?;
    events::post_shared(&mut tx, (post, author), person)?;
    notifications::post_share(&mut tx, (post, author), &sharer).await?;
    tx.commit().await
}

/// Says how many were told.
async fn tell_followers(
    app: &App,
    person: UserId,
    post: PostId,
    action: &Action,
) -> Result<usize, Error> {
    let mut tx = app.begin().await?;
    let actor = users::find_person(&tx, person).await?;
    let followers = follows::newest_followers(&tx, person, FOLLOWERS_MAX).await?;
    let followers = online(app, followers).await?;
    let wishes = followers
        .iter()
        .map(|to| is_to_hear(&tx, &actor, post, *to));
    let wishes = try_join_all(wishes).await?;
    let told = followers.into_iter().zip(wishes);
    let told: Vec<_> = told.filter_map(|(to, hears)| hears.then_some(to)).collect();
    for to in &told {
        events::post_action(&mut tx, post, action, (&actor, *to))?;
    }
    tx.commit().await?;
    Ok(told.len())
}

/// Who of them is online. While nobody knows, nobody could hear anything either.
async fn online(app: &App, people: Vec<UserId>) -> Result<Vec<UserId>, Error> {
    let online = match presence::online(app, &people).await {
        Err(error) if error.code() == Code::Unavailable => return Ok(Vec::new()),
        online => online?,
    };
    let people = people.into_iter().zip(online);
    Ok(people
        .filter_map(|(person, is)| is.then_some(person))
        .collect())
}

async fn is_to_hear(tx: &Tx, actor: &Person, post: PostId, to: UserId) -> Result<bool, Error> {
    let (wants, may_see) = try_join(
        notifications::wants(tx, actor, to),
        posts::may_see(tx, to, post),
    )
    .await?;
    Ok(wants && may_see)
}
