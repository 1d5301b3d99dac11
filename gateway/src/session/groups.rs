//! Which groups a connection should hear, kept true while it lives.
//!
//! A change of membership is one event on two channels, the person's and the group's, which may come in either order. The
//! person's channel tells of every change, in order; the group's tells of a removal no later than of anything that was said
//! after it, so a removal counts from whichever comes first. Versions tell what has been counted in.

use shared::{
    ids::{GroupId, UserId},
    membership::{Change, MembershipChanged},
    wire::{Channel, Offset},
};

use crate::codec::Control;

/// What is to be done about a group's channel.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Turn {
    /// Hear it, from behind this offset on.
    Hear(GroupId, Offset),
    /// Hear it no more.
    Leave(GroupId),
}

#[derive(Debug)]
pub(super) struct Groups {
    me: UserId,
    /// Every change up to this version is counted in.
    version: i64,
    /// Removals that the group told of before the person's channel did, with their versions. Short: the person's channel
    /// follows.
    early: Vec<(GroupId, i64)>,
}

impl Groups {
    /// Somebody whose memberships were read at this version.
    pub(super) fn new(me: UserId, version: i64) -> Self {
        Self {
            me,
            version,
            early: Vec::new(),
        }
    }

    /// The memberships were read anew; false if more is known already.
    pub(super) fn reset(&mut self, version: i64) -> bool {
        if version < self.version {
            return false;
        }
        *self = Self::new(self.me, version);
        true
    }

    /// A control event that was heard on this channel.
    pub(super) fn on_control(&mut self, control: Control, heard_on: Channel) -> Option<Turn> {
        match (control, heard_on) {
            (Control::GroupDeleted(group), _) => Some(Turn::Leave(group)),
            (Control::MembershipChanged(change), _) if change.user_id != self.me => None,
            (Control::MembershipChanged(change), Channel::User(_)) => self.on_own(change),
            (Control::MembershipChanged(change), _) => self.on_group_s(change),
            _ => None,
        }
    }

    fn on_own(&mut self, change: MembershipChanged) -> Option<Turn> {
        let MembershipChanged {
            group_id, version, ..
        } = change;
        if version <= self.version {
            return None;
        }
        self.version = version;
        let is_past = self
            .early
            .iter()
            .any(|(group, early)| *group == group_id && *early >= version);
        self.early.retain(|(_, early)| *early > version);
        match change.change {
            _ if is_past => None,
            Change::Joined => Some(Turn::Hear(group_id, change.since)),
            Change::Left => Some(Turn::Leave(group_id)),
        }
    }

    fn on_group_s(&mut self, change: MembershipChanged) -> Option<Turn> {
        if change.change == Change::Joined || change.version <= self.version {
            return None;
        }
        self.early.push((change.group_id, change.version));
        Some(Turn::Leave(change.group_id))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn group(number: i64) -> GroupId {
        GroupId::new(number).unwrap()
    }

    fn user(number: i64) -> UserId {
        UserId::new(number).unwrap()
    }

    fn changed(who: i64, what: i64, change: Change, version: i64) -> Control {
        Control::MembershipChanged(MembershipChanged {
            group_id: group(what),
            user_id: user(who),
            change,
            version,
            since: 70,
        })
    }

    #[test]
    fn changes_count_once_whichever_channel_tells_first() {
        use Change::{Joined, Left};
        let own = Channel::User(user(1));
        let the_group_s = |number| Channel::Group(group(number));
        let hear = |number| Some(Turn::Hear(group(number), 70));
        let leave = |number| Some(Turn::Leave(group(number)));

        for (what, script) in [
            (
                "the person's channel first",
                vec![
                    (own, changed(1, 9, Left, 6), leave(9)),
                    (the_group_s(9), changed(1, 9, Left, 6), None),
                    (own, changed(1, 9, Joined, 7), hear(9)),
                    (the_group_s(9), changed(1, 9, Joined, 7), None),
                ],
            ),
            (
                "the group's first, and another change in between",
                vec![
                    (the_group_s(9), changed(1, 9, Left, 7), leave(9)),
                    (own, changed(1, 8, Joined, 6), hear(8)),
                    (own, changed(1, 9, Left, 7), None),
                    (own, changed(1, 9, Joined, 8), hear(9)),
                ],
            ),
            (
                "joined and removed, of which the group told first",
                vec![
                    (the_group_s(9), changed(1, 9, Left, 7), leave(9)),
                    (own, changed(1, 9, Joined, 6), None),
                    (own, changed(1, 9, Left, 7), None),
                ],
            ),
            (
                "what was counted in when the memberships were read",
                vec![
                    (own, changed(1, 9, Left, 5), None),
                    (the_group_s(9), changed(1, 9, Left, 4), None),
                ],
            ),
            (
                "somebody else",
                vec![
                    (the_group_s(9), changed(2, 9, Left, 6), None),
                    (the_group_s(9), Control::GroupDeleted(group(9)), leave(9)),
                ],
            ),
        ] {
            let mut groups = Groups::new(user(1), 5);
            for (channel, control, expected) in script {
                assert_eq!(
                    groups.on_control(control, channel),
                    expected,
                    "{what}: {control:?}"
                );
            }
        }
    }

    #[test]
    fn an_older_reading_changes_nothing() {
        let mut groups = Groups::new(user(1), 5);
        assert!(!groups.reset(4));
        assert!(groups.reset(5));
        assert!(groups.reset(9));
        let late = changed(1, 9, Change::Left, 8);
        assert_eq!(groups.on_control(late, Channel::User(user(1))), None);
    }
}
