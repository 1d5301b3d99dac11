//! What has changed between two moments, exactly: neither a change too few nor one twice, whatever transactions were under
//! way at either of them. docs/decisions/0010-snapshot-and-stream.md tells why.

use std::{fmt, str::FromStr};

/// A moment, as a snapshot of the database knows it: which transactions had ended. PostgreSQL's `pg_snapshot`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Moment(String);

/// A text that is no moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a snapshot")]
pub struct InvalidMoment;

impl FromStr for Moment {
    type Err = InvalidMoment;

    /// Accepts what PostgreSQL accepts, so that nothing a client makes up becomes an error there.
    fn from_str(text: &str) -> Result<Self, InvalidMoment> {
        let mut parts = text.split(':');
        let (Some(min), Some(max), Some(running), None) =
            (parts.next(), parts.next(), parts.next(), parts.next())
        else {
            return Err(InvalidMoment);
        };
        let (min, max) = (transaction(min)?, transaction(max)?);
        if min == 0 || max < min {
            return Err(InvalidMoment);
        }
        let mut before = min;
        for running in running.split(',').filter(|_| !running.is_empty()) {
            let running = transaction(running)?;
            if running < before || running >= max {
                return Err(InvalidMoment);
            }
            before = running;
        }
        Ok(Self(text.to_owned()))
    }
}

/// The number of a transaction, written as PostgreSQL writes it.
fn transaction(text: &str) -> Result<u64, InvalidMoment> {
    let is_plain = text.len() <= 19 && text.bytes().all(|byte| byte.is_ascii_digit());
    let number = text.parse().map_err(|_| InvalidMoment)?;
    is_plain.then_some(number).ok_or(InvalidMoment)
}

impl fmt::Display for Moment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// From one moment to a later one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Round {
    /// What was committed by then is known.
    pub since: Moment,
    /// What was not committed by then is of a later round.
    pub until: Moment,
}

impl Round {
    /// Both ends, as parameters of a statement.
    pub fn ends(&self) -> (&str, &str) {
        (&self.since.0, &self.until.0)
    }
}

/// A table expression `round`, of which [`changed_in_round`] speaks: from the parameter `$2` to `$3`, texts
/// both.
macro_rules! round_columns {
    () => {
        "(
    select
        since, until, pg_snapshot_xmin(since) as oldest, pg_snapshot_xmax(until) as newest
    from (select $2::text::pg_snapshot as since, $3::text::pg_snapshot as until) ends
)"
    };
}

/// Whether the row's last change is of the `round`: its transaction had not ended at the round's beginning and had at its
/// end. The upper bound keeps out what was written before a restore, with numbers that this server has not reached yet.
macro_rules! changed_in_round {
    ($row:literal) => {
        concat!(
            "(",
            $row,
            ".changed_in >= round.oldest and ",
            $row,
            ".changed_in < round.newest and not pg_visible_in_snapshot(",
            $row,
            ".changed_in, round.since) and pg_visible_in_snapshot(",
            $row,
            ".changed_in, round.until))"
        )
    };
}

pub(crate) use changed_in_round;
pub(crate) use round_columns;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_postgresql_writes_is_read_and_nothing_that_it_would_refuse() {
        for text in [
            "10:10:",
            "10:12:10",
            "10:20:10,11,19",
            "3:9223372036854775807:",
        ] {
            assert_eq!(text.parse::<Moment>().unwrap().to_string(), text);
        }
        for text in [
            "",
            "10",
            "10:12",
            "12:10:",
            "0:1:",
            "10:12:9",
            "10:12:12",
            "10:20:12,11",
            "10:20:11,",
            "10:20:,",
            "+1:2:",
            "1:2:x",
            "1:2::",
            " 1:2:",
            "99999999999999999999:99999999999999999999:",
        ] {
            assert_eq!(text.parse::<Moment>(), Err(InvalidMoment), "{text}");
        }
    }
}
