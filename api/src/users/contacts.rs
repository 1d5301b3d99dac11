//! Who shows whom that they are online: friends, and people who follow each other. Kept told, so that gateways, which mirror
//! it, have no old picture (`shared::presence`).

use schemars::JsonSchema;
use serde::Serialize;
use shared::{
    ids::UserId,
    presence::{ContactChanged, InvisibilityChanged},
    wire::{Channel, Class, Ephemeral, kind},
};

use super::is_contact_of_account;
use crate::app::{
    db::{Connection, EventSpec, Tx},
    error::Error,
    event_type::EventType,
    time::Time,
};

pub(super) const CONTACTS_CHANGED: EventType = EventType::durable::<Nothing>(
    kind::CONTACTS_CHANGED,
    "Who shows the recipient that they are online has changed: ask for presence anew.",
);
pub(super) const INVISIBILITY_CHANGED: EventType = EventType::durable::<InvisibilityChanged>(
    kind::INVISIBILITY_CHANGED,
    "The recipient's own setting: others see whether they are online, or do not.",
);

/// New contacts that are told one by one, where many come at once. The others are told that there are some.
const TOLD_MAX: usize = 500;

pub(super) const ARE_CONTACTS: &str = concat!(
    "select exists (select from users account where account.id = $2 and ",
    is_contact_of_account!(),
    ")"
);
pub(super) const CONTACTS_AMONG: &str = concat!(
    "select account.id from users account where account.id = any($2) and ",
    is_contact_of_account!()
);
pub(super) const SET_INVISIBLE: &str = "
    update users set invisible_since = case when $2 then $3::timestamptz end
    where id = $1 and (invisible_since is not null) <> $2";

/// Two people about to change what they are to each other.
#[must_use]
#[derive(Debug)]
pub struct Contact {
    one: UserId,
    other: UserId,
    before: bool,
}

impl Contact {
    /// As they are before the change. The caller holds the pair ([`lock_pair`](super::lock_pair)).
    pub async fn before(tx: &Tx, one: UserId, other: UserId) -> Result<Self, Error> {
        let before = are_contacts(tx, one, other).await?;
        Ok(Self { one, other, before })
    }

    /// Has it told if they became contacts by the change, or ceased to be.
    pub async fn tell(self, tx: &mut Tx) -> Result<(), Error> {
        let Self { one, other, before } = self;
        let contact = are_contacts(tx, one, other).await?;
        if contact == before {
            return Ok(());
        }
        contacts_changed(tx, &[one, other])?;
        contact_changed(tx, one, other, contact)?;
        contact_changed(tx, other, one, contact)
    }
}

/// Has it told of those `newcomers` who became contacts by following somebody; none of them was one before.
pub(super) async fn tell_new_contacts(
    tx: &mut Tx,
    followee: UserId,
    newcomers: &[UserId],
) -> Result<(), Error> {
    let ids: Vec<i64> = newcomers.iter().map(|user| user.get()).collect();
    let mut contacts: Vec<UserId> = tx.query(CONTACTS_AMONG, &[&followee.get(), &ids]).await?;
    if contacts.is_empty() {
        return Ok(());
    }
    for newcomer in contacts.iter().take(TOLD_MAX) {
        contact_changed(tx, followee, *newcomer, true)?;
        contact_changed(tx, *newcomer, followee, true)?;
    }
    contacts.push(followee);
    contacts_changed(tx, &contacts)
}

async fn are_contacts(db: &Connection, one: UserId, other: UserId) -> Result<bool, Error> {
    db.query_one(ARE_CONTACTS, &[&one.get(), &other.get()])
        .await
}

/// Makes somebody look offline to everybody, or not any more; nothing happens where it is so already.
pub(super) async fn set_invisible(
    tx: &mut Tx,
    user: UserId,
    invisible: bool,
    now: Time,
) -> Result<(), Error> {
    let changed = tx
        .execute(SET_INVISIBLE, &[&user.get(), &invisible, &now.0])
        .await?;
    if changed == 0 {
        return Ok(());
    }
    tx.control_event(&EventSpec {
        channels: &[Channel::User(user)],
        kind: INVISIBILITY_CHANGED,
        from: Some(user),
        to: Some(user),
        group: None,
        data: &InvisibilityChanged { invisible },
    })
}

#[derive(Serialize, JsonSchema)]
struct Nothing {}

/// `contacts_changed`: which, is nobody's business, not even theirs: who is unfriended or blocked is not told so.
fn contacts_changed(tx: &mut Tx, people: &[UserId]) -> Result<(), Error> {
    let channels: Vec<Channel> = people.iter().copied().map(Channel::User).collect();
    tx.control_event(&EventSpec {
        channels: &channels,
        kind: CONTACTS_CHANGED,
        from: None,
        to: None,
        group: None,
        data: &Nothing {},
    })
}

/// For gateways, which tell `person` how the other looks from now on.
fn contact_changed(tx: &mut Tx, person: UserId, other: UserId, contact: bool) -> Result<(), Error> {
    tx.ephemeral(&Ephemeral {
        channel: Channel::User(person),
        kind: kind::PRESENCE_CONTACT,
        class: Class::State,
        key: None,
        control: true,
        from: None,
        to: None,
        group: None,
        data: &ContactChanged {
            user_id: other,
            contact,
        },
    })
}
