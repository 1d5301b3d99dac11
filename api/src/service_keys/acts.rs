//! The acts, whoever does them: an admin, or an operator at a terminal.

use std::time::Duration;

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
        db::{Connection, Tx},
        error::Error,
        http::json::{Input, TEXT, Wrong},
        service_keys::{NewKey, Scope},
    },
    audit::{self, Act},
};

const NAME_CHARACTERS_MAX: usize = 100;
const OVERLAP_SECONDS_DEFAULT: u32 = 3600;
const OVERLAP_SECONDS_MAX: u32 = 7 * 24 * 3600;

/// A key to be.
#[derive(Debug, Deserialize, JsonSchema)]
pub struct CreateKey {
    /// An account with the role `service`.
    user_id: UserId,
    /// What it is for.
    #[schemars(length(min = 1, max = NAME_CHARACTERS_MAX), regex(pattern = TEXT))]
    name: String,
    #[schemars(length(min = 1, max = 3), extend("uniqueItems" = true))]
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
#[derive(Serialize, JsonSchema)]
pub struct KeyWithSecret {
    key: KeyView,
    /// To be sent as `Authorization: Bearer`.
    secret: String,
}

/// The newest first, from before that id on.
pub async fn list(db: &Connection, before: Option<i64>, limit: i64) -> Result<Vec<KeyView>, Error> {
    queries::list(db, before, limit).await
}

/// Makes a key.
///
/// # Errors
///
/// `validation_failed` where the account has another role.
pub async fn create(
    tx: &Tx,
    actor: Option<UserId>,
    input: &CreateKey,
) -> Result<KeyWithSecret, Error> {
    if queries::find_role(tx, input.user_id).await? != Some(Role::Service) {
        let message = "an account with the role service";
        return Err(Error::field("user_id", "not_a_service_account", message));
    }
    let new = NewKey::generate();
    let of = (input.user_id, &*input.name, &*input.scopes);
    let key = queries::insert(tx, of, &new, (tx.now(), actor)).await?;
    let detail = json!({"user_id": input.user_id, "name": input.name, "scopes": input.scopes});
    note(tx, actor, ("key_created", key.id), detail).await?;
    let secret = new.key;
    Ok(KeyWithSecret { key, secret })
}

/// How a key changes its secret.
#[derive(Debug, Deserialize, JsonSchema)]
pub struct RotateKey {
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

/// Gives a key another secret.
///
/// # Errors
///
/// `not_found`.
pub async fn rotate(
    tx: &Tx,
    actor: Option<UserId>,
    id: ServiceKeyId,
    input: &RotateKey,
) -> Result<KeyWithSecret, Error> {
    let prefix = queries::lock_prefix(tx, id).await?;
    let new = NewKey::with_prefix(prefix.ok_or_else(|| Error::not_found("key"))?);
    let now = tx.now();
    let overlap = Duration::from_secs(input.overlap_seconds.into());
    let key = queries::rotate(tx, id, &new.hash, (now.plus(overlap), now)).await?;
    let detail = json!({"overlap_seconds": input.overlap_seconds});
    note(tx, actor, ("key_rotated", id), detail).await?;
    let secret = new.key;
    Ok(KeyWithSecret { key, secret })
}

/// Ends a key at once.
///
/// # Errors
///
/// `not_found`, also where it was ended before.
pub async fn revoke(tx: &Tx, actor: Option<UserId>, id: ServiceKeyId) -> Result<(), Error> {
    if !queries::revoke(tx, id, tx.now()).await? {
        return Err(Error::not_found("key"));
    }
    note(tx, actor, ("key_revoked", id), json!({})).await
}

async fn note(
    tx: &Tx,
    actor: Option<UserId>,
    (act, key): (&'static str, ServiceKeyId),
    detail: Value,
) -> Result<(), Error> {
    let act = Act {
        actor,
        act,
        subject: format!("key:{key}"),
        detail,
    };
    audit::note(tx, act).await
}
