//! What is written down: who came here, who went, and who is gone with a dead node.

use shared::{
    bus::BusError,
    connections::Name,
    ids::UserId,
    presence::{Attendance, Elsewhere, LastSeen, Leases},
};

use super::{Keeper, backlog::Waiting};
use crate::presence::{locals::Turn, milliseconds};

/// Comings and goings that are written down at once.
const TURNS_MAX: usize = 5000;

impl Keeper {
    /// Nobody has gone or come: nobody is told anything.
    pub(super) async fn write_again(&self, others: &[Name]) -> Result<(), BusError> {
        let listed = self.presence.locals().listed();
        let listed = listed.into_iter().map(|user_id| Attendance {
            user_id,
            is_present: true,
        });
        let listed: Vec<Attendance> = listed.collect();
        self.store.attend((self.name, others), &listed).await?;
        Ok(())
    }

    /// Writes down who came and who went. Who is elsewhere too is no news.
    pub(super) async fn write_down(&mut self) -> Result<(), BusError> {
        let now = self.presence.now();
        let turns = self.presence.locals().take(now, TURNS_MAX);
        self.presence.count();
        if turns.is_empty() {
            return Ok(());
        }
        let attendances = turns.iter().map(|turn| Attendance {
            user_id: turn.user_id,
            is_present: turn.left_at_ms.is_none(),
        });
        let attendances: Vec<Attendance> = attendances.collect();
        let written = self
            .store
            .attend((self.name, &self.others()), &attendances)
            .await;
        match written {
            Ok(outcomes) => {
                for (turn, outcome) in turns.iter().zip(outcomes) {
                    self.presence.locals().written(*turn);
                    // Nobody else strikes this node's people off: who is not listed was struck off by a write whose
                    // answer was lost, or by a Redis that lost everything, and nobody was told.
                    if outcome != Elsewhere::Somewhere {
                        self.happened(*turn);
                    }
                }
                self.presence.count();
                Ok(())
            }
            Err(error) => {
                let mut locals = self.presence.locals();
                for turn in turns {
                    locals.failed(turn);
                }
                Err(error)
            }
        }
    }

    /// Somebody came online or went offline.
    fn happened(&mut self, turn: Turn) {
        let Turn {
            user_id,
            left_at_ms,
        } = turn;
        self.presence.0.metrics.transition(left_at_ms.is_none());
        if let Some(at_ms) = left_at_ms {
            self.reporter.seen(LastSeen { user_id, at_ms });
        }
        let waiting = Waiting {
            online: left_at_ms.is_none(),
            last_seen_ms: left_at_ms,
            even_invisible: false,
        };
        self.tell_later(user_id, waiting);
    }

    /// Takes away what a dead node has left behind, a part of it at a time, and has its people's viewers told.
    pub(super) async fn clear_up(&mut self) -> Result<(), BusError> {
        let ended: Vec<(Name, i64)> = self.leases.iter().flat_map(Leases::ended).collect();
        for node in ended {
            if self.clearing.is_some() {
                break;
            }
            if self.store.claim(node.0).await? {
                tracing::warn!(node = %node.0, "clearing up after a node");
                self.clearing = Some(node);
            }
        }
        while let Some((dead, ended_ms)) = self.clearing
            && !self.backlog.is_half_full()
        {
            let people = self.store.people(dead).await?;
            if people.is_empty() {
                self.clearing = None;
                break;
            }
            self.take_away(dead, ended_ms, &people).await?;
        }
        Ok(())
    }

    async fn take_away(
        &mut self,
        dead: Name,
        ended_ms: i64,
        people: &[UserId],
    ) -> Result<(), BusError> {
        let lease_ms = milliseconds(self.presence.0.settings.lease);
        let last_renewed_ms = ended_ms.saturating_sub_unsigned(lease_ms);
        let gone = people.iter().map(|user_id| Attendance {
            user_id: *user_id,
            is_present: false,
        });
        let gone: Vec<Attendance> = gone.collect();
        let mut others = self.others();
        others.retain(|node| *node != dead);
        others.push(self.name);
        let outcomes = self.store.attend((dead, &others), &gone).await?;
        for (user_id, outcome) in people.iter().zip(outcomes) {
            if outcome == Elsewhere::Nowhere {
                self.happened(Turn {
                    user_id: *user_id,
                    left_at_ms: Some(last_renewed_ms),
                });
            }
        }
        Ok(())
    }
}
