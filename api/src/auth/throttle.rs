//! Guessing passwords is made slow, by account and by address.

use std::{net::IpAddr, time::Duration};

use shared::wire::Code;

use super::queries;
use crate::app::{App, error::Error};

/// Failed attempts are counted for this long.
const WINDOW: Duration = Duration::from_mins(15);
/// One address at one account: somebody who guesses, or has forgotten.
const GUESSES_MAX: i32 = 10;
/// One address at any account: a list of stolen passwords. Generous, because an office shares an address.
const ADDRESS_MAX: i32 = 100;
/// Any address at one account: a guess from many machines. High, so that a stranger cannot easily lock somebody out.
const ACCOUNT_MAX: i32 = 200;

/// An attempt that was let through, and was counted as a failure until [`Attempt::succeeded`].
pub(super) struct Attempt(Vec<String>);

/// Counts the attempt before the password is looked at, so that many at once are all counted. `login` is the name as it
/// was given, whether there is such an account or not.
pub(super) async fn admit(app: &App, login: &str, address: IpAddr) -> Result<Attempt, Error> {
    if !app.settings().http.rate_limits {
        return Ok(Attempt(Vec::new()));
    }
    let subjects = vec![
        format!("guess {login} {address}"),
        format!("address {address}"),
        format!("account {login}"),
    ];
    let now = app.now();
    let connection = app.read().await?;
    let counted = queries::count_attempt(&connection, &subjects, now, now.plus(WINDOW)).await?;
    let exhausted = counted
        .iter()
        .filter(|counted| counted.count > limit(&counted.subject))
        .map(|counted| counted.window_ends_at)
        .max();
    match exhausted {
        None => Ok(Attempt(subjects)),
        Some(end) => {
            let wait = end.since(now);
            Err(Error::new(Code::RateLimited, "too many attempts to log in").retry_after(wait))
        }
    }
}

impl Attempt {
    /// It was no guess: it does not count.
    pub(super) async fn succeeded(self, app: &App) -> Result<(), Error> {
        if self.0.is_empty() {
            return Ok(());
        }
        queries::take_back_attempt(&app.read().await?, &self.0).await
    }
}

fn limit(subject: &str) -> i32 {
    match subject.split(' ').next() {
        Some("guess") => GUESSES_MAX,
        Some("address") => ADDRESS_MAX,
        _ => ACCOUNT_MAX,
    }
}
