//! Requests to `api`'s internal routes. Bounded in number, time and size; pods are tried in turn.

mod log;
mod memberships;
mod presence;

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use bytes::Bytes;
use http_body_util::{BodyExt, Full, Limited};
use hyper::{Method, Request, StatusCode, header};
use hyper_util::{
    client::legacy::{Client, connect::HttpConnector},
    rt::{TokioExecutor, TokioTimer},
};
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use shared::{
    credentials::{Purpose, Role, Tokens},
    ids::{SessionId, UserId},
    telemetry::{
        RequestId,
        trace::{self, TraceContext},
    },
    wire::Problem,
};
use tokio::{sync::Semaphore, time::timeout};

use crate::config::ApiUrl;

const CONNECT_TIME_MAX: Duration = Duration::from_secs(1);
const IDLE_TIME_MAX: Duration = Duration::from_secs(15);
/// One pod's time for an answer.
const REQUEST_TIME_MAX: Duration = Duration::from_secs(5);
/// For a place among the requests under way.
const QUEUE_TIME_MAX: Duration = Duration::from_secs(1);
const TOKEN_LIFETIME: Duration = Duration::from_mins(1);
const ANSWER_BYTES_MAX: usize = 4 << 20;

/// Why there is no answer that can be used.
#[derive(Debug, Clone, thiserror::Error)]
pub(crate) enum ApiError {
    /// Nothing was done.
    #[error("api is unavailable: {0}")]
    Unavailable(String),
    /// The request went out; whether it was done is not known.
    #[error("the answer of api is missing: {0}")]
    OutcomeUnknown(String),
    /// `api` refused it.
    #[error("api refused: {}", .0.code)]
    Problem(Box<Problem>),
}

/// Whether a request may be sent to a second pod after the first one had it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Repeat {
    /// It only reads.
    Safe,
    /// It may have been done.
    Unsafe,
}

/// Talks to `api`; clones share connections and bounds.
#[derive(Clone)]
pub(crate) struct ApiClient {
    client: Client<HttpConnector, Full<Bytes>>,
    urls: Arc<[ApiUrl]>,
    next: Arc<AtomicUsize>,
    places: Arc<Semaphore>,
    tokens: Tokens,
}

impl ApiClient {
    /// `urls` has at least one, which the configuration sees to.
    pub(crate) fn new(urls: &[ApiUrl], requests_max: usize, tokens: Tokens) -> Self {
        let mut connector = HttpConnector::new();
        connector.set_connect_timeout(Some(CONNECT_TIME_MAX));
        connector.set_nodelay(true);
        Self {
            client: Client::builder(TokioExecutor::new())
                .pool_timer(TokioTimer::new())
                .pool_idle_timeout(IDLE_TIME_MAX)
                .build(connector),
            urls: urls.into(),
            next: Arc::default(),
            places: Arc::new(Semaphore::new(requests_max)),
            tokens,
        }
    }

    /// Sends `body` to `path` and reads the answer.
    pub(crate) async fn post<T: DeserializeOwned>(
        &self,
        path: &str,
        body: &impl Serialize,
        request_id: &RequestId,
        repeat: Repeat,
    ) -> Result<T, ApiError> {
        let unavailable = |error: &dyn std::fmt::Display| ApiError::Unavailable(error.to_string());
        let body = serde_json::to_vec(body).map_err(|error| unavailable(&error))?;
        let body = Bytes::from(body);
        let place = timeout(QUEUE_TIME_MAX, self.places.acquire()).await;
        let _place = place.map_err(|_| unavailable(&"too many requests are under way"))?;
        let first = self.next.fetch_add(1, Ordering::Relaxed);
        let mut failure = unavailable(&"no address");
        for step in 0..self.urls.len() {
            let url = &self.urls[first.wrapping_add(step) % self.urls.len()];
            match self.post_once(url, path, body.clone(), request_id).await {
                Ok(answer) => return read(&answer),
                Err(error) => {
                    tracing::debug!(%error, url = url.as_str(), path, "trying the next");
                    failure = error;
                }
            }
            let goes_on = match failure {
                ApiError::Unavailable(_) => true,
                ApiError::OutcomeUnknown(_) => repeat == Repeat::Safe,
                ApiError::Problem(ref problem) => repeat == Repeat::Safe && problem.status >= 500,
            };
            if !goes_on {
                break;
            }
        }
        // What only reads has no outcome to be unsure of: the connection was an old one, whose pod had gone.
        match failure {
            ApiError::OutcomeUnknown(why) if repeat == Repeat::Safe => {
                Err(ApiError::Unavailable(why))
            }
            failure => Err(failure),
        }
    }

    async fn post_once(
        &self,
        url: &ApiUrl,
        path: &str,
        body: Bytes,
        request_id: &RequestId,
    ) -> Result<Bytes, ApiError> {
        let request = Request::builder()
            .method(Method::POST)
            .uri(format!("{}{path}", url.as_str()))
            .header(header::AUTHORIZATION, format!("Bearer {}", self.token()))
            .header(header::CONTENT_TYPE, "application/json")
            .header(RequestId::HEADER, request_id.as_str());
        let request = match trace::current() {
            Some(context) => request.header(TraceContext::HEADER, context.to_string()),
            None => request,
        };
        let request = request
            .body(Full::new(body))
            .map_err(|error| ApiError::Unavailable(error.to_string()))?;
        let exchange = async {
            let response = self.client.request(request).await.map_err(|error| {
                if error.is_connect() {
                    ApiError::Unavailable(error.to_string())
                } else {
                    ApiError::OutcomeUnknown(error.to_string())
                }
            })?;
            let status = response.status();
            let body = Limited::new(response.into_body(), ANSWER_BYTES_MAX);
            let body = body.collect().await;
            let body = body.map_err(|error| ApiError::OutcomeUnknown(error.to_string()))?;
            judge(status, body.to_bytes())
        };
        let exchanged = timeout(REQUEST_TIME_MAX, exchange).await;
        exchanged.map_err(|_| ApiError::OutcomeUnknown("it took too long".to_owned()))?
    }

    /// Says that a gateway asks. No user's: ids that no user has would not pass, so it bears the first.
    fn token(&self) -> String {
        let user = UserId::new(1).expect("1 is an id");
        let session = SessionId::new(1).expect("1 is an id");
        let who = (user, session, Role::Service);
        self.tokens.mint(Purpose::Internal, who, TOKEN_LIFETIME).0
    }
}

fn judge(status: StatusCode, body: Bytes) -> Result<Bytes, ApiError> {
    if status.is_success() {
        return Ok(body);
    }
    match serde_json::from_slice(&body) {
        Ok(problem) => Err(ApiError::Problem(Box::new(problem))),
        Err(_) => Err(ApiError::OutcomeUnknown(format!("status {status}"))),
    }
}

fn read<T: DeserializeOwned>(answer: &Bytes) -> Result<T, ApiError> {
    serde_json::from_slice(answer).map_err(|error| ApiError::OutcomeUnknown(error.to_string()))
}

/// Whether a session stands, as `api` knows it.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Verified {
    /// It stands.
    Identity(VerifiedIdentity),
    /// It does not; the code says why.
    Refused(String),
}

/// Whose session it is.
#[derive(Debug, Clone, Copy, Deserialize)]
pub(crate) struct VerifiedIdentity {
    pub(crate) user_id: UserId,
    pub(crate) session_id: SessionId,
    pub(crate) role: Role,
    /// The session's end, in Unix seconds.
    pub(crate) expires_at: i64,
}

impl ApiClient {
    /// Whether this session stands; also has `api` mark anew which sessions were ended.
    pub(crate) async fn verify_session(&self, session: SessionId) -> Result<Verified, ApiError> {
        #[derive(Serialize)]
        struct Body {
            session_id: SessionId,
        }
        self.verify(&Body {
            session_id: session,
        })
        .await
    }

    /// Whose cookie it is.
    pub(crate) async fn verify_cookie(&self, cookie: &str) -> Result<Verified, ApiError> {
        #[derive(Serialize)]
        struct Body<'a> {
            cookie: &'a str,
        }
        self.verify(&Body { cookie }).await
    }

    async fn verify(&self, body: &impl Serialize) -> Result<Verified, ApiError> {
        let path = "/internal/sessions/verify";
        self.post(path, body, &RequestId::random(), Repeat::Safe)
            .await
    }
}
