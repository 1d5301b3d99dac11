//! `Idempotency-Key`: a POST that is sent again is done once, and answered as it was the first time.
//!
//! The answer is stored by the transaction of the change that it tells of, so there is never one without the other,
//! whenever a pod dies. A repetition that comes while the first is under way waits for that transaction's end at the
//! primary key of the stored answers. A refusal changes nothing and is not stored: the same key may be used again.

#[cfg(test)]
mod tests;

use axum::{
    body::{Body, to_bytes},
    extract::{FromRequestParts, Request, State},
    http::{HeaderName, HeaderValue, Method, StatusCode, header, request::Parts},
    middleware::Next,
    response::Response,
};
use bytes::Bytes;
use sha2::{Digest, Sha256};
use shared::{ids::UserId, wire::Code};

use super::{auth::Caller, json};
use crate::app::{
    App,
    db::{Connection, FromRow, Held, InvalidRow, Row, Tx},
    error::Error,
};

/// What clients send: any text of their making, a UUID for example.
pub(super) const KEY: HeaderName = HeaderName::from_static("idempotency-key");
/// Tells a client that the answer is the stored one.
pub(super) const REPLAYED: HeaderName = HeaderName::from_static("idempotent-replayed");

/// The longest key, in bytes.
pub(in crate::app) const KEY_BYTES_MAX: usize = 255;
/// Answers to POSTs are single things; the largest is a post with 10,000 characters and its attachments.
const ANSWER_BYTES_MAX: usize = 1 << 20;
/// How long an answer is kept.
const LIFETIME: std::time::Duration = std::time::Duration::from_hours(24);
/// Their answers are credentials, which are stored hashed or not at all; and who signs in is nobody yet to bind a key to.
const NEVER_STORED: [&str; 3] = ["/auth/", "/realtime/", "/admin/keys"];

/// Every statement, for the test that prepares them.
pub const STATEMENTS: &[&str] = &[CLAIM_KEY, FIND_ANSWER, STORE_ANSWER, DELETE_EXPIRED];
/// The clean-up among them.
pub(in crate::app) const HOUSEKEEPING: &[&str] = &[DELETE_EXPIRED];

const CLAIM_KEY: &str = "
    insert into idempotency_keys as stored (user_id, key, fingerprint, expires_at)
    values ($1, $2, $3, $4)
    on conflict on constraint idempotency_key_unique do update
    set fingerprint = excluded.fingerprint, status = null, body = null, expires_at = excluded.expires_at
    where stored.expires_at <= $5";
const FIND_ANSWER: &str = "
    select fingerprint, status, body from idempotency_keys where user_id = $1 and key = $2";
const STORE_ANSWER: &str = "
    update idempotency_keys set status = $3, body = $4 where user_id = $1 and key = $2";
const DELETE_EXPIRED: &str = "delete from idempotency_keys where expires_at <= $1";

/// Answers a repeated POST with what its first was answered.
pub(super) async fn remember(
    State(app): State<App>,
    request: Request,
    next: Next,
) -> Result<Response, Error> {
    let path = request.uri().path();
    let is_keyed = request.method() == Method::POST && request.headers().contains_key(&KEY);
    if !is_keyed || never_stored(path) {
        return Ok(next.run(request).await);
    }
    let (mut parts, body) = request.into_parts();
    let caller = Caller::from_request_parts(&mut parts, &app).await?;
    let body = json::read(Request::from_parts(parts.clone(), body), &app).await?;
    let claim = Claim {
        user: caller.user_id(),
        key: key(&parts)?,
        fingerprint: fingerprint(&parts, &body),
    };
    let tx = app.begin().await?;
    if !claim.make(&tx, &app).await? {
        let answer = claim.stored_answer(&tx).await?;
        app.metrics().replays.with_label_values(&["key"]).inc();
        return Ok(answer);
    }
    let held = Held::new(tx);
    let request = Request::from_parts(parts, Body::from(body));
    let response = held.during(next.run(request)).await;
    match held.take() {
        Some(tx) if response.status().is_success() => claim.store(tx, response).await,
        _ => Ok(response),
    }
}

/// Whether keys mean nothing to this route.
pub(in crate::app) fn never_stored(path: &str) -> bool {
    NEVER_STORED.iter().any(|start| path.starts_with(start))
}

fn key(parts: &Parts) -> Result<String, Error> {
    let key = parts.headers.get(&KEY).and_then(|key| key.to_str().ok());
    let is_printable = |key: &&str| key.bytes().all(|byte| byte.is_ascii_graphic());
    let key = key.filter(is_printable);
    let key = key.filter(|key| (1..=KEY_BYTES_MAX).contains(&key.len()));
    key.map(str::to_owned).ok_or_else(|| {
        let detail = "Idempotency-Key: 1 to 255 printable ASCII characters, without spaces";
        Error::new(Code::InvalidRequest, detail)
    })
}

/// Of everything that decides what is done. The path is the one below the prefix, so that both prefixes are one.
fn fingerprint(parts: &Parts, body: &Bytes) -> Vec<u8> {
    let target = parts
        .uri
        .path_and_query()
        .map_or("", |target| target.as_str());
    let mut hash = Sha256::new();
    hash.update(target);
    hash.update([0]);
    hash.update(body);
    hash.finalize().to_vec()
}

/// A key of somebody's, with what it stands for.
struct Claim {
    user: UserId,
    key: String,
    fingerprint: Vec<u8>,
}

struct StoredAnswer {
    fingerprint: Vec<u8>,
    status: Option<i32>,
    body: Option<Vec<u8>>,
}

impl FromRow for StoredAnswer {
    fn from_row(row: &Row<'_>) -> Result<Self, InvalidRow> {
        Ok(Self {
            fingerprint: row.get("fingerprint")?,
            status: row.get("status")?,
            body: row.get("body")?,
        })
    }
}

impl Claim {
    /// False if the key was used within its lifetime. Waits for a request under way that uses it.
    async fn make(&self, db: &Connection, app: &App) -> Result<bool, Error> {
        let now = app.now();
        let expires_at = now.plus(LIFETIME).0;
        let user = self.user.get();
        let changed = db
            .execute(
                CLAIM_KEY,
                &[&user, &self.key, &self.fingerprint, &expires_at, &now.0],
            )
            .await?;
        Ok(changed == 1)
    }

    async fn stored_answer(&self, db: &Connection) -> Result<Response, Error> {
        let stored: StoredAnswer = db
            .query_one(FIND_ANSWER, &[&self.user.get(), &self.key])
            .await?;
        if stored.fingerprint != self.fingerprint {
            let detail = "this Idempotency-Key was used for another request";
            return Err(Error::new(Code::IdempotencyConflict, detail));
        }
        let status = stored.status.and_then(|status| u16::try_from(status).ok());
        let status = status.and_then(|status| StatusCode::from_u16(status).ok());
        let status =
            status.ok_or_else(|| Error::defect("a key was committed without its answer"))?;
        let body = stored.body.unwrap_or_default();
        let media_type = (!body.is_empty()).then_some("application/json");
        let mut response = Response::new(Body::from(body));
        *response.status_mut() = status;
        let headers = response.headers_mut();
        headers.insert(REPLAYED, HeaderValue::from_static("true"));
        if let Some(media_type) = media_type {
            headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(media_type));
        }
        Ok(response)
    }

    /// Commits the change with its answer, and gives the answer out.
    async fn store(&self, tx: Tx, response: Response) -> Result<Response, Error> {
        let (head, body) = response.into_parts();
        let body = to_bytes(body, ANSWER_BYTES_MAX).await;
        let body = body.map_err(Error::internal)?;
        let status = i32::from(head.status.as_u16());
        tx.execute(
            STORE_ANSWER,
            &[&self.user.get(), &self.key, &status, &&body[..]],
        )
        .await?;
        tx.commit().await?;
        Ok(Response::from_parts(head, Body::from(body)))
    }
}
