//! Traces: what became of one request on its way through both programs, as W3C Trace Context and OTLP have it.
//!
//! Every request belongs to a trace, whose id its log lines bear. Only where an exporter is configured are some of them
//! *sampled*: these have spans, and only these travel further, in the log of events and over the bus. Off, which is the default,
//! nothing is made, sent or stored for it. docs/decisions/0018-tracing.md tells why it is like this.

mod budget;
mod context;
mod export;
mod fan_out;
mod span;
#[cfg(test)]
mod tests;

pub use context::{InvalidTraceContext, TraceContext};
pub use export::{Tracing, start_tracing};
pub use fan_out::{FOLLOWED_MAX, followed};
pub use span::{Kind, Span, current, within};
