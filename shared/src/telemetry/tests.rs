use std::net::SocketAddr;

use hyper::{Method, StatusCode};
use tokio::net::TcpListener;

use super::{admin, healthcheck, metrics::Metrics};
use crate::{lifecycle::Lifecycle, testing::HttpClient};

/// The private listener of a process.
async fn private_listener() -> (SocketAddr, Lifecycle, HttpClient) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let addr = listener.local_addr().unwrap();
    let lifecycle = Lifecycle::default();
    tokio::spawn(admin::serve(
        listener,
        Metrics::default(),
        lifecycle.clone(),
    ));
    let client = HttpClient::new(&format!("http://{addr}"));
    (addr, lifecycle, client)
}

async fn ask(client: &HttpClient, method: Method, path: &str) -> (StatusCode, String) {
    let answer = client.send(method, path, None, None).await.unwrap();
    let body = String::from_utf8(answer.body.to_vec()).unwrap();
    (answer.status, body)
}

#[tokio::test]
async fn readiness_goes_from_starting_to_ready_to_draining() {
    let (_, lifecycle, client) = private_listener().await;
    let ready = async || ask(&client, Method::GET, "/readyz").await.0;

    assert_eq!(ready().await, StatusCode::SERVICE_UNAVAILABLE);
    lifecycle.ready();
    assert_eq!(ready().await, StatusCode::OK);
    for _ in 0..2 {
        let (status, _) = ask(&client, Method::POST, "/drain").await;
        assert_eq!(status, StatusCode::ACCEPTED);
    }
    lifecycle.draining().await;
    assert_eq!(ready().await, StatusCode::NOT_FOUND);
    assert_eq!(
        ask(&client, Method::GET, "/healthz").await.0,
        StatusCode::OK
    );
}

#[tokio::test]
async fn a_process_tells_about_itself() {
    let (_, lifecycle, client) = private_listener().await;
    lifecycle.ready();
    let (status, text) = ask(&client, Method::GET, "/metrics").await;
    assert_eq!(status, StatusCode::OK);
    for line in [
        "hubbub_ready 1",
        "hubbub_draining 0",
        "hubbub_build_info{commit=",
        "hubbub_runtime_lag_seconds_count",
        "process_open_fds",
    ] {
        assert!(
            text.lines().any(|found| found.starts_with(line)),
            "no {line} in {text}"
        );
    }
}

#[tokio::test]
async fn only_what_answers_is_healthy() {
    let (addr, ..) = private_listener().await;
    let asked = tokio::task::spawn_blocking(move || healthcheck(addr));
    asked.await.unwrap().unwrap();

    // Everywhere is asked on the loopback address.
    let everywhere = SocketAddr::from(([0, 0, 0, 0], addr.port()));
    let asked = tokio::task::spawn_blocking(move || healthcheck(everywhere));
    asked.await.unwrap().unwrap();

    let nobody = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let addr = nobody.local_addr().unwrap();
    drop(nobody);
    let asked = tokio::task::spawn_blocking(move || healthcheck(addr));
    asked.await.unwrap().unwrap_err();
}
