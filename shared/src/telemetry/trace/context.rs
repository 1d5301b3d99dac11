//! The header `traceparent`, as <https://www.w3.org/TR/trace-context/> writes it.

use std::{
    fmt,
    num::{NonZeroU64, NonZeroU128},
    str::FromStr,
};

/// Which trace something belongs to, and which of its spans it comes after.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TraceContext {
    /// The trace.
    pub trace: NonZeroU128,
    /// The span that caused it.
    pub span: NonZeroU64,
    /// Whether spans of it are recorded.
    pub is_sampled: bool,
}

/// A text that is no `traceparent`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a traceparent")]
pub struct InvalidTraceContext;

/// `00-<trace>-<span>-<flags>`.
const LENGTH: usize = 55;
const SAMPLED: u8 = 1;

impl TraceContext {
    /// The header that carries it.
    pub const HEADER: &'static str = "traceparent";

    /// A trace that begins here and is not recorded.
    pub fn unrecorded() -> Self {
        Self {
            trace: rand::random(),
            span: rand::random(),
            is_sampled: false,
        }
    }

    /// The trace's id as logs and tools write it: 32 hexadecimal digits.
    pub fn trace_id(&self) -> String {
        format!("{:032x}", self.trace)
    }
}

impl fmt::Display for TraceContext {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let flags = u8::from(self.is_sampled);
        write!(f, "00-{:032x}-{:016x}-{flags:02x}", self.trace, self.span)
    }
}

impl FromStr for TraceContext {
    type Err = InvalidTraceContext;

    /// Later versions may append fields, and flags that we do not know.
    fn from_str(text: &str) -> Result<Self, InvalidTraceContext> {
        let mut fields = text.split('-');
        let mut next = |digits| hex(fields.next(), digits);
        let (version, trace, span, flags) = (next(2)?, next(32)?, next(16)?, next(2)?);
        let is_complete = match version {
            "00" => text.len() == LENGTH,
            "ff" => false,
            _ => true,
        };
        if !is_complete {
            return Err(InvalidTraceContext);
        }
        let flags = u8::from_str_radix(flags, 16).map_err(|_| InvalidTraceContext)?;
        let trace = u128::from_str_radix(trace, 16).map_err(|_| InvalidTraceContext)?;
        let span = u64::from_str_radix(span, 16).map_err(|_| InvalidTraceContext)?;
        Ok(Self {
            trace: NonZeroU128::new(trace).ok_or(InvalidTraceContext)?,
            span: NonZeroU64::new(span).ok_or(InvalidTraceContext)?,
            is_sampled: flags & SAMPLED != 0,
        })
    }
}

/// So many digits, lower case, as the standard asks.
fn hex(field: Option<&str>, digits: usize) -> Result<&str, InvalidTraceContext> {
    let is_digit = |byte: u8| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte);
    match field {
        Some(text) if text.len() == digits && text.bytes().all(is_digit) => Ok(text),
        _ => Err(InvalidTraceContext),
    }
}
