//! What programs write down: what happened, to whom and in which request; never what lets anybody in, nor what people say.

use std::{fs, path::PathBuf};

use hyper::Method;
use serde_json::{Value, json};
use shared::testing::{Connect, RedisServer, WireClient};
use stories::{Cluster, PASSWORD, Person, Setup, settings};
use tokio::time::{Duration, Instant, sleep};

const WORDS: &str = "the moon is made of cheese";
const WRONG_PASSWORD: &str = "incorrect horse";
const REDIS_PASSWORD: &str = "redis-has-a-secret";
const WRITTEN_WITHIN: Duration = Duration::from_secs(30);

/// A folder that goes with the test.
struct Logs(PathBuf);

impl Logs {
    fn new() -> Self {
        let name = format!("hubbub-logs-{:016x}", rand::random::<u64>());
        let folder = std::env::temp_dir().join(name);
        fs::create_dir(&folder).expect("a new folder");
        Self(folder)
    }

    fn text(&self) -> String {
        let files = fs::read_dir(&self.0).expect("the folder").flatten();
        let texts = files.map(|file| fs::read_to_string(file.path()).expect("a file of text"));
        texts.collect()
    }

    async fn tell(&self, what: &str) {
        let deadline = Instant::now() + WRITTEN_WITHIN;
        while !self.text().contains(what) {
            assert!(Instant::now() < deadline, "nobody writes {what}");
            sleep(Duration::from_millis(50)).await;
        }
    }
}

impl Drop for Logs {
    fn drop(&mut self) {
        fs::remove_dir_all(&self.0).ok();
    }
}

/// Everything that takes a secret or a word, done well and badly. Returns what must not be written down.
async fn life(cluster: &Cluster) -> Vec<String> {
    let [api, other] = &cluster.api;
    let (ana, bob) = tokio::join!(Person::sign_up(api, "ana"), Person::sign_up(other, "bob"));
    let again = bob.logs_in(api).await;
    let mut phone = bob.listens(&cluster.gateway[0]).await;
    let resume_token = &phone.welcome["data"]["resume_token"];
    let resume_token = resume_token.as_str().expect("a token").to_owned();
    ana.says(api, &bob, WORDS).await;
    phone.hears("private_message").await;
    let command = json!({"type": "private", "to": ana.id, "content": WORDS});
    phone.commands(command).await;
    phone
        .commands(json!({"type": "private", "to": {}, "content": WORDS}))
        .await;
    phone
        .commands(json!({"type": "refresh", "token": again.token}))
        .await;
    phone
        .commands(json!({"type": "refresh", "token": format!("{}x", again.token)}))
        .await;
    let post = json!({"content": WORDS});
    ana.request(api, Method::POST, "/posts", Some(post)).await;
    ana.request(
        api,
        Method::GET,
        &format!("/search?q={}", WORDS.replace(' ', "+")),
        None,
    )
    .await;

    let send = async |path: &str, token: Option<&str>, body: &Value| {
        let path = format!("/api/v1{path}");
        let answer = api.http.send(Method::POST, &path, token, Some(body)).await;
        answer.expect("an answer")
    };
    let wrong = json!({"username": "ana", "password": WRONG_PASSWORD});
    send("/auth/login", None, &wrong).await;
    send(
        "/auth/login",
        None,
        &json!({"username": [PASSWORD], "password": PASSWORD}),
    )
    .await;
    send(
        "/auth/register",
        None,
        &json!({"username": "x", "password": PASSWORD}),
    )
    .await;
    let forged = format!("{}x", ana.token);
    send(
        "/messages",
        Some(&forged),
        &json!({"to": bob.id, "content": WORDS}),
    )
    .await;
    send(
        "/messages",
        Some(&ana.token),
        &json!({"to": WORDS, "content": 7}),
    )
    .await;
    let ticket = send("/realtime/token", Some(&ana.token), &Value::Null).await;

    let connect = Connect::bearer(cluster.gateway[1].http.base(), &forged);
    assert!(WireClient::connect(&connect).await.is_err(), "forged");
    let address = format!("/ws?token={forged}");
    let refused = cluster.gateway[1]
        .http
        .send(Method::GET, &address, None, None)
        .await;
    assert!(refused.expect("an answer").status.is_client_error());
    let bye = bob.request(other, Method::POST, "/auth/logout", None).await;
    assert!(bye.status.is_success(), "{}", bye.json);
    phone.is_closed().await;
    let mut secrets = vec![
        ana.token.clone(),
        bob.token.clone(),
        again.token,
        resume_token,
    ];
    secrets.push(ticket.json["token"].as_str().expect("a ticket").to_owned());
    // The signature is what makes it one; its beginning says who it is for.
    for token in &mut secrets {
        *token = token.rsplit('.').next().unwrap_or_default().to_owned();
    }
    secrets.extend([
        cluster.jwt_secret.clone(),
        PASSWORD.to_owned(),
        WORDS.to_owned(),
    ]);
    secrets.extend([WRONG_PASSWORD, REDIS_PASSWORD, "moon", "cheese"].map(str::to_owned));
    secrets
}

#[tokio::test]
async fn lines_name_requests_and_people_and_tell_no_secret() {
    let logs = Logs::new();
    let mut redis = RedisServer::start_with(&["--requirepass", REDIS_PASSWORD]).await;
    let redis_url = format!("redis://:{REDIS_PASSWORD}@{}", redis.addr());
    let cluster = Cluster::start_as(Setup {
        all: settings(&[("LOG_LEVEL", "debug"), ("REDIS_URL", &redis_url)]),
        logs: Some(logs.0.clone()),
        ..Setup::default()
    })
    .await;
    let secrets = life(&cluster).await;
    redis.kill();
    let (ana, bob) = tokio::join!(
        Person::sign_up(&cluster.api[0], "eve"),
        Person::sign_up(&cluster.api[1], "dan")
    );
    ana.says(&cluster.api[0], &bob, WORDS).await;
    logs.tell("left to the relay").await;
    cluster.stop().await;

    let text = logs.text();
    for secret in &secrets {
        let line = text.lines().find(|line| line.contains(secret.as_str()));
        assert!(line.is_none(), "{secret} is in {line:?}");
    }
    let lines: Vec<Value> = text
        .lines()
        .map(|line| serde_json::from_str(line).expect(line))
        .collect();
    for line in &lines {
        for field in ["timestamp", "level", "service", "node", "target"] {
            assert!(line[field].is_string(), "{field}: {line}");
        }
    }
    let has = |message: &str, fields: &[&str]| {
        let mut of_kind = lines.iter().filter(|line| line["message"] == message);
        let found = of_kind.any(|line| fields.iter().all(|field| !line[*field].is_null()));
        assert!(found, "no {message:?} with {fields:?}");
    };
    has(
        "request",
        &[
            "request_id",
            "trace_id",
            "user_id",
            "route",
            "method",
            "status",
        ],
    );
    has("a connection is open", &["connection_id", "user_id"]);
    has("closing", &["connection_id", "user_id", "reason"]);
}
