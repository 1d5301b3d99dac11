//! How a head is spelled in Redis: `<epoch> <offset>`. The scripts in `lua/` read it too.

use crate::wire::Position;

pub(super) fn spell_head(head: Position) -> String {
    format!("{} {}", head.epoch, head.offset)
}

pub(super) fn parse_head(text: &str) -> Option<Position> {
    let (epoch, offset) = text.split_once(' ')?;
    Some(Position {
        epoch: epoch.parse().ok()?,
        offset: offset.parse().ok()?,
    })
}
