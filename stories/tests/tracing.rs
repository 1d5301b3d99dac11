//! One trace, from a request to the sockets.

use std::collections::BTreeSet;

use http_body_util::Full;
use hyper::{Request, StatusCode};
use serde_json::json;
use stories::{Cluster, Collector, Node, Person, Setup, Step, settings};

const WANTED: &str = "4bf92f3577b34da6a3ce929d0e0e4736";
const UNWANTED: &str = "0af7651916cd43dd8448eb211c80319c";
const CALLER: &str = "00f067aa0ba902b7";

/// Callers choose what is recorded; of commands over sockets everything is.
async fn recorded(collector: &Collector) -> Cluster {
    let url = collector.url();
    let all = settings(&[
        ("OTEL_EXPORTER_OTLP_ENDPOINT", &url),
        // The exporter's own setting, in milliseconds: tests need not wait for five seconds.
        ("OTEL_BSP_SCHEDULE_DELAY", "100"),
    ]);
    Cluster::start_as(Setup {
        all,
        api: settings(&[("OTEL_TRACES_SAMPLER_ARG", "0")]),
        gateway: settings(&[("OTEL_TRACES_SAMPLER_ARG", "1")]),
        ..Setup::default()
    })
    .await
}

async fn says(ana: &Person, api: &Node, bob: &Person, trace: &str, flags: &str) {
    let message = json!({"to": bob.id, "content": "hello"}).to_string();
    let request = Request::post(format!("{}/api/v1/messages", api.http.base()))
        .header("authorization", format!("Bearer {}", ana.token))
        .header("content-type", "application/json")
        .header("traceparent", format!("00-{trace}-{CALLER}-{flags}"))
        .body(Full::from(message))
        .expect("a request");
    let answer = api.http.send_raw(request).await.expect("an answer");
    assert_eq!(answer.status, StatusCode::CREATED, "{}", answer.json);
}

/// Each comes after the one before it, up to the last.
async fn is_a_way(collector: &Collector, trace: &str, way: &[(&str, &str)]) -> Vec<Step> {
    let (service, last) = way.last().expect("a way");
    let mut step = collector.hears(trace, last).await;
    assert_eq!(step.service, *service, "{step:?}");
    let mut steps = vec![step.clone()];
    for (service, name) in way.iter().rev().skip(1) {
        step = collector.hears_before(&step).await;
        assert_eq!(
            (step.service.as_str(), step.name.as_str()),
            (*service, *name)
        );
        steps.push(step.clone());
    }
    steps.reverse();
    steps
}

#[tokio::test]
async fn a_trace_leads_from_the_request_to_the_socket() {
    let collector = Collector::start().await;
    let cluster = recorded(&collector).await;
    let [api_1, api_2] = &cluster.api;
    let (ana, bob) = tokio::join!(Person::sign_up(api_1, "ana"), Person::sign_up(api_2, "bob"));
    let mut phone = bob.listens(&cluster.gateway[1]).await;

    says(&ana, api_1, &bob, UNWANTED, "00").await;
    says(&ana, api_1, &bob, WANTED, "01").await;
    phone.hears("private_message").await;
    phone.hears("private_message").await;
    let way = [
        ("hubbub-api api-1", "POST /api/v1/messages"),
        ("hubbub-api api-1", "commit"),
        ("hubbub-api api-1", "publish private_message"),
        ("hubbub-gateway gateway-2", "deliver private_message"),
    ];
    let steps = is_a_way(&collector, WANTED, &way).await;
    assert_eq!(steps[0].parent, CALLER);
    assert_eq!(steps[0].note("http.response.status_code"), Some("201"));
    assert_eq!(steps[3].note("hubbub.hearers"), Some("1"), "{:?}", steps[3]);
    assert_eq!(steps[3].note("hubbub.written"), Some("1"), "{:?}", steps[3]);

    let traces: BTreeSet<String> = collector.steps().into_iter().map(|s| s.trace).collect();
    assert_eq!(
        traces,
        BTreeSet::from([WANTED.to_owned()]),
        "nobody wished for more"
    );

    let mut ana_s_phone = ana.listens(&cluster.gateway[0]).await;
    let command = json!({"type": "private", "to": ana.id, "content": "hello yourself"});
    assert_eq!(phone.commands(command).await["type"], "ack");
    ana_s_phone.hears("private_message").await;
    let begun = collector.hears_of("command private").await;
    assert_eq!(begun.service, "hubbub-gateway gateway-2");
    let forwarded = collector.hears(&begun.trace, "POST /internal/commands");
    assert_eq!(forwarded.await.parent, begun.id);
    let delivered = collector.hears(&begun.trace, "deliver private_message");
    delivered.await;
    cluster.stop().await;
}

#[tokio::test]
async fn what_another_pod_relays_is_of_the_same_trace() {
    let collector = Collector::start().await;
    let mut cluster = recorded(&collector).await;
    let [api_1, api_2] = &cluster.api;
    let (ana, bob) = tokio::join!(Person::sign_up(api_1, "ana"), Person::sign_up(api_2, "bob"));
    let mut phone = bob.listens(&cluster.gateway[1]).await;

    api_1.redis.shut();
    says(&ana, api_1, &bob, WANTED, "01").await;
    collector.hears(WANTED, "POST /api/v1/messages").await;
    cluster.api[0].program.kill();
    phone.hears("private_message").await;
    let delivered = collector.hears(WANTED, "deliver private_message").await;
    let by_relay = collector.hears_before(&delivered).await;
    assert_eq!(by_relay.service, "hubbub-api api-2");
    assert_eq!(by_relay.note("hubbub.by"), Some("relay"));
    let commit = collector.hears(WANTED, "commit").await;
    assert_eq!(by_relay.parent, commit.id, "the log has kept it");
    cluster.stop().await;
}
