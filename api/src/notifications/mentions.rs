//! `@username` in a text.

use std::collections::BTreeSet;

use crate::{
    app::{db::Connection, error::Error, notification_type::NotificationType},
    users::{Person, person_columns},
};

/// What this feature tells people of.
pub(super) static TYPES: &[&NotificationType] = &[&MENTION];

/// Somebody is named in a text that they may see. Features with texts tell of it.
pub static MENTION: NotificationType = NotificationType::new("mention", "New mention");

/// Mentions of a text that are looked at; what comes after them is text like any other.
const MENTIONS_MAX: usize = 20;
/// Characters of a username at most.
const USERNAME_LENGTH_MAX: usize = 30;

pub(super) const FIND_MENTIONED: &str = concat!(
    "select ",
    person_columns!(),
    " from users account where account.username = any($1) order by account.id"
);

/// The people whom a text mentions, each once, in the order of their ids, at most twenty. Who of them may see the text
/// is for the caller to know: only they are to be told, with [`MENTION`].
pub async fn find_mentioned(db: &Connection, text: &str) -> Result<Vec<Person>, Error> {
    let names: Vec<String> = mentioned_names(text).into_iter().collect();
    if names.is_empty() {
        return Ok(Vec::new());
    }
    db.query(FIND_MENTIONED, &[&names]).await
}

/// In lower case, as usernames are.
fn mentioned_names(text: &str) -> BTreeSet<String> {
    let is_of_name = |character: char| character.is_ascii_alphanumeric() || character == '_';
    let mut names = BTreeSet::new();
    for (at, _) in text.match_indices('@') {
        // An address (`ana@example.com`) mentions nobody.
        let before = text[..at].chars().next_back();
        if before.is_some_and(|character| character.is_alphanumeric() || character == '_') {
            continue;
        }
        let rest = &text[at + 1..];
        let name = &rest[..rest.find(|c| !is_of_name(c)).unwrap_or(rest.len())];
        if (1..=USERNAME_LENGTH_MAX).contains(&name.len()) {
            names.insert(name.to_ascii_lowercase());
        }
        if names.len() == MENTIONS_MAX {
            break;
        }
    }
    names
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_found_between_other_text_and_addresses_are_none() {
        for (text, names) in [
            ("@ana", vec!["ana"]),
            ("hi @ana, @bob_2! and @ana", vec!["ana", "bob_2"]),
            ("(@ana)@bob", vec!["ana", "bob"]),
            ("ana@example.com", vec![]),
            ("ä@ana @", vec![]),
            ("@@ana", vec!["ana"]),
            ("@👩‍👩‍👧 @Ana", vec!["ana"]),
        ] {
            let found: Vec<String> = mentioned_names(text).into_iter().collect();
            assert_eq!(found, names, "{text}");
        }
        let long = format!("@{}", "a".repeat(31));
        assert!(mentioned_names(&long).is_empty());
        let many: Vec<String> = (0..30).map(|number| format!("@u{number}")).collect();
        let many = many.join(" ");
        assert_eq!(mentioned_names(&many).len(), MENTIONS_MAX);
    }
}
