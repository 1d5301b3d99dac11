//! `/admin/keys`.

use axum::{Json as Answer, extract::State};
use shared::ids::ServiceKeyId;

use super::{
    acts::{self, CreateKey, KeyWithSecret, RotateKey},
    queries::KeyView,
};
use crate::app::{
    App,
    error::Error,
    http::{
        Admin, Path,
        answer::{Created, NoContent},
        json::Json,
        page::{Page, PageQuery},
    },
    openapi::{Routes, delete, get, post},
};

pub(super) fn routes() -> Routes {
    Routes::new()
        .route("/admin/keys", get(list_keys).post(create_key))
        .route("/admin/keys/{id}", delete(revoke_key))
        .route("/admin/keys/{id}/rotate", post(rotate_key))
}

async fn list_keys(
    State(app): State<App>,
    _: Admin,
    page: PageQuery,
) -> Result<Answer<Page<KeyView>>, Error> {
    let before = page.after::<[i64; 1]>()?.map(|[id]| id);
    let keys = acts::list(&app.read().await?, before, page.rows()).await?;
    Ok(Answer(page.page(keys, |key| [key.id.get()])))
}

async fn create_key(
    State(app): State<App>,
    Admin(caller): Admin,
    Json(input): Json<CreateKey>,
) -> Result<Created<KeyWithSecret>, Error> {
    let tx = app.begin().await?;
    let key = acts::create(&tx, Some(caller.user_id), &input).await?;
    tx.commit().await?;
    Ok(Created(key))
}

async fn rotate_key(
    State(app): State<App>,
    Admin(caller): Admin,
    Path(id): Path<ServiceKeyId>,
    Json(input): Json<RotateKey>,
) -> Result<Answer<KeyWithSecret>, Error> {
    let tx = app.begin().await?;
    let key = acts::rotate(&tx, Some(caller.user_id), id, &input).await?;
    tx.commit().await?;
    Ok(Answer(key))
}

async fn revoke_key(
    State(app): State<App>,
    Admin(caller): Admin,
    Path(id): Path<ServiceKeyId>,
) -> Result<NoContent, Error> {
    let tx = app.begin().await?;
    acts::revoke(&tx, Some(caller.user_id), id).await?;
    tx.commit().await?;
    Ok(NoContent)
}
