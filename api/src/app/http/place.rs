//! Lists that show the newest first: where a page of one goes on.

use jiff::Timestamp;

use super::page::{Key, PageQuery};
use crate::app::{error::Error, time::Time};

/// A place in a list that is ordered by time and then by id, the newest first. A page shows what comes after its place, so
/// that items which arrive meanwhile move nothing on later pages.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Place {
    /// The item's time. Compared exactly, so it is as fine as the database's: microseconds.
    pub time: Time,
    /// Tells items of the same time apart.
    pub id: i64,
}

impl Place {
    /// Before the newest item.
    pub const TOP: Self = Self {
        time: Time(Timestamp::MAX),
        id: i64::MAX,
    };
    /// Before the oldest item, for lists that show the oldest first.
    pub const BOTTOM: Self = Self {
        time: Time(Timestamp::UNIX_EPOCH),
        id: 0,
    };

    /// Where the page starts that is asked for.
    pub fn of(page: &PageQuery) -> Result<Self, Error> {
        Ok(page.after()?.unwrap_or(Self::TOP))
    }
}

impl Key for Place {
    fn to_text(&self) -> String {
        [self.time.0.as_microsecond(), self.id].to_text()
    }

    /// Nothing is older than 1970 here; further back are times that the database does not know.
    fn from_text(text: &str) -> Option<Self> {
        let [microseconds, id] = Key::from_text(text)?;
        let time = Timestamp::from_microsecond(microseconds).ok()?;
        (time >= Timestamp::UNIX_EPOCH).then_some(Self {
            time: Time(time),
            id,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_come_back_to_the_microsecond_and_times_before_1970_are_none() {
        let time = Time(Timestamp::from_microsecond(1_700_000_000_123_456).unwrap());
        let place = Place { time, id: 7 };
        assert_eq!(Place::from_text(&place.to_text()), Some(place));
        for text in ["-1.7", "9223372036854775807.7", "1.2.3", "1", ""] {
            assert_eq!(Place::from_text(text), None, "{text}");
        }
    }
}
