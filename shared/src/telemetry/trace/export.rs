//! To a collector, by OTLP over HTTP.

use std::{sync::OnceLock, time::Duration};

use async_trait::async_trait;
use bytes::Bytes;
use http_body_util::{BodyExt, Full, Limited};
use hyper_util::{
    client::legacy::{Client, connect::HttpConnector},
    rt::{TokioExecutor, TokioTimer},
};
use opentelemetry::{
    Context, KeyValue,
    trace::{SpanBuilder, TracerProvider},
};
use opentelemetry_http::{HttpClient, HttpError, Request, Response};
use opentelemetry_otlp::{Protocol, SpanExporter, WithExportConfig, WithHttpConfig};
use opentelemetry_sdk::{
    Resource,
    trace::{SdkTracer, SdkTracerProvider, Span},
};
use tokio::{runtime::Handle, time::Instant};

use super::{Kind, TraceContext, budget::Budget};
use crate::config::TelemetrySettings;

/// The path of traces, below the endpoint.
const PATH: &str = "/v1/traces";
/// The longest wait for the collector. What it does not take by then is lost.
const EXPORT_TIME_MAX: Duration = Duration::from_secs(5);
/// The longest wait for the last spans at the end.
const END_TIME_MAX: Duration = Duration::from_secs(3);
const ANSWER_BYTES_MAX: usize = 64 << 10;
const IDLE_TIME_MAX: Duration = Duration::from_secs(30);

/// One for the process, as for logs: a step does not carry its exporter along.
static TRACER: OnceLock<Tracer> = OnceLock::new();

/// What makes spans.
#[derive(Debug)]
pub(super) struct Tracer {
    maker: SdkTracer,
    budget: Budget,
    share: f64,
}

pub(super) fn tracer() -> Option<&'static Tracer> {
    TRACER.get()
}

impl Tracer {
    /// Whether a request of this caller is recorded.
    pub(super) fn samples(&self, caller: Option<TraceContext>) -> bool {
        let is_wanted = match caller {
            Some(caller) => caller.is_sampled,
            None => rand::random::<f64>() < self.share,
        };
        is_wanted && self.budget.take(Instant::now())
    }

    pub(super) fn start(&self, builder: SpanBuilder, kind: Kind, parent: &Context) -> Span {
        let builder = builder.with_kind(kind.into());
        builder.start_with_context(&self.maker, parent)
    }
}

/// What was started; to be ended, or the last spans are lost.
#[derive(Debug)]
pub struct Tracing(Option<SdkTracerProvider>);

/// Starts exporting for the whole process, where a collector is configured. Must run on a tokio runtime, which sends what is
/// exported; a thread of its own collects it, in bounded batches.
///
/// # Errors
///
/// Says what is wrong with the endpoint, or that it was started before.
pub fn start_tracing(settings: &TelemetrySettings, service: &str) -> Result<Tracing, String> {
    let Some(endpoint) = &settings.tracing.endpoint else {
        return Ok(Tracing(None));
    };
    let exporter = SpanExporter::builder()
        .with_http()
        .with_http_client(Collector::new())
        .with_protocol(Protocol::HttpBinary)
        .with_endpoint(format!("{endpoint}{PATH}"))
        .with_timeout(EXPORT_TIME_MAX)
        .build()
        .map_err(|error| format!("OTEL_EXPORTER_OTLP_ENDPOINT: {error}"))?;
    let attributes = [
        KeyValue::new("service.name", service.to_owned()),
        KeyValue::new("service.instance.id", settings.node_name.clone()),
        KeyValue::new("service.version", env!("CARGO_PKG_VERSION")),
    ];
    let resource = Resource::builder_empty().with_attributes(attributes);
    let provider = SdkTracerProvider::builder()
        .with_batch_exporter(exporter)
        .with_resource(resource.build())
        .build();
    let tracer = Tracer {
        maker: provider.tracer("hubbub"),
        budget: Budget::new(Instant::now()),
        share: settings.tracing.share,
    };
    TRACER
        .set(tracer)
        .map_err(|_| "tracing was started before".to_owned())?;
    Ok(Tracing(Some(provider)))
}

impl Tracing {
    /// Sends the last spans, within a few seconds.
    pub async fn stop(self) {
        let Some(provider) = self.0 else { return };
        let stop = move || provider.shutdown_with_timeout(END_TIME_MAX);
        match tokio::task::spawn_blocking(stop).await {
            Ok(Ok(())) => {}
            Ok(Err(error)) => tracing::warn!(%error, "the last spans are lost"),
            Err(error) => tracing::error!(%error, "the end of tracing panicked"),
        }
    }
}

/// Sends batches from the thread that collects them, by the runtime's connections.
#[derive(Debug)]
struct Collector {
    client: Client<HttpConnector, Full<Bytes>>,
    runtime: Handle,
}

impl Collector {
    fn new() -> Self {
        let mut connector = HttpConnector::new();
        connector.set_connect_timeout(Some(EXPORT_TIME_MAX));
        Self {
            client: Client::builder(TokioExecutor::new())
                .pool_timer(TokioTimer::new())
                .pool_idle_timeout(IDLE_TIME_MAX)
                .build(connector),
            runtime: Handle::current(),
        }
    }
}

#[async_trait]
impl HttpClient for Collector {
    async fn send_bytes(&self, request: Request<Bytes>) -> Result<Response<Bytes>, HttpError> {
        let client = self.client.clone();
        let exchange = async move {
            let answer = client.request(request.map(Full::new)).await?;
            let (head, body) = answer.into_parts();
            let body = Limited::new(body, ANSWER_BYTES_MAX).collect().await?;
            Ok(Response::from_parts(head, body.to_bytes()))
        };
        // The timer and the socket are the runtime's; this thread has none.
        let exchange = async move { tokio::time::timeout(EXPORT_TIME_MAX, exchange).await? };
        self.runtime.spawn(exchange).await?
    }
}
