//! Compressed messages from clients (RFC 7692 §7.2.2).

use flate2::{Decompress, FlushDecompress, Status};

use super::Violation;

/// What every compressed message ends with, and is not sent.
const TAIL: &[u8] = &[0x00, 0x00, 0xff, 0xff];
/// Room for output is made in steps of at least this.
const STEP_BYTES_MIN: usize = 4096;
/// A larger result is given back to the allocator.
const KEPT_BYTES_MAX: usize = 64 * 1024;

/// Inflates message after message, of any connections: no message refers to one before it, for so it was agreed. One is
/// enough for a shard. Costs nothing until the first compressed message.
#[derive(Debug, Default)]
pub(crate) struct Inflater {
    state: Option<Box<Decompress>>,
    output: Vec<u8>,
}

impl Inflater {
    /// The message that was compressed to `payload`. Gives up as soon as it has more than `bytes_max` bytes.
    pub(crate) fn inflate(&mut self, payload: &[u8], bytes_max: usize) -> Result<&[u8], Violation> {
        let mut state = match self.state.take() {
            Some(mut state) => {
                state.reset(false);
                state
            }
            None => Box::new(Decompress::new(false)),
        };
        self.output.clear();
        self.output.shrink_to(KEPT_BYTES_MAX);
        for input in [payload, TAIL] {
            inflate_into(&mut self.output, &mut state, input, bytes_max)?;
        }
        // After an error it is not kept, whatever state it is in.
        self.state = Some(state);
        Ok(&self.output)
    }
}

fn inflate_into(
    output: &mut Vec<u8>,
    state: &mut Decompress,
    mut input: &[u8],
    bytes_max: usize,
) -> Result<(), Violation> {
    loop {
        make_room(output, bytes_max);
        let (read, written) = (state.total_in(), output.len());
        let status = state
            .decompress_vec(input, output, FlushDecompress::Sync)
            .map_err(|_| Violation::Deflate)?;
        if output.len() > bytes_max {
            return Err(Violation::TooBig);
        }
        let read = usize::try_from(state.total_in() - read).unwrap_or(usize::MAX);
        input = input.get(read..).unwrap_or_default();
        if status == Status::StreamEnd {
            // §7.2.3.5: a sender may end a stream within a message.
            state.reset(false);
        } else if input.is_empty() && output.len() < output.capacity() {
            return Ok(());
        } else if read == 0 && output.len() == written {
            return Err(Violation::Deflate);
        }
    }
}

/// At most twice what is there, and never more than one byte beyond the limit: by that byte it is known to be exceeded.
fn make_room(output: &mut Vec<u8>, bytes_max: usize) {
    if output.len() == output.capacity() {
        let left = bytes_max.saturating_add(1) - output.len();
        let step = output.len().max(STEP_BYTES_MIN);
        output.reserve_exact(step.min(left));
    }
}
