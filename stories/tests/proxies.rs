//! The configurations of balancers that are deployed, before whole programs.

use std::{collections::BTreeSet, fs, path::Path};

use http_body_util::Full;
use hyper::{Request, StatusCode, body::Bytes};
use serde_json::{Map, Value};
use shared::testing::{Answer, HttpClient};
use stories::{Balancer, Cluster, Person};

/// Connections that are opened to see where they go.
const TRIES: usize = 8;

/// A polling session of Socket.IO, as clients without WebSockets keep it.
struct Poller {
    http: HttpClient,
    token: String,
    sid: Option<String>,
    cookie: Option<String>,
}

impl Poller {
    async fn open(http: &HttpClient, person: &Person) -> Self {
        let mut poller = Self {
            http: http.clone(),
            token: person.token.clone(),
            sid: None,
            cookie: None,
        };
        let answer = poller.send(None).await;
        assert_eq!(answer.status, StatusCode::OK);
        let text = String::from_utf8_lossy(&answer.body).into_owned();
        let json: Value =
            serde_json::from_str(text.trim_start_matches('0')).expect("an open packet");
        poller.sid = json["sid"].as_str().map(str::to_owned);
        let cookie = answer
            .headers
            .get("set-cookie")
            .and_then(|value| value.to_str().ok());
        poller.cookie = cookie
            .and_then(|value| value.split(';').next())
            .map(str::to_owned);
        poller
    }

    /// A request of the session: a packet, or a question for packets.
    async fn send(&self, packet: Option<&str>) -> Answer {
        let sid = self
            .sid
            .as_ref()
            .map_or_else(String::new, |sid| format!("&sid={sid}"));
        let base = self.http.base();
        let request = Request::builder()
            .method(if packet.is_some() { "POST" } else { "GET" })
            .uri(format!(
                "{base}/socket.io/?EIO=4&transport=polling&token={}{sid}",
                self.token
            ));
        let request = match &self.cookie {
            Some(cookie) => request.header("cookie", cookie),
            None => request,
        };
        let body = Full::new(Bytes::from(packet.unwrap_or_default().to_owned()));
        let request = request.body(body).expect("a request");
        self.http.send_raw(request).await.expect("an answer")
    }

    /// Joins the namespace, and is let in: the session's gateway is the one that is asked each time.
    async fn joins(&self) {
        let sent = self.send(Some("40")).await;
        assert_eq!(sent.status, StatusCode::OK, "{:?}", sent.body);
        let told = self.send(None).await;
        assert_eq!(told.status, StatusCode::OK, "{:?}", told.body);
        let text = String::from_utf8_lossy(&told.body);
        assert!(text.starts_with("40"), "{text}");
    }
}

async fn sockets_and_sessions(balancer: &Balancer, bob: &Person) -> BTreeSet<String> {
    let mut nodes = BTreeSet::new();
    let mut phones = Vec::new();
    for _ in 0..TRIES {
        let phone = bob.listens_through(&balancer.http, Map::new()).await;
        let node = phone.welcome["data"]["node"].as_str().expect("a node");
        nodes.insert(node.to_owned());
        phones.push(phone);
        Poller::open(&balancer.http, bob).await.joins().await;
    }
    nodes
}

/// `Cluster` with room for as many connections of one person as there are here.
async fn roomy() -> Cluster {
    Cluster::start_with(&[
        ("CONNECTIONS_PER_USER", "64"),
        ("DRAIN_DELAY", "20s"),
        ("DRAIN_WINDOW", "1s"),
    ])
    .await
}

fn both() -> BTreeSet<String> {
    ["gateway-1", "gateway-2"].map(str::to_owned).into()
}

#[tokio::test]
async fn haproxy_upgrades_keeps_sessions_together_and_sends_nobody_new_to_who_drains() {
    let cluster = roomy().await;
    let balancer = Balancer::before(&cluster).await;
    let bob = Person::sign_up(&cluster.api[0], "bob").await;
    assert_eq!(sockets_and_sessions(&balancer, &bob).await, both());

    let mut sessions = Vec::new();
    for _ in 0..TRIES {
        sessions.push(Poller::open(&balancer.http, &bob).await);
    }
    cluster.gateway[0].program.drain().await;
    balancer.sees("gateway-1", "NOLB").await;
    // Sessions that are there are served to their end, wherever they are.
    for session in &sessions {
        session.joins().await;
    }
    let second = BTreeSet::from(["gateway-2".to_owned()]);
    assert_eq!(sockets_and_sessions(&balancer, &bob).await, second);
    cluster.stop().await;
}

#[tokio::test]
async fn nginx_upgrades_keeps_sessions_together_and_goes_round_who_is_gone() {
    let mut cluster = roomy().await;
    let balancer = Balancer::nginx(&cluster).await;
    let bob = Person::sign_up(&cluster.api[0], "bob").await;
    assert_eq!(sockets_and_sessions(&balancer, &bob).await, both());
    let path = "/internal/log/heads";
    let hidden = balancer
        .http
        .send(hyper::Method::POST, path, None, None)
        .await;
    assert_eq!(hidden.expect("an answer").status, StatusCode::NOT_FOUND);

    cluster.gateway[0].program.kill();
    let second = BTreeSet::from(["gateway-2".to_owned()]);
    assert_eq!(sockets_and_sessions(&balancer, &bob).await, second);
    cluster.stop().await;
}

/// Seconds of a setting such as `timeout client 75s`, wherever it stands.
fn seconds(text: &str, setting: &str) -> Vec<u64> {
    let lines = text.lines().map(str::trim);
    let values = lines.filter_map(|line| line.strip_prefix(setting)?.split_whitespace().next());
    let read = |value: &str| {
        let value = value.trim_end_matches(';');
        let (number, unit) = value.split_at(value.len() - 1);
        let number: u64 = number.parse().expect(value);
        match unit {
            "s" => number,
            "m" => number * 60,
            "h" => number * 3600,
            _ => panic!("{setting} {value}"),
        }
    };
    values.map(read).collect()
}

#[test]
fn nothing_on_the_way_ends_what_is_silent_for_a_minute() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../deploy");
    let read = |name: &str| fs::read_to_string(folder.join(name)).expect(name);
    let haproxy = read("haproxy.cfg");
    let nginx = read("nginx.conf");
    for (text, setting) in [
        (&haproxy, "timeout client "),
        (&haproxy, "timeout server "),
        (&haproxy, "timeout tunnel "),
        (&nginx, "proxy_read_timeout "),
        (&nginx, "proxy_send_timeout "),
    ] {
        let values = seconds(text, setting);
        assert!(!values.is_empty(), "{setting} is not set");
        assert!(
            values.iter().all(|value| *value > 60),
            "{setting}{values:?}"
        );
    }
}
