//! A client of Server-Sent Events, as strict as the specification's own algorithm.

use std::collections::BTreeMap;

use serde_json::Value;
use tokio::{
    io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader},
    net::TcpStream,
    time::timeout,
};

use crate::harness::{Gateway, PATIENCE};

pub(crate) struct EventSource {
    stream: BufReader<TcpStream>,
    pub(crate) status: u16,
    pub(crate) headers: BTreeMap<String, String>,
    /// Of the last event that had one.
    pub(crate) last_event_id: String,
    pub(crate) retry_ms: Option<u64>,
}

/// What a listener gets.
#[derive(Debug)]
pub(crate) struct Event {
    /// `message` unless the event has a name.
    pub(crate) name: String,
    pub(crate) data: Value,
}

impl EventSource {
    /// Asks for `target` (a path with its query) with these header lines besides.
    pub(crate) async fn open(gateway: &Gateway, target: &str, headers: &str) -> Self {
        Self::request(gateway, "GET", target, headers).await
    }

    pub(crate) async fn request(
        gateway: &Gateway,
        method: &str,
        target: &str,
        headers: &str,
    ) -> Self {
        let addr = gateway.base.trim_start_matches("http://");
        let mut stream = BufReader::new(TcpStream::connect(addr).await.unwrap());
        let request = format!("{method} {target} HTTP/1.1\r\nhost: x\r\n{headers}\r\n");
        stream.write_all(request.as_bytes()).await.unwrap();
        let mut source = Self {
            stream,
            status: 0,
            headers: BTreeMap::new(),
            last_event_id: String::new(),
            retry_ms: None,
        };
        let status = source.line().await.unwrap();
        source.status = status.split(' ').nth(1).unwrap().parse().unwrap();
        while let Some(line) = source.line().await.filter(|line| !line.is_empty()) {
            let (name, value) = line.split_once(": ").unwrap();
            source.headers.insert(name.to_lowercase(), value.to_owned());
        }
        source
    }

    /// With a bearer token, and the position of an earlier source.
    pub(crate) async fn resume(gateway: &Gateway, number: i64, last_event_id: &str) -> Self {
        let token = gateway.token(number);
        let headers =
            format!("authorization: Bearer {token}\r\nlast-event-id: {last_event_id}\r\n");
        Self::open(gateway, "/events", &headers).await
    }

    async fn line(&mut self) -> Option<String> {
        let mut line = String::new();
        let read = timeout(PATIENCE, self.stream.read_line(&mut line));
        if read.await.expect("a line in time").unwrap() == 0 {
            return None;
        }
        Some(line.trim_end_matches(['\r', '\n']).to_owned())
    }

    /// The next event; `None` at the end.
    pub(crate) async fn next(&mut self) -> Option<Event> {
        let (mut name, mut data) = ("message".to_owned(), Vec::new());
        loop {
            let line = self.line().await?;
            match line.split_once(": ") {
                None if line.is_empty() && data.is_empty() => {}
                None if line.is_empty() => {
                    let data = serde_json::from_str(&data.join("\n")).unwrap();
                    return Some(Event { name, data });
                }
                Some(("event", value)) => value.clone_into(&mut name),
                Some(("data", value)) => data.push(value.to_owned()),
                Some(("id", value)) => value.clone_into(&mut self.last_event_id),
                Some(("retry", value)) => self.retry_ms = value.parse().ok(),
                _ => assert!(line.starts_with(':'), "{line}"),
            }
        }
    }

    /// The next event of this type; what comes before it is passed over.
    pub(crate) async fn hears(&mut self, kind: &str) -> Value {
        loop {
            let event = self.next().await.expect("the stream goes on");
            if event.data["type"] == kind {
                return event.data;
            }
        }
    }

    pub(crate) async fn offsets(&mut self, count: usize) -> Vec<u64> {
        let mut offsets = Vec::new();
        while offsets.len() < count {
            let event = self.next().await.expect("the stream goes on");
            offsets.extend(event.data["offset"].as_u64());
        }
        offsets
    }

    /// Everything that is left.
    pub(crate) async fn body(mut self) -> String {
        let mut body = String::new();
        let read = timeout(PATIENCE, self.stream.read_to_string(&mut body));
        read.await.expect("the end in time").unwrap();
        body
    }

    pub(crate) async fn says(&mut self, bytes: &[u8]) {
        self.stream.write_all(bytes).await.unwrap();
    }
}
