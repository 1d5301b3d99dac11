//! The promises of the product, each with the fault that it is made against.

use serde_json::{Value, json};
use stories::{Cluster, Listener, Node, Person};

async fn ana_and_bo(cluster: &Cluster) -> (Person, Person) {
    let [api_1, api_2] = &cluster.api;
    tokio::join!(Person::sign_up(api_1, "ana"), Person::sign_up(api_2, "bob"))
}

fn contents(count: usize) -> Vec<String> {
    (1..=count)
        .map(|number| format!("message {number}"))
        .collect()
}

async fn says_all(ana: &Person, bo: &Person, api: &[&Node], contents: &[String]) {
    for (content, api) in contents.iter().zip(api.iter().cycle()) {
        ana.says(api, bo, content).await;
    }
}

#[tokio::test]
async fn a_message_written_through_one_api_arrives_on_the_other_gateway() {
    let cluster = Cluster::start().await;
    let (ana, bo) = ana_and_bo(&cluster).await;
    let mut ana_s_phone = ana.listens(&cluster.gateway[0]).await;
    let mut bo_s_phone = bo.listens(&cluster.gateway[1]).await;
    assert_eq!(ana_s_phone.welcome["data"]["node"], "gateway-1");
    assert_eq!(bo_s_phone.welcome["data"]["node"], "gateway-2");

    let sent = ana.says(&cluster.api[0], &bo, "hi").await;
    let heard = bo_s_phone.hears("private_message").await;
    assert_eq!(heard["data"]["content"], "hi");
    assert_eq!(heard["data"]["message_id"], sent["id"]);
    assert_eq!(heard["data"]["seq"], 1);
    assert_eq!(heard["from_user_id"], ana.id);
    assert_eq!(heard["to_user_id"], bo.id);
    let echo = ana_s_phone.hears("private_message").await;
    assert_eq!(
        echo["id"], heard["id"],
        "one event, the same id in every channel"
    );

    let ack = bo_s_phone
        .commands(json!({"type": "private", "to": ana.id, "content": "hello"}))
        .await;
    assert_eq!(
        (ack["type"].as_str(), &ack["data"]["seq"]),
        (Some("ack"), &json!(2)),
        "{ack}"
    );
    assert_eq!(
        ana_s_phone.hears("private_message").await["data"]["content"],
        "hello"
    );
    cluster.stop().await;
}

#[tokio::test]
async fn an_api_killed_between_commit_and_publish_loses_nothing() {
    let mut cluster = Cluster::start().await;
    let (ana, bo) = ana_and_bo(&cluster).await;
    let mut phone = bo.listens(&cluster.gateway[1]).await;

    // What this pod publishes stays in the valve and dies with the connection: committed, never published.
    cluster.api[0].redis.shut();
    ana.says(&cluster.api[0], &bo, "from the dead").await;
    cluster.api[0].program.kill();

    assert_eq!(
        phone.hears("private_message").await["data"]["content"],
        "from the dead"
    );
    // The next offset follows directly (the listener checks it), so the first came exactly once.
    ana.says(&cluster.api[1], &bo, "from the living").await;
    assert_eq!(
        phone.hears("private_message").await["data"]["content"],
        "from the living"
    );
    cluster.stop().await;
}

#[tokio::test]
async fn a_gateway_killed_while_messages_flow_costs_nobody_an_event() {
    let mut cluster = Cluster::start().await;
    let (ana, bo) = ana_and_bo(&cluster).await;
    let mut phone = bo.listens(&cluster.gateway[0]).await;
    let expected = contents(200);
    let mut heard = Vec::new();
    {
        let Cluster {
            api,
            gateway: [first, second],
            ..
        } = &mut cluster;
        let api = [&api[0], &api[1]];
        let listening = async {
            phone
                .hears_messages_until("message 50", &mut heard)
                .await
                .expect("the connection stands");
            first.program.kill();
            while phone
                .hears_messages_until("message 200", &mut heard)
                .await
                .is_none()
            {
                phone.come_back(second).await;
                assert!(recovered(&phone, &bo), "{}", phone.welcome);
            }
        };
        tokio::join!(says_all(&ana, &bo, &api, &expected), listening);
    }
    assert_eq!(heard, expected);
    cluster.stop().await;
}

fn recovered(listener: &Listener, person: &Person) -> bool {
    let channel = format!("user:{}", person.id);
    listener.welcome["data"]["channels"][channel]["recovered"] == Value::Bool(true)
}

#[tokio::test]
async fn a_redis_restarted_empty_while_messages_flow_costs_nobody_an_event() {
    let mut cluster = Cluster::start().await;
    let (ana, bo) = ana_and_bo(&cluster).await;
    let mut phone = bo.listens(&cluster.gateway[1]).await;
    let expected = contents(200);
    let mut heard = Vec::new();
    {
        let Cluster { api, redis, .. } = &mut cluster;
        let api = [&api[0], &api[1]];
        let listening = async {
            phone
                .hears_messages_until("message 50", &mut heard)
                .await
                .expect("the connection stands");
            redis.restart_empty().await;
            // The same connection, not told to reload (the listener would say so), not closed.
            phone
                .hears_messages_until("message 200", &mut heard)
                .await
                .expect("the connection stands");
        };
        tokio::join!(says_all(&ana, &bo, &api, &expected), listening);
    }
    assert_eq!(heard, expected);
    cluster.stop().await;
}

#[tokio::test]
async fn two_pods_that_publish_in_the_wrong_order_are_put_right() {
    let cluster = Cluster::start().await;
    let (ana, bo) = ana_and_bo(&cluster).await;
    let mut first_phone = bo.listens(&cluster.gateway[0]).await;
    let mut second_phone = bo.listens(&cluster.gateway[1]).await;
    ana.says(&cluster.api[0], &bo, "before").await;
    first_phone.hears("private_message").await;
    second_phone.hears("private_message").await;

    cluster.api[0].redis.shut();
    ana.says(&cluster.api[0], &bo, "first").await;
    ana.says(&cluster.api[1], &bo, "second").await;
    cluster.api[0].redis.open();

    for phone in [&mut first_phone, &mut second_phone] {
        assert_eq!(
            phone.hears("private_message").await["data"]["content"],
            "first"
        );
        assert_eq!(
            phone.hears("private_message").await["data"]["content"],
            "second"
        );
    }
    cluster.stop().await;
}

#[tokio::test]
async fn logging_out_closes_the_session_s_sockets_on_every_node() {
    let cluster = Cluster::start().await;
    let (ana, bo) = ana_and_bo(&cluster).await;
    let mut phones = [
        bo.listens(&cluster.gateway[0]).await,
        bo.listens(&cluster.gateway[1]).await,
    ];
    let mut ana_s_phone = ana.listens(&cluster.gateway[0]).await;

    let answer = bo
        .request(&cluster.api[0], hyper::Method::POST, "/auth/logout", None)
        .await;
    assert!(answer.status.is_success(), "{}", answer.json);
    for phone in &mut phones {
        assert_eq!(phone.is_closed().await, 4004);
    }
    let pong = ana_s_phone.commands(json!({"type": "ping"})).await;
    assert_eq!(pong["type"], "pong", "others are left alone");
    cluster.stop().await;
}

#[tokio::test]
async fn whoever_takes_several_objects_at_once_catches_up_in_few_messages() {
    let cluster = Cluster::start().await;
    let (ana, bo) = ana_and_bo(&cluster).await;
    let mut phone = bo.listens(&cluster.gateway[0]).await;
    phone.takes_lines();
    phone.goes_away();
    let [api_1, api_2] = &cluster.api;
    let missed = contents(100);
    says_all(&ana, &bo, &[api_1, api_2], &missed).await;

    phone.come_back(&cluster.gateway[1]).await;
    let mut heard = Vec::new();
    let last = phone.hears_messages_until("message 100", &mut heard).await;
    last.expect("no end before it");
    assert_eq!(heard, missed);
    let messages = phone.messages();
    assert!(messages <= 6, "{messages} messages for 100 events");
    cluster.stop().await;
}
