//! What is counted about presence.

use prometheus::{IntCounterVec, IntGauge};
use shared::telemetry::metrics::Metrics;

use super::frames::Kind;

/// The metrics of presence.
#[derive(Debug)]
pub(crate) struct PresenceMetrics {
    /// People with a connection here, or who had one a moment ago.
    pub(super) users: IntGauge,
    transitions: IntCounterVec,
    frames: IntCounterVec,
    degraded: IntCounterVec,
}

const KINDS: [&str; 4] = ["single", "folded", "ask", "lost"];
/// Why a second's changes were told as requests to ask.
const DEGRADED: [&str; 3] = ["backlog", "pairs", "viewers"];

impl PresenceMetrics {
    pub(crate) fn new(metrics: &Metrics) -> Self {
        let help = "People who are present on this node, those in their grace among them.";
        let users = metrics.gauge("presence_users", help);
        let help = "People who came online or went offline, told by this node.";
        let transitions = metrics.counters("presence_transitions_total", help, &["to"]);
        for to in ["online", "offline"] {
            transitions.with_label_values(&[to]);
        }
        let help = "Frames about presence to people who are connected here. Asked ones had too much to be told; lost ones \
                    found no room on their way.";
        let frames = metrics.counters("presence_frames_total", help, &["kind"]);
        for kind in KINDS {
            frames.with_label_values(&[kind]);
        }
        let help = "Times that a second's changes were too many to be told one by one, by the bound that they met.";
        let degraded = metrics.counters("presence_degraded_total", help, &["bound"]);
        for bound in DEGRADED {
            degraded.with_label_values(&[bound]);
        }
        Self {
            users,
            transitions,
            frames,
            degraded,
        }
    }

    pub(super) fn transition(&self, online: bool) {
        let to = if online { "online" } else { "offline" };
        self.transitions.with_label_values(&[to]).inc();
    }

    pub(super) fn frame(&self, kind: Kind) {
        let label = match kind {
            Kind::Single => KINDS[0],
            Kind::Folded => KINDS[1],
            Kind::Ask => KINDS[2],
        };
        self.frames.with_label_values(&[label]).inc();
    }

    pub(super) fn frame_lost(&self) {
        self.frames.with_label_values(&[KINDS[3]]).inc();
    }

    pub(super) fn degraded(&self, bound: Bound) {
        let label = match bound {
            Bound::Backlog => DEGRADED[0],
            Bound::Pairs => DEGRADED[1],
            Bound::Viewers => DEGRADED[2],
        };
        self.degraded.with_label_values(&[label]).inc();
    }
}

/// A bound that was met.
#[derive(Debug, Clone, Copy)]
pub(super) enum Bound {
    /// Of changes that wait.
    Backlog,
    /// Of pairs of changed person and viewer.
    Pairs,
    /// Of viewers.
    Viewers,
}
