//! Whether a message that is sent over HTTP arrives on the other's connection: what people have of all of it, end to end.
//!
//! Through the balancer, so that its rules and timeouts are part of it; it speaks no TLS. Each round signs both people in
//! and out again, so nothing is left over from one to the next but the message.

use std::{net::SocketAddr, time::Duration};

use hyper::Method;
use serde_json::{Value, json};
use shared::{
    clock::Clock,
    lifecycle::Lifecycle,
    telemetry::{
        admin,
        metrics::{DELIVERY_SECONDS, Metrics},
    },
    testing::{HttpClient, Received, WireClient},
};
use tokio::{
    net::TcpListener,
    time::{Instant, sleep, timeout_at},
};

use crate::{
    Failure,
    account::{Account, sign_in},
};

/// What does not arrive by then is told as missing.
const PATIENCE: Duration = Duration::from_secs(10);

/// How a round ended that did not end well.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Trouble {
    ConnectFailed,
    PublishFailed,
    Timeout,
}

impl Trouble {
    const ALL: [Self; 3] = [Self::ConnectFailed, Self::PublishFailed, Self::Timeout];

    const fn label(self) -> &'static str {
        match self {
            Self::ConnectFailed => "connect_failed",
            Self::PublishFailed => "publish_failed",
            Self::Timeout => "timeout",
        }
    }
}

/// By what the message is awaited.
#[derive(Debug, Clone, Copy)]
enum Transport {
    WebSocket,
    Poll,
}

impl Transport {
    const ALL: [Self; 2] = [Self::WebSocket, Self::Poll];

    const fn label(self) -> &'static str {
        match self {
            Self::WebSocket => "websocket",
            Self::Poll => "poll",
        }
    }
}

/// The other one's ear.
enum Ear {
    Socket(Box<WireClient>),
    Poll(HttpClient, String, Option<String>),
}

impl Ear {
    async fn open(transport: Transport, url: &str, account: &Account) -> Result<Self, Trouble> {
        match transport {
            Transport::WebSocket => {
                let mut socket = WireClient::connect(&account.connect())
                    .await
                    .map_err(|_| Trouble::ConnectFailed)?;
                match socket.next_within(PATIENCE).await {
                    Some(Received::Frame(frame)) if frame["type"] == "welcome" => {
                        Ok(Self::Socket(Box::new(socket)))
                    }
                    _ => Err(Trouble::ConnectFailed),
                }
            }
            Transport::Poll => {
                let mut ear = Self::Poll(HttpClient::new(url), account.token.clone(), None);
                // The first answer comes at once, and says from where on to listen.
                ear.listen().await.map_err(|_| Trouble::ConnectFailed)?;
                Ok(ear)
            }
        }
    }

    /// The next events.
    async fn listen(&mut self) -> Result<Vec<Value>, Trouble> {
        match self {
            Self::Socket(socket) => match socket.next().await {
                Received::Frame(frame) => Ok(vec![frame]),
                Received::Closed(..) => Err(Trouble::ConnectFailed),
            },
            Self::Poll(http, token, cursor) => {
                let query = cursor.as_ref().map(|cursor| format!("?cursor={cursor}"));
                let path = format!("/events/poll{}", query.unwrap_or_default());
                let answer = http.send(Method::GET, &path, Some(token), None).await;
                let answer = answer.map_err(|_| Trouble::ConnectFailed)?;
                if !answer.status.is_success() {
                    return Err(Trouble::ConnectFailed);
                }
                *cursor = answer.json["cursor"].as_str().map(str::to_owned);
                let events = answer.json["events"].as_array();
                Ok(events.cloned().unwrap_or_default())
            }
        }
    }

    async fn hears(&mut self, content: &str, deadline: Instant) -> Result<(), Trouble> {
        loop {
            let events = timeout_at(deadline, self.listen()).await;
            let events = events.map_err(|_| Trouble::Timeout)??;
            if events
                .iter()
                .any(|event| event["data"]["content"] == content)
            {
                return Ok(());
            }
        }
    }
}

/// The command `probe`.
pub(crate) struct Probe {
    from: String,
    to: String,
    url: String,
    password: String,
    /// Between rounds; once without.
    every: Option<Duration>,
    metrics: Option<SocketAddr>,
}

impl Probe {
    pub(crate) fn parse(mut given: impl Iterator<Item = String>) -> Result<Self, Failure> {
        let (mut from, mut to) = (None, None);
        let (mut every, mut metrics) = (None, None);
        let mut url = "http://127.0.0.1:8080".to_owned();
        let mut password = "hubbub-demo".to_owned();
        while let Some(word) = given.next() {
            let mut value = || given.next().ok_or(Failure::Usage);
            match word.as_str() {
                "--url" => url = value()?,
                "--password" => password = value()?,
                "--every" => every = Some(seconds(&value()?)?),
                "--metrics" => metrics = Some(value()?.parse().map_err(|_| Failure::Usage)?),
                flag if flag.starts_with("--") => return Err(Failure::Usage),
                _ if from.is_none() => from = Some(word),
                _ if to.is_none() => to = Some(word),
                _ => return Err(Failure::Usage),
            }
        }
        Ok(Self {
            from: from.ok_or(Failure::Usage)?,
            to: to.ok_or(Failure::Usage)?,
            url,
            password,
            every,
            metrics,
        })
    }

    /// Once, and it fails if a message did not arrive; or over and over.
    pub(crate) async fn run(self) -> Result<(), Failure> {
        let metrics = Metrics::default();
        let told = Told::new(&metrics);
        if let Some(addr) = self.metrics {
            let lifecycle = Lifecycle::default();
            lifecycle.ready();
            let listener = TcpListener::bind(addr).await?;
            // Ends with the program.
            tokio::spawn(admin::serve(listener, metrics, lifecycle));
        }
        loop {
            let mut missing = Vec::new();
            for transport in Transport::ALL {
                let outcome = self.round(transport).await;
                told.tell(transport, outcome);
                if let Err(trouble) = outcome {
                    missing.push(format!("{}: {}", transport.label(), trouble.label()));
                }
            }
            match self.every {
                Some(pause) => sleep(pause).await,
                None if missing.is_empty() => return Ok(()),
                None => return Err(Failure::Refused(missing.join(", "))),
            }
        }
    }

    async fn round(&self, transport: Transport) -> Result<Duration, Trouble> {
        let sign = |name: &str| sign_in(&self.url, name.to_owned(), &self.password);
        let (from, to) = tokio::join!(sign(&self.from), sign(&self.to));
        let from = from.map_err(|_| Trouble::PublishFailed)?;
        let to = to.map_err(|_| Trouble::ConnectFailed)?;
        let outcome = self.message(transport, &from, &to).await;
        // A session that stays behind ends by itself.
        for account in [from, to] {
            account.sign_out().await.ok();
        }
        outcome
    }

    async fn message(
        &self,
        transport: Transport,
        from: &Account,
        to: &Account,
    ) -> Result<Duration, Trouble> {
        let to_id = from
            .find(&to.name)
            .await
            .map_err(|_| Trouble::PublishFailed)?;
        let mut ear = Ear::open(transport, &self.url, to).await?;
        let content = format!("probe {:032x}", rand::random::<u128>());
        let sent_at = Instant::now();
        let message = json!({"to": to_id, "content": content});
        from.post("/messages", &message)
            .await
            .map_err(|_| Trouble::PublishFailed)?;
        ear.hears(&content, sent_at + PATIENCE).await?;
        Ok(sent_at.elapsed())
    }
}

fn seconds(text: &str) -> Result<Duration, Failure> {
    let seconds: u64 = text
        .trim_end_matches('s')
        .parse()
        .map_err(|_| Failure::Usage)?;
    if seconds == 0 {
        return Err(Failure::Usage);
    }
    Ok(Duration::from_secs(seconds))
}

/// Where outcomes are told.
struct Told {
    runs: prometheus::IntCounterVec,
    latency: prometheus::HistogramVec,
    last_success: prometheus::IntGaugeVec,
}

impl Told {
    fn new(metrics: &Metrics) -> Self {
        let help = "Messages sent and awaited by a prober.";
        let runs = metrics.counters("probe_runs_total", help, &["transport", "result"]);
        let help = "From the request until the message was heard.";
        let by = &["transport"];
        let latency = metrics.histograms("probe_latency_seconds", help, by, DELIVERY_SECONDS);
        let help = "When the last of them arrived.";
        let last_success = metrics.gauges("probe_last_success_timestamp_seconds", help, by);
        for transport in Transport::ALL {
            runs.with_label_values(&[transport.label(), "ok"]);
            for trouble in Trouble::ALL {
                runs.with_label_values(&[transport.label(), trouble.label()]);
            }
        }
        Self {
            runs,
            latency,
            last_success,
        }
    }

    fn tell(&self, transport: Transport, outcome: Result<Duration, Trouble>) {
        let label = transport.label();
        let result = outcome.map_or_else(Trouble::label, |_| "ok");
        self.runs.with_label_values(&[label, result]).inc();
        match outcome {
            Ok(latency) => {
                let seconds = latency.as_secs_f64();
                self.latency.with_label_values(&[label]).observe(seconds);
                let now = Clock::System.now_seconds();
                self.last_success.with_label_values(&[label]).set(now);
                println!("{label}: {} ms", latency.as_millis());
            }
            Err(trouble) => println!("{label}: {}", trouble.label()),
        }
    }
}
