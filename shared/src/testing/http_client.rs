//! A small JSON client for HTTP, for tests and command line tools.

use std::time::Duration;

use bytes::Bytes;
use http_body_util::{BodyExt, Full, Limited};
use hyper::{Method, Request, StatusCode, header};
use hyper_util::{
    client::legacy::{Client, connect::HttpConnector},
    rt::TokioExecutor,
};
use serde_json::Value;

const BODY_BYTES_MAX: usize = 16 << 20;
const REQUEST_TIME_MAX: Duration = Duration::from_secs(15);

/// The request did not get an answer.
#[derive(Debug, thiserror::Error)]
#[error("{method} {url}: {why}")]
pub struct NoAnswer {
    method: Method,
    url: String,
    why: String,
}

/// An answer, read whole.
#[derive(Debug, Clone)]
pub struct Answer {
    /// The status.
    pub status: StatusCode,
    /// The headers.
    pub headers: hyper::HeaderMap,
    /// The body, where it is JSON; else `Null`.
    pub json: Value,
    /// The body as it came.
    pub body: Bytes,
}

impl Answer {
    /// The `code` of a problem document.
    pub fn code(&self) -> Option<&str> {
        self.json["code"].as_str()
    }
}

/// Talks to one base URL; connections are kept and shared by clones.
#[derive(Debug, Clone)]
pub struct HttpClient {
    client: Client<HttpConnector, Full<Bytes>>,
    base: String,
}

impl HttpClient {
    /// A client for `base`, such as `http://127.0.0.1:8080`.
    pub fn new(base: &str) -> Self {
        Self {
            client: Client::builder(TokioExecutor::new()).build_http(),
            base: base.trim_end_matches('/').to_owned(),
        }
    }

    /// What it was made with.
    pub fn base(&self) -> &str {
        &self.base
    }

    /// Sends a request with an optional bearer token and JSON body.
    pub async fn send(
        &self,
        method: Method,
        path: &str,
        token: Option<&str>,
        body: Option<&Value>,
    ) -> Result<Answer, NoAnswer> {
        let mut request = Request::builder()
            .method(method)
            .uri(format!("{}{path}", self.base));
        if let Some(token) = token {
            request = request.header(header::AUTHORIZATION, format!("Bearer {token}"));
        }
        if body.is_some() {
            request = request.header(header::CONTENT_TYPE, "application/json");
        }
        let body = body.map(Value::to_string).unwrap_or_default();
        let request = request.body(Full::from(body));
        self.send_raw(request.map_err(|error| self.no_answer(path, &error))?)
            .await
    }

    /// Sends any request; its URI must be absolute.
    pub async fn send_raw(&self, request: Request<Full<Bytes>>) -> Result<Answer, NoAnswer> {
        let (method, url) = (request.method().clone(), request.uri().to_string());
        let failed = |why: String| NoAnswer { method, url, why };
        let exchange = async {
            let response = self.client.request(request).await.map_err(|e| chain(&e))?;
            let (head, body) = response.into_parts();
            let body = Limited::new(body, BODY_BYTES_MAX).collect().await;
            Ok((head, body.map_err(|error| error.to_string())?.to_bytes()))
        };
        let (head, body) = match tokio::time::timeout(REQUEST_TIME_MAX, exchange).await {
            Ok(Ok(answer)) => answer,
            Ok(Err(why)) => return Err(failed(why)),
            Err(_) => return Err(failed("no answer in time".to_owned())),
        };
        Ok(Answer {
            status: head.status,
            headers: head.headers,
            json: serde_json::from_slice(&body).unwrap_or_default(),
            body,
        })
    }

    fn no_answer(&self, path: &str, error: &hyper::http::Error) -> NoAnswer {
        NoAnswer {
            method: Method::GET,
            url: format!("{}{path}", self.base),
            why: error.to_string(),
        }
    }
}

/// An error with its causes: `hyper_util`'s own text says only that something failed.
fn chain(error: &dyn std::error::Error) -> String {
    let causes = std::iter::successors(error.source(), |cause| cause.source());
    causes.fold(error.to_string(), |text, cause| format!("{text}: {cause}"))
}
