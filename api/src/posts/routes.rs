//! Posts over HTTP.

use axum::{Json as Answer, extract::State};
use schemars::JsonSchema;
use serde::Deserialize;
use shared::{
    ids::{GroupId, PostId, UserId},
    wire::Code,
};

use super::{
    ATTACHMENTS_MAX, Attachment, Mention, NewPost, PostView, check_attachments,
    mentions::tell_new_mentions,
    queries::{self, find_view},
    require_visible, write,
};
use crate::{
    app::{
        App,
        access::post_deleted,
        db::Connection,
        error::Error,
        http::{
            Path, SignedIn,
            answer::{Created, NoContent},
            json::{Input, Json, TEXT, Wrong},
            page::{Page, PageQuery},
            place::Place,
        },
        openapi::{Routes, get, post},
    },
    users,
};

/// The longest text of a post, in characters; a constraint holds it too.
const CONTENT_CHARACTERS_MAX: usize = 10_000;

pub(super) fn routes() -> Routes {
    Routes::new()
        // `GET /posts` is the feed's.
        .route("/posts", post(create_post))
        .route("/posts/{id}", get(read_post).put(update_post).refuses(&[Code::EditWindowClosed, Code::Forbidden]).delete(delete_post).refuses(&[Code::Forbidden]))
        .route("/users/{id}/posts", get(list_posts_of))
        .route(
            "/groups/{id}/posts",
            get(list_posts_in).post(create_post_in),
        )
}

/// What an author writes.
#[derive(Debug, Deserialize, JsonSchema)]
struct WritePost {
    #[schemars(length(min = 1, max = CONTENT_CHARACTERS_MAX), regex(pattern = TEXT), example = &"Good morning.")]
    content: String,
    #[schemars(length(max = ATTACHMENTS_MAX))]
    attachments: Option<Vec<Attachment>>,
    group_id: Option<GroupId>,
}

impl Input for WritePost {
    fn check(&self, wrong: &mut Wrong) {
        wrong.unless_text("content", &self.content, CONTENT_CHARACTERS_MAX);
        check_attachments(self.attachments.as_deref().unwrap_or_default(), wrong);
    }
}

async fn create_post(
    State(app): State<App>,
    caller: SignedIn,
    Json(input): Json<WritePost>,
) -> Result<Created<PostView>, Error> {
    create(&app, caller.user_id, &input, input.group_id).await
}

async fn create_post_in(
    State(app): State<App>,
    caller: SignedIn,
    Path(group): Path<GroupId>,
    Json(input): Json<WritePost>,
) -> Result<Created<PostView>, Error> {
    create(&app, caller.user_id, &input, Some(group)).await
}

async fn create(
    app: &App,
    author: UserId,
    input: &WritePost,
    group: Option<GroupId>,
) -> Result<Created<PostView>, Error> {
    let mut tx = app.begin().await?;
    let new = NewPost {
        author,
        content: &input.content,
        attachments: input.attachments.as_deref().unwrap_or_default(),
        group,
        activity: None,
    };
    let view = write(&mut tx, &new).await?;
    tx.commit().await?;
    Ok(Created(view))
}

async fn read_post(
    State(app): State<App>,
    caller: SignedIn,
    Path(post): Path<PostId>,
) -> Result<Answer<PostView>, Error> {
    let db = app.read().await?;
    find_view(&db, caller.user_id, post).await.map(Answer)
}

async fn update_post(
    State(app): State<App>,
    caller: SignedIn,
    Path(post): Path<PostId>,
    Json(input): Json<WritePost>,
) -> Result<Answer<PostView>, Error> {
    let now = app.now();
    let written_from = now.minus(app.settings().edit_window);
    let mut tx = app.begin().await?;
    let own = (post, caller.user_id);
    let before = queries::lock_content(&tx, own).await?;
    let content = (&*input.content, input.attachments.as_deref());
    if !queries::update_content(&tx, own, content, now, written_from).await? {
        require_author(&tx, caller.user_id, post).await?;
        let detail = "a post can be edited for a short time only";
        return Err(Error::new(Code::EditWindowClosed, detail));
    }
    let view = find_view(&tx, caller.user_id, post).await?;
    let mention = Mention {
        by: &view.author,
        post,
        comment: None,
    };
    let before = before.unwrap_or_default();
    tell_new_mentions(&mut tx, &mention, &before, &input.content).await?;
    tx.commit().await?;
    Ok(Answer(view))
}

async fn delete_post(
    State(app): State<App>,
    caller: SignedIn,
    Path(post): Path<PostId>,
) -> Result<NoContent, Error> {
    let mut tx = app.begin().await?;
    if !queries::delete_post(&tx, (post, caller.user_id), app.now()).await? {
        require_author(&tx, caller.user_id, post).await?;
        return Err(Error::not_found("post"));
    }
    post_deleted(&mut tx, post)?;
    tx.commit().await?;
    Ok(NoContent)
}

async fn list_posts_in(
    State(app): State<App>,
    caller: SignedIn,
    Path(group): Path<GroupId>,
    query: PageQuery,
) -> Result<Answer<Page<PostView>>, Error> {
    let (place, rows) = (Place::of(&query)?, query.rows());
    let db = app.read().await?;
    let posts = super::list_posts_in(&db, caller.user_id, group, place, rows).await?;
    Ok(Answer(query.page(posts, PostView::place)))
}

async fn list_posts_of(
    State(app): State<App>,
    caller: SignedIn,
    Path(user): Path<UserId>,
    query: PageQuery,
) -> Result<Answer<Page<PostView>>, Error> {
    let (place, rows) = (Place::of(&query)?, query.rows());
    let db = app.read().await?;
    users::require_visible(&db, caller.user_id, user).await?;
    let posts = queries::list_posts_of(&db, caller.user_id, user, place, rows);
    Ok(Answer(query.page(posts.await?, PostView::place)))
}

/// Asked when a change met no post of the caller's. Who may not see the post does not learn that there is one; who may,
/// learns that it is somebody else's.
async fn require_author(db: &Connection, caller: UserId, post: PostId) -> Result<(), Error> {
    if require_visible(db, caller, post).await? == caller {
        Ok(())
    } else {
        Err(Error::forbidden("only the author may do this"))
    }
}
