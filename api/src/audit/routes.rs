//! `GET /admin/audit`.

use axum::{Json as Answer, extract::State};

use super::queries::{self, ActView};
use crate::app::{
    App,
    error::Error,
    http::{
        Admin,
        page::{Page, PageQuery},
    },
    openapi::{Routes, get},
};

pub(super) fn routes() -> Routes {
    Routes::new().route("/admin/audit", get(list_acts))
}

async fn list_acts(
    State(app): State<App>,
    _: Admin,
    page: PageQuery,
) -> Result<Answer<Page<ActView>>, Error> {
    let before = page.after::<[i64; 1]>()?.map(|[id]| id);
    let acts = queries::list(&app.read().await?, before, page.rows()).await?;
    Ok(Answer(page.page(acts, |act| [act.id])))
}
