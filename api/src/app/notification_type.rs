//! Types of notifications: each feature has its own, as statics, and lists them in its [`Feature`](super::feature::Feature).

use std::{
    borrow::Cow,
    collections::{BTreeMap, btree_map::Entry},
    pin::Pin,
    sync::Arc,
};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use shared::{flags::Flag, ids::UserId, wire::Code};

use super::{db::Tx, error::Error, flags::Flags};

/// What somebody says to a notification that asks something.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Answer {
    /// Yes.
    Accept,
    /// No; invitations call it "decline".
    #[serde(alias = "decline")]
    Reject,
}

/// A notification that was answered, as the feature that wrote it knows it.
#[derive(Debug)]
pub struct Answered {
    /// Who answers: whoever was told.
    pub recipient: UserId,
    /// Whose act it told of.
    pub actor: UserId,
    /// What it is about.
    pub related_id: Option<i64>,
    /// What the feature put beside that.
    pub data: Value,
    /// What was said.
    pub answer: Answer,
}

/// What a handler returns: boxed, because it borrows the transaction.
pub type Done<'a> = Pin<Box<dyn Future<Output = Result<(), Error>> + Send + 'a>>;

/// What the answers to a type do.
pub type Handler = for<'a> fn(&'a mut Tx, Answered) -> Done<'a>;

/// What happens to acts of one type about one thing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Folding {
    /// Each is told by itself.
    Never,
    /// Told once, until it is read.
    Once,
    /// People are counted: a second act of the same one is no news.
    People,
    /// Every act is news, and changes the notification that is not read yet.
    Acts,
}

/// Characters of a type's name at most.
const NAME_LENGTH_MAX: usize = 50;

/// A type of notifications, and how it is told where the recipient has not chosen otherwise.
#[derive(Debug)]
pub struct NotificationType {
    /// Clients branch on it: at most 50 of a-z, 0-9 and `_`, a letter first.
    pub name: Cow<'static, str>,
    /// A few words, the same for every notification of this type that a feature has.
    pub title: Cow<'static, str>,
    pub(crate) folding: Folding,
    pub(crate) in_app: bool,
    pub(crate) push: bool,
    pub(crate) is_asked_for: bool,
    pub(crate) tells_of_own_acts: bool,
    flag: Option<&'static Flag>,
    handler: Option<Handler>,
}

impl NotificationType {
    /// Told each by itself, in the app and by push, unless a policy about its sender says otherwise; asks nothing.
    #[must_use]
    pub const fn new(name: &'static str, title: &'static str) -> Self {
        Self::of(Cow::Borrowed(name), Cow::Borrowed(title))
    }

    /// One that no feature has: its sender names it, and puts a title to each. Told as [`NotificationType::new`] says.
    pub(crate) fn foreign(name: String, title: String) -> Self {
        Self::of(Cow::Owned(name), Cow::Owned(title))
    }

    const fn of(name: Cow<'static, str>, title: Cow<'static, str>) -> Self {
        Self {
            name,
            title,
            folding: Folding::Never,
            in_app: true,
            push: true,
            is_asked_for: false,
            tells_of_own_acts: false,
            flag: None,
            handler: None,
        }
    }

    /// Whether a type can be called this: at most 50 of a-z, 0-9 and `_`, a letter first.
    pub(crate) fn is_name(name: &str) -> bool {
        let is_plain = |byte: u8| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'_');
        name.starts_with(|first: char| first.is_ascii_lowercase())
            && name.len() <= NAME_LENGTH_MAX
            && name.bytes().all(is_plain)
    }

    /// What happens to repeats.
    #[must_use]
    pub const fn folded(mut self, folding: Folding) -> Self {
        self.folding = folding;
        self
    }

    /// Told to those only who have switched it on.
    #[must_use]
    pub const fn off_by_default(mut self) -> Self {
        self.in_app = false;
        self.push = false;
        self
    }

    /// The recipient has asked for it: policies about senders do not hold.
    #[must_use]
    pub const fn asked_for(mut self) -> Self {
        self.is_asked_for = true;
        self
    }

    /// Reminds people of what they meant to do themselves.
    #[must_use]
    pub const fn of_own_acts(mut self) -> Self {
        self.tells_of_own_acts = true;
        self
    }

    /// Its answers are for those only who have the flag, like the routes that do the same.
    #[must_use]
    pub const fn behind(mut self, flag: &'static Flag) -> Self {
        self.flag = Some(flag);
        self
    }

    /// Asks something (`actions` in its data): what the answers do.
    ///
    /// The handler runs in the transaction that marks the notification as answered. It does the same as the feature's own
    /// route, by the same function, and refuses with `not_found` what is not asked any more:
    /// `.answered_by(|tx, answered| Box::pin(answer(tx, answered)))`.
    #[must_use]
    pub const fn answered_by(mut self, handler: Handler) -> Self {
        self.handler = Some(handler);
        self
    }
}

/// The types of all features, by name.
#[derive(Debug, Clone, Default)]
pub struct NotificationTypes(Arc<BTreeMap<&'static str, &'static NotificationType>>);

impl NotificationTypes {
    /// A type that two features bring is a defect that shows at the first start, so it ends it.
    pub(in crate::app) fn new(types: impl IntoIterator<Item = &'static NotificationType>) -> Self {
        let mut by_name = BTreeMap::new();
        for kind in types {
            match by_name.entry(&*kind.name) {
                Entry::Vacant(place) => drop(place.insert(kind)),
                Entry::Occupied(_) => panic!("two features tell of {}", kind.name),
            }
        }
        Self(Arc::new(by_name))
    }

    /// All of them, by name.
    pub fn iter(&self) -> impl Iterator<Item = &'static NotificationType> {
        self.0.values().copied()
    }

    /// The type of this name, if a feature has it.
    pub fn find(&self, name: &str) -> Option<&'static NotificationType> {
        self.0.get(name).copied()
    }

    /// Does what the answer means.
    ///
    /// # Errors
    ///
    /// `no_action` for a type that asks nothing, `feature_unavailable` where it stands behind a flag, and whatever the
    /// feature refuses.
    pub async fn answer(
        &self,
        (flags, tx): (&Flags, &mut Tx),
        kind: &str,
        answered: Answered,
    ) -> Result<(), Error> {
        if let Some(flag) = self.find(kind).and_then(|kind| kind.flag) {
            flags.require(flag, answered.recipient).await?;
        }
        let handler = self.find(kind).and_then(|kind| kind.handler);
        let handler = handler.ok_or_else(|| {
            let detail = format!("a notification of the type {kind} asks nothing");
            Error::new(Code::NoAction, detail)
        })?;
        handler(tx, answered).await
    }
}
