//! `/admin/keys`.

use std::time::Duration;

use axum::{Json as Answer, extract::State};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use shared::{
    credentials::Role,
    ids::{ServiceKeyId, UserId},
};

use super::queries::{self, KeyView};
use crate::{
    app::{
        App,
        db::Tx,
        error::Error,
        http::{
            Admin, Path,
            answer::{Created, NoContent},
            json::{Input, Json, Wrong},
            page::{Page, PageQuery},
        },
        openapi::{Routes, delete, get, post},
        service_keys::{NewKey, Scope},
    },
    audit::{self, Act},
};

const NAME_CHARACTERS_MAX: usize = 100;
const OVERLAP_SECONDS_DEFAULT: u32 = 3600;
const OVERLAP_SECONDS_MAX: u32 = 7 * 24 * 3600;

pub(super) fn routes() -> Routes {
    Routes::new()
        .route("/admin/keys", get(list_keys).post(create_key))
        .route("/admin/keys/{id}", delete(revoke_key))
        .route("/admin/keys/{id}/rotate", post(rotate_key))
}

/// A key to be.
#[derive(Debug, Deserialize, JsonSchema)]
struct CreateKey {
    /// An account with the role `service`.
    user_id: UserId,
    /// What it is for.
    #[schemars(length(min = 1, max = 100))]
    name: String,
    #[schemars(length(min = 1, max = 3))]
    scopes: Vec<Scope>,
}

impl Input for CreateKey {
    fn check(&self, wrong: &mut Wrong) {
        wrong.unless_text("name", &self.name, NAME_CHARACTERS_MAX);
        let mut scopes = self.scopes.clone();
        scopes.sort_unstable();
        scopes.dedup();
        if scopes.is_empty() {
            wrong.field("scopes", "required", "at least one");
        } else if scopes.len() < self.scopes.len() {
            wrong.field("scopes", "repeated", "each once");
        }
    }
}

/// A key with its secret, which is not shown again.
#[derive(Debug, Serialize, JsonSchema)]
struct KeyWithSecret {
    key: KeyView,
    /// To be sent as `Authorization: Bearer`.
    secret: String,
}

async fn list_keys(
    State(app): State<App>,
    _: Admin,
    page: PageQuery,
) -> Result<Answer<Page<KeyView>>, Error> {
    let before = page.after::<[i64; 1]>()?.map(|[id]| id);
    let keys = queries::list(&app.read().await?, before, page.rows()).await?;
    Ok(Answer(page.page(keys, |key| [key.id.get()])))
}

async fn create_key(
    State(app): State<App>,
    Admin(caller): Admin,
    Json(input): Json<CreateKey>,
) -> Result<Created<KeyWithSecret>, Error> {
    let new = NewKey::generate();
    let tx = app.begin().await?;
    if queries::find_role(&tx, input.user_id).await? != Some(Role::Service) {
        let message = "an account with the role service";
        return Err(Error::field("user_id", "not_a_service_account", message));
    }
    let of = (input.user_id, &*input.name, &*input.scopes);
    let key = queries::insert(&tx, of, &new, (tx.now(), caller.user_id)).await?;
    let detail = json!({"user_id": input.user_id, "name": input.name, "scopes": input.scopes});
    note(&tx, caller.user_id, ("key_created", key.id), detail).await?;
    tx.commit().await?;
    let secret = new.key;
    Ok(Created(KeyWithSecret { key, secret }))
}

/// How a key changes its secret.
#[derive(Debug, Deserialize, JsonSchema)]
struct RotateKey {
    /// For how long the secret so far holds beside the new one; an hour where nothing is said.
    #[serde(default = "overlap_default")]
    #[schemars(range(max = 604_800))]
    overlap_seconds: u32,
}

const fn overlap_default() -> u32 {
    OVERLAP_SECONDS_DEFAULT
}

impl Input for RotateKey {
    fn check(&self, wrong: &mut Wrong) {
        if self.overlap_seconds > OVERLAP_SECONDS_MAX {
            let message = format!("at most {OVERLAP_SECONDS_MAX}");
            wrong.field("overlap_seconds", "out_of_range", message);
        }
    }
}

async fn rotate_key(
    State(app): State<App>,
    Admin(caller): Admin,
    Path(id): Path<ServiceKeyId>,
    Json(input): Json<RotateKey>,
) -> Result<Answer<KeyWithSecret>, Error> {
    let tx = app.begin().await?;
    let prefix = queries::lock_prefix(&tx, id).await?;
    let new = NewKey::with_prefix(prefix.ok_or_else(|| Error::not_found("key"))?);
    let now = tx.now();
    let overlap = Duration::from_secs(input.overlap_seconds.into());
    let key = queries::rotate(&tx, id, &new.hash, (now.plus(overlap), now)).await?;
    let detail = json!({"overlap_seconds": input.overlap_seconds});
    note(&tx, caller.user_id, ("key_rotated", id), detail).await?;
    tx.commit().await?;
    let secret = new.key;
    Ok(Answer(KeyWithSecret { key, secret }))
}

async fn revoke_key(
    State(app): State<App>,
    Admin(caller): Admin,
    Path(id): Path<ServiceKeyId>,
) -> Result<NoContent, Error> {
    let tx = app.begin().await?;
    if !queries::revoke(&tx, id, tx.now()).await? {
        return Err(Error::not_found("key"));
    }
    note(&tx, caller.user_id, ("key_revoked", id), json!({})).await?;
    tx.commit().await?;
    Ok(NoContent)
}

async fn note(
    tx: &Tx,
    admin: UserId,
    (act, key): (&'static str, ServiceKeyId),
    detail: Value,
) -> Result<(), Error> {
    let act = Act {
        actor: Some(admin),
        act,
        subject: format!("key:{key}"),
        detail,
    };
    audit::note(tx, act).await
}
