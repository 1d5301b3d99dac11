//! Compressed frames (RFC 7692 §7.2.1): made once per event, like all others, because no message refers to another.

use flate2::{Compress, Compression, FlushCompress};

use super::Frame;

/// What every compressed message ends with, and is not sent.
pub(super) const TAIL: &[u8] = &[0x00, 0x00, 0xff, 0xff];
/// Besides an eighth of the payload: more than data can grow by.
const SPARE_BYTES: usize = 128;
/// RSV1: the message is compressed.
pub(super) const COMPRESSED: u8 = 0x40;

/// How far back in what it has inflated a client can look: 2 to the power of this many bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Window {
    bits: u8,
}

impl Window {
    /// As far as the format can refer.
    pub(crate) const WHOLE: Self = Self { bits: 15 };

    /// `None` for what RFC 7692 does not know: it knows 8 to 15.
    pub(crate) fn new(bits: u8) -> Option<Self> {
        (8..=15).contains(&bits).then_some(Self { bits })
    }

    pub(crate) fn bits(self) -> u8 {
        self.bits
    }

    /// Whether it is enough to inflate this frame, whatever the compressor refers to: nothing is further back than the
    /// payload is long.
    pub(super) fn suffices(self, frame: &Frame) -> bool {
        self == Self::WHOLE || frame.payload().len() <= 1 << self.bits
    }
}

/// Compresses frame after frame. One is enough for a shard. Costs nothing until the first frame that is worth it.
#[derive(Debug)]
pub(crate) struct Deflater {
    state: Option<Box<Compress>>,
    payload_bytes_min: usize,
}

impl Default for Deflater {
    fn default() -> Self {
        Self::new(Self::PAYLOAD_BYTES_MIN)
    }
}

impl Deflater {
    /// Below this many bytes JSON saves less than a packet's header, for several microseconds.
    const PAYLOAD_BYTES_MIN: usize = 512;

    /// Leaves payloads alone that have fewer bytes.
    pub(crate) fn new(payload_bytes_min: usize) -> Self {
        Self {
            state: None,
            payload_bytes_min,
        }
    }

    /// The frame, compressed, if it carries data and if that makes it smaller.
    pub(super) fn deflate(&mut self, frame: &Frame) -> Option<Frame> {
        let payload = frame.payload();
        if !self.is_worth_it(frame) {
            return None;
        }
        // zlib-rs does not forget, when it is reset, what it could not yet put out, and panics some messages later: so
        // there is room for everything, and a compressor that is not done all the same is not used again.
        let mut state = match self.state.take() {
            Some(mut state) => {
                state.reset();
                state
            }
            None => Box::new(Compress::new(Compression::fast(), false)),
        };
        let mut output = Vec::with_capacity(payload.len() + payload.len() / 8 + SPARE_BYTES);
        state
            .compress_vec(payload, &mut output, FlushCompress::Sync)
            .ok()?;
        let is_whole = usize::try_from(state.total_in()) == Ok(payload.len())
            && output.len() < output.capacity();
        if !is_whole {
            return None;
        }
        self.state = Some(state);
        let compressed = output.strip_suffix(TAIL)?;
        (compressed.len() < payload.len())
            .then(|| Frame::build(frame.first_byte() | COMPRESSED, &[compressed]))
    }

    fn is_worth_it(&self, frame: &Frame) -> bool {
        frame.is_data() && frame.payload().len() >= self.payload_bytes_min
    }

    /// The frame for one connection, which has this window if it takes compressed frames at all.
    pub(crate) fn frame_for(&mut self, window: Option<Window>, frame: &Frame) -> Frame {
        let deflated = window
            .filter(|window| window.suffices(frame))
            .and_then(|_| self.deflate(frame));
        deflated.unwrap_or_else(|| frame.clone())
    }
}
