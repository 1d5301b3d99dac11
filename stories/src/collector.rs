//! Who takes the spans of programs: OTLP over HTTP.

use std::{
    convert::Infallible,
    sync::{Arc, Mutex},
    time::Duration,
};

use http_body_util::{BodyExt, Full};
use hyper::{
    Request, Response, body::Bytes, body::Incoming, server::conn::http1, service::service_fn,
};
use hyper_util::rt::TokioIo;
use opentelemetry_proto::tonic::{
    collector::trace::v1::ExportTraceServiceRequest,
    common::v1::{KeyValue, any_value::Value},
    resource::v1::Resource,
    trace::v1::Span,
};
use prost::Message;
use tokio::{
    net::TcpListener,
    task::JoinHandle,
    time::{Instant, sleep},
};

/// Above the few seconds for which programs hold spans back.
const HEARD_WITHIN: Duration = Duration::from_secs(30);

/// A span as it came.
#[derive(Debug, Clone)]
pub struct Step {
    /// Which program, and which of its kind.
    pub service: String,
    /// What was done.
    pub name: String,
    /// Its trace, in hexadecimal.
    pub trace: String,
    /// Its id.
    pub id: String,
    /// The step before it; empty for the first.
    pub parent: String,
    /// Notes about it.
    pub notes: Vec<(String, String)>,
}

impl Step {
    /// What is noted under this name.
    pub fn note(&self, name: &str) -> Option<&str> {
        let note = self.notes.iter().find(|(key, _)| key == name);
        note.map(|(_, value)| value.as_str())
    }
}

/// A running collector; it ends when dropped.
pub struct Collector {
    addr: std::net::SocketAddr,
    steps: Arc<Mutex<Vec<Step>>>,
    serving: JoinHandle<()>,
}

impl Collector {
    /// Listens on a free port.
    pub async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let steps = Arc::default();
        Self {
            addr: listener.local_addr().expect("a bound listener"),
            serving: tokio::spawn(serve(listener, Arc::clone(&steps))),
            steps,
        }
    }

    /// What programs are told.
    pub fn url(&self) -> String {
        format!("http://{}", self.addr)
    }

    /// Everything that has come.
    pub fn steps(&self) -> Vec<Step> {
        self.steps.lock().expect("nothing panics in here").clone()
    }

    /// The step of this trace that has this name, once it has come.
    pub async fn hears(&self, trace: &str, name: &str) -> Step {
        let is_meant = |step: &Step| step.trace == trace && step.name == name;
        self.find(name, is_meant).await
    }

    /// The first step of this name, whatever its trace.
    pub async fn hears_of(&self, name: &str) -> Step {
        self.find(name, |step| step.name == name).await
    }

    /// The step that comes before this one.
    pub async fn hears_before(&self, step: &Step) -> Step {
        self.find(&step.parent, |before| before.id == step.parent)
            .await
    }

    async fn find(&self, what: &str, is_meant: impl Fn(&Step) -> bool) -> Step {
        let deadline = Instant::now() + HEARD_WITHIN;
        loop {
            let mut steps = self.steps().into_iter();
            if let Some(step) = steps.find(&is_meant) {
                return step;
            }
            assert!(
                Instant::now() < deadline,
                "no {what} among {:#?}",
                self.steps()
            );
            sleep(Duration::from_millis(20)).await;
        }
    }
}

impl Drop for Collector {
    fn drop(&mut self) {
        self.serving.abort();
    }
}

async fn serve(listener: TcpListener, steps: Arc<Mutex<Vec<Step>>>) {
    let mut connections = tokio::task::JoinSet::new();
    while let Ok((stream, _)) = listener.accept().await {
        let steps = Arc::clone(&steps);
        let service = service_fn(move |request| take(request, Arc::clone(&steps)));
        connections.spawn(http1::Builder::new().serve_connection(TokioIo::new(stream), service));
    }
}

async fn take(
    request: Request<Incoming>,
    steps: Arc<Mutex<Vec<Step>>>,
) -> Result<Response<Full<Bytes>>, Infallible> {
    assert_eq!(request.uri().path(), "/v1/traces");
    let body = request
        .into_body()
        .collect()
        .await
        .expect("a body")
        .to_bytes();
    let batch = ExportTraceServiceRequest::decode(body).expect("what the protocol says");
    let read = batch.resource_spans.iter().flat_map(|of_program| {
        let service = service(of_program.resource.as_ref());
        let spans = of_program.scope_spans.iter().flat_map(|scope| &scope.spans);
        spans.map(move |span| step(service.clone(), span))
    });
    steps.lock().expect("nothing panics in here").extend(read);
    Ok(Response::default())
}

fn service(resource: Option<&Resource>) -> String {
    let notes = notes(resource.map_or(&[], |resource| &resource.attributes));
    let of = |name: &str| {
        notes
            .iter()
            .find(|(key, _)| key == name)
            .map(|(_, value)| value.clone())
    };
    format!(
        "{} {}",
        of("service.name").unwrap_or_default(),
        of("service.instance.id").unwrap_or_default()
    )
}

fn step(service: String, span: &Span) -> Step {
    Step {
        service,
        name: span.name.clone(),
        trace: hex(&span.trace_id),
        id: hex(&span.span_id),
        parent: hex(&span.parent_span_id),
        notes: notes(&span.attributes),
    }
}

fn hex(bytes: &[u8]) -> String {
    let start = String::with_capacity(bytes.len() * 2);
    bytes
        .iter()
        .fold(start, |text, byte| text + &format!("{byte:02x}"))
}

fn notes(attributes: &[KeyValue]) -> Vec<(String, String)> {
    let text = |value: &KeyValue| match value.value.as_ref().and_then(|value| value.value.as_ref())
    {
        Some(Value::StringValue(text)) => text.clone(),
        Some(Value::IntValue(number)) => number.to_string(),
        other => format!("{other:?}"),
    };
    attributes
        .iter()
        .map(|note| (note.key.clone(), text(note)))
        .collect()
}
