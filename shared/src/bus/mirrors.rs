//! What is true of a channel's owner, tied to the channel's head; what that is good for is said in [`crate::mirror`].

use redis::Pipeline;

use super::{Bus, BusError, commands::PIPELINE_COMMANDS_MAX, head::parse_head, scripts};
use crate::wire::{Channel, Position};

/// A text, and the head as of which it is true; `None` where Redis does not know both.
pub(crate) type Mirrored = Option<(Position, String)>;

/// What [`Bus::store_mirrors`] keeps.
#[derive(Debug)]
pub(crate) struct NewMirror {
    /// Whose.
    pub(crate) channel: Channel,
    /// The channel's head, as of which it is true.
    pub(crate) at: Position,
    /// What is true.
    pub(crate) text: String,
}

impl Bus {
    /// Keeps texts under this name, each if its head is the channel's in Redis.
    ///
    /// All mirrors of a channel are forgotten with its next control event, in the same step that appends the event; other
    /// events must not change what they say.
    pub(crate) async fn store_mirrors(
        &self,
        name: &str,
        mirrors: &[NewMirror],
    ) -> Result<(), BusError> {
        for batch in mirrors.chunks(PIPELINE_COMMANDS_MAX) {
            let commands = batch.iter().map(|mirror| {
                let NewMirror { channel, at, text } = mirror;
                scripts::mirror(self.names(), *channel, *at, (name, text))
            });
            self.call::<u8>(commands).await?;
        }
        Ok(())
    }

    /// What is kept of these channels under this name.
    pub(crate) async fn mirrors(
        &self,
        name: &str,
        channels: &[Channel],
    ) -> Result<Vec<Mirrored>, BusError> {
        let mut mirrors = Vec::with_capacity(channels.len());
        for batch in channels.chunks(PIPELINE_COMMANDS_MAX / 2) {
            let mut pipeline = Pipeline::with_capacity(batch.len() * 2);
            for channel in batch {
                // The head first: what is read after it is as of that head or later, never of before.
                pipeline.cmd("GET").arg(self.names().head(*channel));
                let mirrors = self.names().mirrors(*channel);
                pipeline.cmd("HGET").arg(mirrors).arg(name);
            }
            let answers: Vec<Option<String>> = self.query(&pipeline).await?;
            mirrors.extend(answers.chunks(2).map(read));
        }
        Ok(mirrors)
    }

    /// A channel's head, what is kept of the channel, and which of the marks are set, in this order: a mark that was set
    /// before something was appended is seen by whoever sees the head behind it. One round trip where one server has all.
    pub(crate) async fn head_mirror_and_marks(
        &self,
        (name, channel): (&str, Channel),
        marks: &[String; 2],
    ) -> Result<(Option<Position>, Option<String>, [bool; 2]), BusError> {
        let mut pipeline = Pipeline::with_capacity(4);
        pipeline.cmd("GET").arg(self.names().head(channel));
        let mirrors = self.names().mirrors(channel);
        pipeline.cmd("HGET").arg(mirrors).arg(name);
        let (head, text, found): (Option<String>, _, _) = if self.is_one_server() {
            for mark in marks {
                pipeline.cmd("EXISTS").arg(self.names().mark(mark));
            }
            let (head, text, first, second) = self.query(&pipeline).await?;
            (head, text, [first, second])
        } else {
            let (head, text) = self.query(&pipeline).await?;
            let found = self.marks(marks).await?;
            let is_set = |mark: usize| found.get(mark).copied().unwrap_or_default();
            (head, text, [is_set(0), is_set(1)])
        };
        Ok((head.as_deref().and_then(parse_head), text, found))
    }
}

/// A head, and what is kept as of it.
fn read(pair: &[Option<String>]) -> Mirrored {
    let head = parse_head(pair.first()?.as_deref()?)?;
    Some((head, pair.get(1)?.clone()?))
}
