//! `ETag`, and `Last-Modified` where a thing has one: whoever has an answer already, and asks whether it is still the same, is
//! not sent it again.

use axum::{
    body::{Body, to_bytes},
    extract::Request,
    http::{HeaderMap, HeaderValue, Method, StatusCode, header},
    middleware::Next,
    response::{IntoResponse, Response},
};
use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use jiff::{Timestamp, fmt::rfc2822::DateTimeParser};
use xxhash_rust::xxh3::xxh3_128;

use crate::app::error::Error;

/// Larger than the longest page of the largest items.
const ANSWER_BYTES_MAX: usize = 16 << 20;

/// Names the answer to a GET by its content, and leaves the content out for those who have it.
pub(super) async fn validate(request: Request, next: Next) -> Result<Response, Error> {
    if request.method() != Method::GET {
        return Ok(next.run(request).await);
    }
    let known = request.headers().get_all(header::IF_NONE_MATCH);
    let known: Vec<HeaderValue> = known.iter().cloned().collect();
    let since = request.headers().get(header::IF_MODIFIED_SINCE).cloned();
    let response = next.run(request).await;
    if response.status() != StatusCode::OK || response.headers().contains_key(header::ETAG) {
        return Ok(response);
    }
    let (mut head, body) = response.into_parts();
    let body = to_bytes(body, ANSWER_BYTES_MAX).await;
    let body = body.map_err(Error::internal)?;
    let tag = tag(&body);
    let value = HeaderValue::from_str(&tag).map_err(Error::internal)?;
    let changed_at = head.headers.get(header::LAST_MODIFIED);
    let is_known = match (known.is_empty(), &since, changed_at) {
        (false, ..) => known.iter().any(|known| names(known, &tag)),
        (true, Some(since), Some(changed_at)) => !is_later(changed_at, since),
        (true, ..) => false,
    };
    if is_known {
        let mut headers = HeaderMap::from_iter([(header::ETAG, value)]);
        if let Some(changed_at) = changed_at {
            headers.insert(header::LAST_MODIFIED, changed_at.clone());
        }
        return Ok((StatusCode::NOT_MODIFIED, headers).into_response());
    }
    head.headers.insert(header::ETAG, value);
    Ok(Response::from_parts(head, Body::from(body)))
}

/// Whether it was changed after that date. A second is all that a date tells, so whoever asks in the second of a change may be
/// told too late; the tag knows better, and counts where both are asked about.
fn is_later(changed_at: &HeaderValue, since: &HeaderValue) -> bool {
    match (date(changed_at), date(since)) {
        (Some(changed_at), Some(since)) => changed_at > since,
        _ => true,
    }
}

fn date(value: &HeaderValue) -> Option<Timestamp> {
    let text = value.to_str().ok()?;
    DateTimeParser::new().parse_timestamp(text).ok()
}

/// 128 bits do not meet by chance. Somebody could have two texts of theirs meet, and gains nothing by it; a hash that made that
/// impossible would cost as much as a tenth of a page.
fn tag(body: &[u8]) -> String {
    let hash = xxh3_128(body).to_be_bytes();
    format!("\"{}\"", BASE64_URL_SAFE_NO_PAD.encode(hash))
}

/// Whether the header's list has the tag, or is `*`. A proxy that compresses may have made ours a weak one.
fn names(list: &HeaderValue, tag: &str) -> bool {
    let list = list.to_str().unwrap_or_default().split(',').map(str::trim);
    list.map(|known| known.strip_prefix("W/").unwrap_or(known))
        .any(|known| known == tag || known == "*")
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use serde_json::json;
    use shared::testing::Answer;

    use super::*;
    use crate::app::testing::{Actor, TestApp};

    async fn get(app: &TestApp, who: &Actor, known: &str) -> Answer {
        let request = Request::builder()
            .uri(format!("{}/api/v1/feed", app.http().base()))
            .header("authorization", format!("Bearer {}", who.token()))
            .header("if-none-match", known)
            .body(Bytes::new().into());
        app.http().send_raw(request.unwrap()).await.unwrap()
    }

    #[tokio::test]
    async fn who_has_the_answer_is_not_sent_it_until_it_changes() {
        let app = TestApp::start().await;
        let ana = app.user("ana").await;
        let first = ana.get("/feed").await;
        let tag = first.headers["etag"].to_str().unwrap();
        let same = get(&app, &ana, tag).await;
        assert_eq!((same.status.as_u16(), same.body.len()), (304, 0));
        assert_eq!(same.headers["etag"], tag);
        assert_eq!(same.headers["cache-control"], "no-store");
        ana.post("/posts", &json!({ "content": "hello" }))
            .await
            .ok();
        let changed = get(&app, &ana, tag).await;
        assert_eq!(changed.status, 200);
        assert_ne!(changed.headers["etag"], tag);
        assert!(!ana.get("/posts/0").await.headers.contains_key("etag"));
    }

    #[tokio::test]
    async fn a_profile_has_a_date_and_is_not_sent_again_before_it_changes() {
        let app = TestApp::start().await;
        let (ana, bob) = (app.user("ana").await, app.user("bob").await);
        let path = format!("{}/api/v1/users/{}", app.http().base(), bob.id());
        let ask = async |name: &'static str, value: &str| {
            let request = Request::builder()
                .uri(&path)
                .header("authorization", format!("Bearer {}", ana.token()))
                .header(name, value)
                .body(Bytes::new().into());
            app.http().send_raw(request.unwrap()).await.unwrap()
        };
        let set = "update users set updated_at = $1 where username = 'bob'";
        let changed_at: Timestamp = "2026-01-02T03:04:05.678Z".parse().unwrap();
        let db = app.app().read().await.unwrap();
        db.execute(set, &[&changed_at]).await.unwrap();
        let date = "Fri, 02 Jan 2026 03:04:05 GMT";
        for (since, status) in [
            (date, 304),
            ("Sat, 03 Jan 2026 00:00:00 GMT", 304),
            ("Fri, 02 Jan 2026 03:04:04 GMT", 200),
            ("yesterday", 200),
        ] {
            let answer = ask("if-modified-since", since).await;
            assert_eq!(answer.status.as_u16(), status, "{since}");
            assert_eq!(answer.headers["last-modified"], date);
            assert!(answer.headers.contains_key("etag"));
        }
        bob.patch("/users/me", &json!({"bio": "Hello"})).await.ok();
        assert_eq!(ask("if-modified-since", date).await.status, 200);
        assert!(!ana.get("/feed").await.headers.contains_key("last-modified"));
    }

    #[test]
    fn a_tag_is_found_in_whatever_list_it_is_in() {
        let tag = tag(b"text");
        for (list, expected) in [
            (tag.clone(), true),
            (format!("W/{tag}"), true),
            (format!("\"x\", {tag} ,\"y\""), true),
            ("*".to_owned(), true),
            ("\"x\"".to_owned(), false),
            (String::new(), false),
            (tag.trim_matches('"').to_owned(), false),
        ] {
            assert_eq!(names(&list.parse().unwrap(), &tag), expected, "{list}");
        }
    }
}
