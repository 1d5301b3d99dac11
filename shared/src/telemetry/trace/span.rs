//! A step of a trace.

use std::{borrow::Cow, future::Future};

use opentelemetry::{
    Context, KeyValue, SpanId, TraceFlags, TraceId, Value,
    trace::{Span as _, SpanBuilder, SpanContext, SpanKind, Status, TraceContextExt, TraceState},
};
use opentelemetry_sdk::trace::Span as Recorded;

use super::{TraceContext, export};

tokio::task_local! {
    static CURRENT: TraceContext;
}

/// The trace that this task works for.
pub fn current() -> Option<TraceContext> {
    CURRENT.try_with(|context| *context).ok()
}

/// Works for a trace.
pub async fn within<F: Future>(context: TraceContext, work: F) -> F::Output {
    CURRENT.scope(context, work).await
}

/// What part a step has in the conversation between programs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Serves somebody.
    Server,
    /// Within a program.
    Internal,
    /// Sends what somebody takes later.
    Producer,
    /// Takes it.
    Consumer,
}

impl From<Kind> for SpanKind {
    fn from(kind: Kind) -> Self {
        match kind {
            Kind::Server => Self::Server,
            Kind::Internal => Self::Internal,
            Kind::Producer => Self::Producer,
            Kind::Consumer => Self::Consumer,
        }
    }
}

/// A step, from when it is made to when it is dropped. What is not sampled costs nothing but its name.
#[derive(Debug)]
pub struct Span {
    context: TraceContext,
    recorded: Option<Recorded>,
}

impl Span {
    /// What a client asks for: the beginning of a trace, or our part of the client's. Whether it is recorded, the client says;
    /// where it does not, a share is.
    pub fn serving(name: impl FnOnce() -> Cow<'static, str>, caller: Option<TraceContext>) -> Self {
        let tracer = export::tracer().filter(|tracer| tracer.samples(caller));
        let Some(tracer) = tracer else {
            let context = caller.unwrap_or_else(TraceContext::unrecorded);
            return Self {
                context: TraceContext {
                    is_sampled: false,
                    ..context
                },
                recorded: None,
            };
        };
        let parent = caller.map_or_else(Context::new, remote);
        Self::recorded(tracer.start(SpanBuilder::from_name(name()), Kind::Server, &parent))
    }

    /// A step of a trace that is recorded; `None` for all others.
    pub fn after(
        parent: Option<TraceContext>,
        kind: Kind,
        name: impl FnOnce() -> Cow<'static, str>,
    ) -> Option<Self> {
        let parent = parent.filter(|parent| parent.is_sampled)?;
        let tracer = export::tracer()?;
        let builder = SpanBuilder::from_name(name());
        Some(Self::recorded(tracer.start(builder, kind, &remote(parent))))
    }

    fn recorded(recorded: Recorded) -> Self {
        let context = ours(recorded.span_context());
        Self {
            context,
            recorded: Some(recorded),
        }
    }

    /// What comes after this step belongs here.
    pub fn context(&self) -> TraceContext {
        self.context
    }

    /// Notes something about it: never what people wrote, nor what lets anybody in.
    pub fn note(&mut self, key: &'static str, value: impl Into<Value>) {
        if let Some(recorded) = &mut self.recorded {
            recorded.set_attribute(KeyValue::new(key, value));
        }
    }

    /// It did not do what it was for.
    pub fn failed(&mut self) {
        if let Some(recorded) = &mut self.recorded {
            recorded.set_status(Status::error(""));
        }
    }
}

fn remote(context: TraceContext) -> Context {
    let span = SpanContext::new(
        TraceId::from(context.trace.get()),
        SpanId::from(context.span.get()),
        TraceFlags::SAMPLED,
        true,
        TraceState::NONE,
    );
    Context::new().with_remote_span_context(span)
}

fn ours(context: &SpanContext) -> TraceContext {
    let trace = u128::from_be_bytes(context.trace_id().to_bytes());
    let span = u64::from_be_bytes(context.span_id().to_bytes());
    match (trace.try_into(), span.try_into()) {
        (Ok(trace), Ok(span)) => TraceContext {
            trace,
            span,
            is_sampled: true,
        },
        // An exporter that has been shut down makes spans without ids.
        _ => TraceContext::unrecorded(),
    }
}
