//! What an activity has beyond a post.

use jiff::civil::Date;
use schemars::JsonSchema;
use serde::Serialize;

use crate::app::{
    db::{InvalidRow, Row},
    http::json::Wrong,
};

/// Characters of an activity's type at most.
pub const TYPE_LENGTH_MAX: usize = 50;
/// Characters of its notes at most.
pub const NOTES_LENGTH_MAX: usize = 2000;
/// A hundred years.
pub const MINUTES_MAX: i32 = 100 * 366 * 24 * 60;
/// To the sun and back.
pub const DISTANCE_KM_MAX: f64 = 300_000_000.0;
/// The years of [`Activity::check`], for the document.
pub const YEARS_PATTERN: &str = "^(19|[2-9][0-9])[0-9]{2}-";
/// PostgreSQL knows no other year that a calendar of ours would have.
const YEARS: std::ops::RangeInclusive<i16> = 1900..=9999;

/// A line of a fitness log.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct Activity {
    /// Such as `running`; the words are the application's.
    pub activity_type: String,
    /// How long, in minutes.
    pub duration_minutes: Option<i32>,
    /// How far, in kilometres.
    pub distance_km: Option<f64>,
    /// For oneself and one's readers.
    pub notes: Option<String>,
    /// The day it was done, `YYYY-MM-DD`.
    pub activity_date: Option<Date>,
}

impl Activity {
    /// Says what is wrong with the values.
    pub fn check(&self, wrong: &mut Wrong) {
        wrong.unless_text("activity_type", &self.activity_type, TYPE_LENGTH_MAX);
        let minutes = self.duration_minutes;
        if minutes.is_some_and(|minutes| !(0..=MINUTES_MAX).contains(&minutes)) {
            wrong.field("duration_minutes", "out_of_range", "minutes from 0");
        }
        let distance = self.distance_km;
        if distance.is_some_and(|distance| !(0.0..=DISTANCE_KM_MAX).contains(&distance)) {
            wrong.field("distance_km", "out_of_range", "kilometres from 0");
        }
        if let Some(notes) = &self.notes {
            wrong.unless_length("notes", notes, 0..=NOTES_LENGTH_MAX);
        }
        let date = self.activity_date;
        if date.is_some_and(|date| !YEARS.contains(&date.year())) {
            wrong.field("activity_date", "out_of_range", "a day from the year 1900");
        }
    }

    /// From a row of `posts`; `None` where it is a plain post.
    pub(super) fn from_row(row: &Row<'_>) -> Result<Option<Self>, InvalidRow> {
        let Some(activity_type) = row.get("activity_type")? else {
            return Ok(None);
        };
        Ok(Some(Self {
            activity_type,
            duration_minutes: row.get("duration_minutes")?,
            distance_km: row.get("distance_km")?,
            notes: row.get("notes")?,
            activity_date: row.get("activity_date")?,
        }))
    }
}
