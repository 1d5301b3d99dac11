//! Whom a person's coming and going is told: a mirror in Redis of what PostgreSQL knows, see [`crate::mirror`].

use std::{collections::HashMap, future::Future, pin::Pin, sync::Arc};

use serde::{Deserialize, Serialize};

use crate::{
    bus::Bus,
    ids::UserId,
    mirror::{self, Mirrored},
    wire::Position,
};

/// Contacts that are told, of one person. Those with more people than this tell the first of them; asking goes on working
/// for all.
pub const CONTACTS_MAX: usize = 5000;
/// People in one question to a [`ContactSource`].
pub const PEOPLE_PER_QUESTION_MAX: usize = 100;

/// Whom somebody shows that they are online: friends, and those whom they follow and who follow them. Both ways by nature;
/// and never anybody with a block between them, because a block ends both.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Contacts {
    /// They look offline to everybody.
    pub invisible: bool,
    /// In ascending order, at most [`CONTACTS_MAX`].
    pub people: Vec<UserId>,
}

/// What a [`ContactSource`] answers about one person.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ContactsAt {
    /// Whose.
    pub user_id: UserId,
    /// The contacts.
    #[serde(flatten)]
    pub contacts: Contacts,
    /// The head of the person's channel in the same snapshot.
    pub at: Position,
}

/// Neither Redis nor PostgreSQL could be asked.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("contacts are not known now: {0}")]
pub struct ContactsUnknown(pub String);

/// What a [`ContactSource`] returns.
pub type ContactsFuture<'a> =
    Pin<Box<dyn Future<Output = Result<Vec<ContactsAt>, ContactsUnknown>> + Send + 'a>>;

/// Who knows the truth.
pub trait ContactSource: Send + Sync + 'static {
    /// The contacts of these people, at most [`PEOPLE_PER_QUESTION_MAX`], out of one snapshot; in any order, without
    /// those who do not exist.
    fn contacts(&self, people: Vec<UserId>) -> ContactsFuture<'_>;
}

impl Mirrored for Contacts {
    const NAME: &'static str = "contacts";

    /// `v` or `i`, then the people, apart by spaces.
    fn spell(&self) -> String {
        let mut text = if self.invisible { "i" } else { "v" }.to_owned();
        for user in &self.people {
            text.push(' ');
            text.push_str(&user.to_string());
        }
        text
    }

    fn parse(text: &str) -> Option<Self> {
        let mut words = text.split(' ');
        let invisible = match words.next()? {
            "i" => true,
            "v" => false,
            _ => return None,
        };
        let people = words.map(str::parse).collect::<Result<_, _>>().ok()?;
        Some(Self { invisible, people })
    }
}

/// The mirror, with the truth behind it.
#[derive(Clone)]
pub struct ContactsMirror {
    bus: Bus,
    source: Arc<dyn ContactSource>,
}

impl ContactsMirror {
    /// A mirror in this Redis.
    pub fn new(bus: Bus, source: Arc<dyn ContactSource>) -> Self {
        Self { bus, source }
    }

    /// The contacts of these people, in the order asked; nobody's for those who do not exist. `None`: neither Redis nor
    /// PostgreSQL could be asked.
    pub async fn read(&self, people: &[UserId]) -> Vec<Option<Contacts>> {
        let mut found: Vec<Option<Contacts>> = match mirror::look_up(&self.bus, people).await {
            Ok(found) => found.into_iter().map(|read| Some(read?.1)).collect(),
            Err(error) => {
                tracing::debug!(%error, "asking for contacts past Redis");
                vec![None; people.len()]
            }
        };
        let missing = people.iter().zip(&found).filter(|(_, read)| read.is_none());
        let answers = self.ask(missing.map(|(user, _)| *user).collect()).await;
        for (user, contacts) in people.iter().zip(&mut found) {
            if contacts.is_none() {
                *contacts = answers.get(user).cloned();
            }
        }
        found
    }

    /// Asks past Redis, and mirrors the answers.
    async fn ask(&self, mut people: Vec<UserId>) -> HashMap<UserId, Contacts> {
        people.sort_unstable();
        people.dedup();
        let mut answers = HashMap::new();
        for part in people.chunks(PEOPLE_PER_QUESTION_MAX) {
            match self.source.contacts(part.to_vec()).await {
                Ok(read) => {
                    let kept = read.iter().map(|one| (one.user_id, one.at, &one.contacts));
                    mirror::keep(&self.bus, kept).await;
                    answers.extend(part.iter().map(|user| (*user, nobody())));
                    answers.extend(read.into_iter().map(|one| (one.user_id, one.contacts)));
                }
                Err(error) => {
                    // The next question would wait as long, in vain.
                    tracing::debug!(%error, "contacts are not known");
                    break;
                }
            }
        }
        answers
    }
}

fn nobody() -> Contacts {
    Contacts {
        invisible: false,
        people: Vec::new(),
    }
}
