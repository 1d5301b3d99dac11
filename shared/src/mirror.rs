//! What PostgreSQL knows about a person, mirrored in Redis for those who must not ask PostgreSQL.
//!
//! **It is rebuilt when it is missing**, by whoever reads it, from PostgreSQL. "Redis does not know" is never taken for
//! "there is nothing".
//!
//! **It cannot stay wrong.** Every change of what is mirrored comes with a durable control event on the person's own
//! channel, written by the transaction of the change; so PostgreSQL knows which offset of that channel the truth belongs to.
//! A mirror is tied to the channel's head in Redis and is true exactly as of it:
//!
//! - it is kept only if the head in Redis is the offset that it was read at (`lua/mirror.lua`);
//! - the script that appends a control event to the channel forgets all mirrors of the person, in the same step that moves
//!   the head (`lua/append.lua`); so does whatever moves the head in another way than one by one. Other events move the head
//!   and change nothing that is mirrored. Who appends, the pod that committed or the relay after its death, makes no
//!   difference;
//! - without a head it counts for nothing, so a Redis that lost one of the two has lost both.
//!
//! A change that is committed and not yet published leaves the mirror behind by that change, and by the head too.

use crate::{
    bus::{Bus, BusError, NewMirror},
    ids::UserId,
    wire::{Channel, Position},
};

/// Something that is mirrored: its name and its spelling, which are stored in servers that outlive a release.
pub(crate) trait Mirrored: Sized {
    /// Tells it from the person's other mirrors.
    const NAME: &'static str;

    fn spell(&self) -> String;

    fn parse(text: &str) -> Option<Self>;
}

/// What Redis has of these people, each with the position of their channel as of which it is true; `None` where PostgreSQL
/// has to be asked.
pub(crate) async fn look_up<T: Mirrored>(
    bus: &Bus,
    people: &[UserId],
) -> Result<Vec<Option<(Position, T)>>, BusError> {
    let channels: Vec<Channel> = people.iter().copied().map(Channel::User).collect();
    let mirrors = bus.mirrors(T::NAME, &channels).await?;
    let read = channels.iter().zip(mirrors);
    Ok(read
        .map(|(channel, mirror)| parse(*channel, mirror?))
        .collect())
}

/// The head of a person's channel, what Redis has of the person as of it, and which of the marks were set after.
pub(crate) async fn look_up_with_marks<T: Mirrored>(
    bus: &Bus,
    user: UserId,
    marks: &[String; 2],
) -> Result<(Option<Position>, Option<T>, [bool; 2]), BusError> {
    let channel = Channel::User(user);
    let what = (T::NAME, channel);
    let (head, text, found) = bus.head_mirror_and_marks(what, marks).await?;
    let mirror = head.zip(text).and_then(|mirror| parse(channel, mirror));
    Ok((head, mirror.map(|(_, value)| value), found))
}

fn parse<T: Mirrored>(channel: Channel, (at, text): (Position, String)) -> Option<(Position, T)> {
    let value = T::parse(&text);
    if value.is_none() {
        tracing::error!(%channel, mirror = T::NAME, "a mirror is unreadable");
    }
    Some((at, value?))
}

/// Keeps what PostgreSQL answered. Whoever comes next asks again, if this fails.
pub(crate) async fn keep<'a, T: Mirrored + 'a>(
    bus: &Bus,
    read: impl Iterator<Item = (UserId, Position, &'a T)>,
) {
    let mirrors: Vec<NewMirror> = read
        .map(|(user, at, value)| NewMirror {
            channel: Channel::User(user),
            at,
            text: value.spell(),
        })
        .collect();
    if let Err(error) = bus.store_mirrors(T::NAME, &mirrors).await {
        tracing::debug!(%error, mirror = T::NAME, "nothing is mirrored");
    }
}
