//! Lists, page by page: by keyset, or by offset where SPEC §3 shows one.

use axum::{extract::FromRequestParts, http::request::Parts};
use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use shared::wire::Code;

use super::json::{Input, Wrong};
use crate::app::error::Error;

/// Items of a page, where nothing else was asked for.
pub(in crate::app) const LIMIT_DEFAULT: i64 = 20;
/// Items of a page at most.
pub(in crate::app) const LIMIT_MAX: i64 = 100;
/// Offsets beyond this are refused: the database would have to walk there.
pub(in crate::app) const OFFSET_MAX: i64 = 100_000;

/// A query string, read into `T` and checked like a body.
#[derive(Debug)]
pub struct Query<T>(pub T);

impl<S: Send + Sync, T: Input + DeserializeOwned> FromRequestParts<S> for Query<T> {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Error> {
        if parts.uri.query().is_some_and(|query| query.contains("%00")) {
            let detail = "the query contains the character U+0000";
            return Err(Error::new(Code::InvalidRequest, detail));
        }
        let axum::extract::Query(input): axum::extract::Query<T> =
            axum::extract::Query::try_from_uri(&parts.uri)
                .map_err(|rejection| Error::new(Code::InvalidRequest, rejection.body_text()))?;
        super::json::check(&input)?;
        Ok(Self(input))
    }
}

/// `?limit=&cursor=`.
#[derive(Debug)]
pub struct PageQuery {
    limit: i64,
    cursor: Option<String>,
}

/// `?limit=&offset=`.
#[derive(Debug, Clone, Copy)]
pub struct OffsetQuery {
    /// Items of the page: 1 to 100.
    pub limit: i64,
    /// Items before it.
    pub offset: i64,
}

#[derive(Deserialize, JsonSchema)]
struct Raw {
    limit: Option<String>,
    offset: Option<String>,
    cursor: Option<String>,
}

impl Input for Raw {
    fn check(&self, wrong: &mut Wrong) {
        if number(self.limit.as_deref(), LIMIT_DEFAULT, 1..=LIMIT_MAX).is_none() {
            wrong.field("limit", "out_of_range", "a whole number from 1 to 100");
        }
        if number(self.offset.as_deref(), 0, 0..=OFFSET_MAX).is_none() {
            wrong.field("offset", "out_of_range", "a whole number from 0 to 100000");
        }
    }
}

impl Raw {
    fn limit(&self) -> i64 {
        number(self.limit.as_deref(), LIMIT_DEFAULT, 1..=LIMIT_MAX).unwrap_or(LIMIT_DEFAULT)
    }
}

fn number(text: Option<&str>, default: i64, bounds: std::ops::RangeInclusive<i64>) -> Option<i64> {
    let number = match text {
        None => default,
        Some(text) => text.parse().ok()?,
    };
    bounds.contains(&number).then_some(number)
}

impl<S: Send + Sync> FromRequestParts<S> for PageQuery {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Error> {
        let Query(raw) = Query::<Raw>::from_request_parts(parts, state).await?;
        Ok(Self {
            limit: raw.limit(),
            cursor: raw.cursor,
        })
    }
}

impl<S: Send + Sync> FromRequestParts<S> for OffsetQuery {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Error> {
        let Query(raw) = Query::<Raw>::from_request_parts(parts, state).await?;
        Ok(Self {
            limit: raw.limit(),
            offset: number(raw.offset.as_deref(), 0, 0..=OFFSET_MAX).unwrap_or(0),
        })
    }
}

impl PageQuery {
    /// The first page, of this length: for answers that show the beginning of a list.
    pub fn first(limit: i64) -> Self {
        Self {
            limit,
            cursor: None,
        }
    }

    /// Items of the page at most.
    pub fn limit(&self) -> i64 {
        self.limit
    }

    /// How many rows to ask the database for: one more than the page has, to see whether another page follows.
    pub fn rows(&self) -> i64 {
        self.limit + 1
    }

    /// The key of the last item of the page before, as [`PageQuery::page`] was given it.
    pub fn after<K: Key>(&self) -> Result<Option<K>, Error> {
        let Some(cursor) = &self.cursor else {
            return Ok(None);
        };
        let key = decode(cursor).ok_or_else(|| {
            let detail = "the cursor is not one that this list gave out";
            Error::new(Code::InvalidRequest, detail)
        })?;
        Ok(Some(key))
    }

    /// The page of `rows`, which were asked for with [`PageQuery::rows`]. `key` names an item in the list's order.
    pub fn page<T, K: Key>(&self, mut rows: Vec<T>, key: impl Fn(&T) -> K) -> Page<T> {
        let limit = usize::try_from(self.limit).unwrap_or(usize::MAX);
        let has_more = rows.len() > limit;
        rows.truncate(limit);
        let next_cursor = rows
            .last()
            .filter(|_| has_more)
            .map(|last| encode(&key(last)));
        Page {
            items: rows,
            next_cursor,
        }
    }
}

/// What names an item's place in a list: a few numbers (ids, microseconds), or a text that is unique there.
pub trait Key: Sized {
    /// As a text.
    fn to_text(&self) -> String;
    /// From such a text; `None` where it is not one.
    fn from_text(text: &str) -> Option<Self>;
}

impl<const N: usize> Key for [i64; N] {
    fn to_text(&self) -> String {
        self.map(|number| number.to_string()).join(".")
    }

    fn from_text(text: &str) -> Option<Self> {
        let numbers = text.split('.').map(|number| number.parse().ok());
        let numbers: Vec<i64> = numbers.collect::<Option<_>>()?;
        numbers.try_into().ok()
    }
}

impl Key for String {
    fn to_text(&self) -> String {
        self.clone()
    }

    fn from_text(text: &str) -> Option<Self> {
        (!text.contains('\0')).then(|| text.to_owned())
    }
}

/// A page of a list.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(inline)]
pub struct Page<T> {
    /// The items, in the list's order.
    pub items: Vec<T>,
    /// Give it back as `cursor` for the next page; `null` on the last one.
    pub next_cursor: Option<String>,
}

impl<T> Page<T> {
    /// The same page of other items.
    pub fn map<U>(self, change: impl FnMut(T) -> U) -> Page<U> {
        Page {
            items: self.items.into_iter().map(change).collect(),
            next_cursor: self.next_cursor,
        }
    }
}

/// In Base64, so that nobody is tempted to read or make one.
pub fn encode(key: &impl Key) -> String {
    BASE64_URL_SAFE_NO_PAD.encode(key.to_text())
}

/// What [`encode`] made; `None` for anything else.
pub fn decode<K: Key>(cursor: &str) -> Option<K> {
    let text = String::from_utf8(BASE64_URL_SAFE_NO_PAD.decode(cursor).ok()?).ok()?;
    K::from_text(&text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cursors_come_back_as_they_went_and_nothing_else_is_one() {
        let key = [i64::MAX, -1, 0];
        assert_eq!(decode(&encode(&key)), Some(key));
        assert_eq!(decode::<[i64; 2]>(&encode(&key)), None);
        for text in ["", "!", "MQ==", "YQ", "MS4", "MS4y.MS4y"] {
            assert_eq!(decode::<[i64; 2]>(text), None, "{text}");
        }
    }

    #[test]
    fn a_page_has_a_cursor_only_where_another_follows() {
        let query = PageQuery {
            limit: 2,
            cursor: None,
        };
        let page = query.page(vec![9, 8, 7], |item| [*item]);
        assert_eq!(page.items, [9, 8]);
        assert_eq!(page.next_cursor.as_deref().and_then(decode), Some([8]));
        let page = query.page(vec![9, 8], |item| [*item]);
        assert_eq!((page.items.len(), page.next_cursor), (2, None));
    }
}
