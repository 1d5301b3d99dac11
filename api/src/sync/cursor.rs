//! What a cursor says, for whoever gave it out.

use shared::{
    ids::UserId,
    wire::{Epoch, Offset},
};

use crate::app::{db::Moment, http::page::Key};

/// Where a reader of changes stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Cursor {
    pub(super) user: UserId,
    /// The life of the database: in another one, the same numbers name other transactions.
    pub(super) epoch: Epoch,
    /// Everything up to here is known.
    pub(super) since: Mark,
    /// Where pages that belong together go on.
    pub(super) round: Option<Unfinished>,
}

/// Pages on the way to a moment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Unfinished {
    pub(super) until: Mark,
    pub(super) place: Place,
}

/// A moment, and what tells cheaply whether anything has happened since.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Mark {
    pub(super) moment: Moment,
    /// Of the user's own channel. Whoever joins a group hears of it there.
    pub(super) head: Offset,
    pub(super) group_count: u64,
    /// The sum of their heads.
    pub(super) group_heads: u64,
}

impl Mark {
    /// Whether nothing was told between the two. While the user's own head stands, no group is joined, so as many groups
    /// are the same groups; and heads only rise, so the same sum is the same heads.
    pub(super) fn is_level_with(&self, other: &Self) -> bool {
        (self.head, self.group_count, self.group_heads)
            == (other.head, other.group_count, other.group_heads)
    }
}

/// What a page of changes ends with: the kind of thing, and which one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Place {
    pub(super) section: Section,
    pub(super) after: (i64, i64),
}

/// Kinds of things, in the order in which pages bring them: messages first, because a conversation shows its last one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Section {
    Messages,
    Conversations,
    Notifications,
    Groups,
}

impl Section {
    pub(super) const ALL: [Self; 4] = [
        Self::Messages,
        Self::Conversations,
        Self::Notifications,
        Self::Groups,
    ];
}

impl Key for Cursor {
    fn to_text(&self) -> String {
        let start = format!("{}.{}.{}", self.user, self.epoch, self.since.to_text());
        match &self.round {
            None => start,
            Some(Unfinished { until, place }) => {
                let (section, (first, second)) = (place.section as usize, place.after);
                format!("{start}.{}.{section}.{first}.{second}", until.to_text())
            }
        }
    }

    fn from_text(text: &str) -> Option<Self> {
        let mut parts = text.split('.');
        let cursor = Self {
            user: parts.next()?.parse().ok()?,
            epoch: parts.next()?.parse().ok()?,
            since: Mark::from_parts(&mut parts)?,
            round: None,
        };
        let mut parts = parts.peekable();
        if parts.peek().is_none() {
            return Some(cursor);
        }
        let until = Mark::from_parts(&mut parts)?;
        let section: usize = parts.next()?.parse().ok()?;
        let place = Place {
            section: *Section::ALL.get(section)?,
            after: (parts.next()?.parse().ok()?, parts.next()?.parse().ok()?),
        };
        parts.next().is_none().then_some(Self {
            round: Some(Unfinished { until, place }),
            ..cursor
        })
    }
}

impl Mark {
    fn to_text(&self) -> String {
        let Self {
            moment,
            head,
            group_count,
            group_heads,
        } = self;
        format!("{moment}.{head}.{group_count}.{group_heads}")
    }

    fn from_parts<'a>(parts: &mut impl Iterator<Item = &'a str>) -> Option<Self> {
        Some(Self {
            moment: parts.next()?.parse().ok()?,
            head: parts.next()?.parse().ok()?,
            group_count: parts.next()?.parse().ok()?,
            group_heads: parts.next()?.parse().ok()?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mark(moment: &str, head: u64) -> Mark {
        Mark {
            moment: moment.parse().unwrap(),
            head,
            group_count: 2,
            group_heads: 70,
        }
    }

    #[test]
    fn cursors_come_back_as_they_went_and_nothing_else_is_one() {
        let cursor = Cursor {
            user: UserId::new(7).unwrap(),
            epoch: Epoch::from_bits(u64::MAX),
            since: mark("10:20:11,12", 5),
            round: None,
        };
        let place = Place {
            section: Section::Groups,
            after: (-1, i64::MAX),
        };
        let until = mark("30:30:", 6);
        let unfinished = Cursor {
            round: Some(Unfinished { until, place }),
            ..cursor.clone()
        };
        for cursor in [cursor, unfinished] {
            let text = cursor.to_text();
            assert_eq!(Cursor::from_text(&text), Some(cursor), "{text}");
            for wrong in [
                format!("{text}."),
                format!("{text}.1"),
                text[1..].to_owned(),
            ] {
                assert_eq!(Cursor::from_text(&wrong), None, "{wrong}");
            }
        }
        for text in [
            "",
            "7",
            "7.ffffffffffffffff.9:8:.1.1.1",
            "7.ffffffffffffffff.1:2:.1.1.1.1:2:.1.1.1.4.0.0",
        ] {
            assert_eq!(Cursor::from_text(text), None, "{text}");
        }
    }

    #[test]
    fn marks_are_level_whatever_else_went_on_in_the_database() {
        assert!(mark("10:10:", 5).is_level_with(&mark("90:99:91", 5)));
        assert!(!mark("10:10:", 5).is_level_with(&mark("10:10:", 6)));
    }
}
