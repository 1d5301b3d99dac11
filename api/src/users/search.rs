//! Finding people by what they are called: whoever has exactly that username first, then usernames that begin so, then names
//! that begin so, then what is spelled much like it, the most alike first.
//!
//! Nothing else about people is looked at, so that a private account is found by its names alone. Whom the viewer
//! [may not meet](super::may_meet) is not found.

use shared::ids::UserId;

use super::{may_meet_account, person::Person, person_columns};
use crate::app::{
    db::{Connection, FromRow, InvalidRow, Row},
    error::Error,
    http::page::Key,
};

/// A shorter text is much like half of all names.
const ALIKE_LETTERS_MIN: usize = 4;
/// After every text that begins in the same way.
const LAST_CHARACTER: char = char::MAX;

/// `$2` is the text and `$3` the end of the texts that begin with it; `$4`, `$5` and `$6` the place of the last one before the
/// page; `$7` the text again, if names may be merely much like it; `$8` the length.
///
/// A part for each rank, that reads as many rows as the page has from an index in the page's order. Only likeness has no
/// order in an index: the nearest two hundred are all there are. Texts are compared byte by byte (`~<~`), as the indexes
/// do, whatever language the database was made for.
pub(super) const SEARCH: &str = concat!(
    "
with found as (
    (
        select 0 as rank, ''::text as key, account.username
        from users account
        where $4::int < 0 and account.username = $2::text and ",
    may_meet_account!(),
    "
    )
    union all
    (
        select 1, '', account.username
        from users account
        where $4 <= 1 and account.username ~>~ $2 and account.username ~<~ $3::text
            and account.username ~>~ case when $4 = 1 then $6::text else '' end
            and ",
    may_meet_account!(),
    "
        order by account.username using ~<~
        limit $8::bigint
    )
    union all
    (
        select 2, lower(account.name), account.username
        from users account
        where $4 <= 2 and lower(account.name) ~>=~ $2 and lower(account.name) ~<~ $3
            and row(lower(account.name), account.username)
                ~>~ row(case when $4 = 2 then $5::text else '' end, case when $4 = 2 then $6 else '' end)
            and not (account.username ~>=~ $2 and account.username ~<~ $3)
            and ",
    may_meet_account!(),
    "
        order by lower(account.name) using ~<~, account.username using ~<~
        limit $8
    )
    union all
    (
        select 3, alike.key, alike.username
        from (
            select
                account.username,
                lpad(
                    (1000000 - 1000000 * greatest(
                        similarity(account.username, $7::text), similarity(lower(account.name), $7)
                    ))::int::text,
                    7, '0'
                ) as key
            from users account
            where (account.username % $7 or lower(account.name) % $7)
                and not (account.username ~>=~ $2 and account.username ~<~ $3)
                and not (lower(account.name) ~>=~ $2 and lower(account.name) ~<~ $3)
                and ",
    may_meet_account!(),
    "
            order by key using ~<~, account.username using ~<~
            limit 200
        ) alike
        where $4 < 3 or row(alike.key, alike.username) ~>~ row($5, $6)
    )
)
select found.rank, found.key, ",
    person_columns!(),
    "
from found
join users account on account.username = found.username
order by found.rank, found.key using ~<~, found.username using ~<~
limit $8"
);

/// Where somebody is among those who were found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Rank {
    part: i32,
    key: String,
    username: String,
}

impl Rank {
    /// Before the first.
    pub(super) fn top() -> Self {
        Self {
            part: -1,
            key: String::new(),
            username: String::new(),
        }
    }
}

impl Key for Rank {
    fn to_text(&self) -> String {
        // Neither a number nor a username has a dot.
        format!("{}.{}.{}", self.part, self.username, self.key)
    }

    fn from_text(text: &str) -> Option<Self> {
        let mut parts = text.splitn(3, '.');
        let part = parts.next()?.parse().ok()?;
        let (username, key) = (parts.next()?.to_owned(), parts.next()?.to_owned());
        let is_place = (0..=3).contains(&part) && !text.contains('\0');
        is_place.then_some(Self {
            part,
            key,
            username,
        })
    }
}

/// Somebody who was found.
#[derive(Debug)]
pub(super) struct Found {
    pub(super) person: Person,
    pub(super) rank: Rank,
}

impl FromRow for Found {
    fn from_row(row: &Row<'_>) -> Result<Self, InvalidRow> {
        let person = Person::from_row(row)?;
        Ok(Self {
            rank: Rank {
                part: row.get("rank")?,
                key: row.get("key")?,
                username: person.username.clone(),
            },
            person,
        })
    }
}

/// People who are called like `text`, which is lower case.
pub(super) async fn search(
    connection: &Connection,
    viewer: UserId,
    text: &str,
    after: &Rank,
    rows: i64,
) -> Result<Vec<Found>, Error> {
    let end = format!("{text}{LAST_CHARACTER}");
    let letters = text.chars().filter(|character| character.is_alphanumeric());
    let alike = (letters.count() >= ALIKE_LETTERS_MIN).then_some(text);
    let Rank {
        part,
        key,
        username,
    } = after;
    connection
        .query(
            SEARCH,
            &[
                &viewer.get(),
                &text,
                &end,
                part,
                key,
                username,
                &alike,
                &rows,
            ],
        )
        .await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranks_come_back_as_they_went_and_nothing_else_is_one() {
        let rank = Rank {
            part: 2,
            key: "ana b. c\n".to_owned(),
            username: "ana".to_owned(),
        };
        assert_eq!(Rank::from_text(&rank.to_text()), Some(rank));
        for text in ["", "1", "1.ana", "4.ana.", "-1.ana.", "x.ana.", "1.a\0a."] {
            assert_eq!(Rank::from_text(text), None, "{text:?}");
        }
    }
}
