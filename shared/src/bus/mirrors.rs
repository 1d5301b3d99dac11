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

    /// Which of the marks are set, and what is kept of one channel, in one round trip.
    pub(crate) async fn marks_and_mirror(
        &self,
        marks: &[String; 2],
        (name, channel): (&str, Channel),
    ) -> Result<([bool; 2], Mirrored), BusError> {
        let mut pipeline = Pipeline::with_capacity(4);
        for mark in marks {
            pipeline.cmd("EXISTS").arg(self.names().mark(mark));
        }
        pipeline.cmd("GET").arg(self.names().head(channel));
        let mirrors = self.names().mirrors(channel);
        pipeline.cmd("HGET").arg(mirrors).arg(name);
        let (first, second, head, text) = self.query(&pipeline).await?;
        Ok(([first, second], read(&[head, text])))
    }
}

/// A head, and what is kept as of it.
fn read(pair: &[Option<String>]) -> Mirrored {
    let head = parse_head(pair.first()?.as_deref()?)?;
    Some((head, pair.get(1)?.clone()?))
}
