//! Liking a post and taking it back.

use schemars::JsonSchema;
use serde::Serialize;
use shared::ids::{PostId, UserId};

use super::{queries, telling};
use crate::{
    app::{App, db::Tx, error::Error, live::Count, time::Time},
    posts::{self, Visible},
};

/// What somebody wants of a post.
#[derive(Debug, Clone, Copy)]
pub enum Wish {
    /// To like it.
    Like,
    /// Not to.
    Unlike,
    /// The opposite of what is.
    Toggle,
}

/// How it is afterwards.
#[derive(Debug, Serialize, JsonSchema)]
pub struct LikeState {
    /// Whether the person likes it now.
    pub liked: bool,
    /// How many people do.
    pub like_count: i64,
}

/// Does what the person wishes, and says how it is afterwards.
pub async fn change(
    app: &App,
    person: UserId,
    post: PostId,
    wish: Wish,
) -> Result<LikeState, Error> {
    app.flags().require(&super::FLAG, person).await?;
    let mut tx = app.begin().await?;
    let visible = posts::find_visible(&tx, person, post).await?;
    let liked = match wish {
        Wish::Like => true,
        Wish::Unlike => {
            queries::delete_like(&tx, post, person).await?;
            false
        }
        Wish::Toggle => {
            // Two taps at once are two toggles, one after the other: without the lock both could see no like.
            queries::lock_like(&tx, post, person).await?;
            !queries::delete_like(&tx, post, person).await?
        }
    };
    if liked {
        like(&mut tx, (post, visible), person, app.now()).await?;
    }
    let like_count = queries::count_likes(&tx, person, post).await?;
    tx.commit().await?;
    app.changed_counts().note(Count::Likes, post);
    Ok(LikeState { liked, like_count })
}

/// The author hears of a new like only, so that liking again tells nobody anything.
async fn like(
    tx: &mut Tx,
    (post, visible): (PostId, Visible),
    person: UserId,
    now: Time,
) -> Result<(), Error> {
    if queries::insert_like(tx, post, person, now).await? {
        telling::tell(tx, (post, visible), person).await?;
    }
    Ok(())
}
