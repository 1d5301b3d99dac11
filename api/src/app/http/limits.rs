//! How often one address, one user, and one key of a service account may ask. The buckets are shared by all pods.

use std::net::IpAddr;

use axum::{
    extract::{FromRequestParts, Request, State},
    http::{header, request::Parts},
    middleware::Next,
    response::Response,
};
use shared::{
    ids::UserId,
    ratelimit::{Limited, Rate},
    wire::Code,
};

use super::{ClientAddress, SignedIn, auth::Caller};
use crate::app::{App, error::Error};

/// Refuses what is above the limits. Addresses come first, so that nobody has the database look at made-up credentials
/// without end.
pub(super) async fn limit(
    State(app): State<App>,
    request: Request,
    next: Next,
) -> Result<Response, Error> {
    if !app.settings().http.rate_limits {
        return Ok(next.run(request).await);
    }
    let rates = app.settings().rates;
    let (mut parts, body) = request.into_parts();
    let ClientAddress(address) = client_address(&mut parts, &app).await;
    let address = (address_bucket(address), rates.per_address);
    // A token says whose it is, and is not made up: both limits for one way to Redis.
    if let Some(user) = SignedIn::claimed(&mut parts, &app) {
        take(&app, &[address, (user_bucket(user), rates.per_user)]).await?;
        return Ok(next.run(Request::from_parts(parts, body)).await);
    }
    take(&app, &[address]).await?;
    if has_credentials(&parts) {
        // Whether they are good is for the handler to say: it may not need any.
        match Caller::from_request_parts(&mut parts, &app).await {
            Ok(Caller::Session(caller)) => {
                take(&app, &[(user_bucket(caller.user_id), rates.per_user)]).await?;
            }
            Ok(Caller::Key(holder)) => {
                take(&app, &[(format!("key:{}", holder.key), rates.per_key)]).await?;
            }
            Err(_) => {}
        }
    }
    Ok(next.run(Request::from_parts(parts, body)).await)
}

async fn client_address(parts: &mut Parts, app: &App) -> ClientAddress {
    match ClientAddress::from_request_parts(parts, app).await {
        Ok(address) => address,
        Err(never) => match never {},
    }
}

fn has_credentials(parts: &Parts) -> bool {
    let headers = &parts.headers;
    headers.contains_key(header::AUTHORIZATION) || headers.contains_key(header::COOKIE)
}

/// Whoever has one address of IPv6 has the 2^64 of its network.
fn address_bucket(address: IpAddr) -> String {
    match address {
        IpAddr::V4(address) => format!("address:{address}"),
        IpAddr::V6(address) => {
            let [a, b, c, d, ..] = address.segments();
            format!("address:{a:x}:{b:x}:{c:x}:{d:x}::/64")
        }
    }
}

fn user_bucket(user: UserId) -> String {
    format!("user:{user}")
}

async fn take(app: &App, buckets: &[(String, Rate)]) -> Result<(), Error> {
    let buckets: Vec<_> = buckets
        .iter()
        .map(|(bucket, rate)| (&**bucket, *rate))
        .collect();
    let taken = app.limiter().take_each(&buckets).await;
    taken.map_err(|Limited { retry_after }| {
        Error::new(Code::RateLimited, "slow down").retry_after(retry_after)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::app::{config::Settings, testing::TestApp};

    /// One token comes back in a second: more time than these take.
    fn few(settings: &mut Settings) {
        settings.rates.per_user = Rate::new(5, 1);
    }

    #[tokio::test]
    async fn who_asks_too_often_is_told_when_to_come_back_by_every_pod() {
        let app = TestApp::start_with(few).await;
        let (ana, bo) = (app.user("ana").await, app.user("bob").await);
        let mut answers = Vec::new();
        for _ in 0..20 {
            answers.push(ana.get("/auth/me").await);
        }
        assert_eq!(answers[0].status, 200);
        let refused = answers.iter().find(|answer| answer.status == 429).unwrap();
        assert_eq!(refused.refusal(), (429, "rate_limited"));
        assert_eq!(refused.headers["retry-after"], "1");
        bo.get("/auth/me").await.ok();
    }

    #[tokio::test]
    async fn an_address_is_limited_before_anybody_looks_at_its_credentials() {
        let app = TestApp::start_with(|settings| {
            settings.rates.per_address = Rate::new(5, 1);
        })
        .await;
        let mut codes = Vec::new();
        for _ in 0..20 {
            let answer = app.visitor().get("/auth/me").await;
            codes.push(answer.refusal().1.to_owned());
        }
        assert_eq!(codes[0], "unauthenticated");
        assert!(codes.iter().any(|code| code == "rate_limited"), "{codes:?}");
        let health = app.http().send(hyper::Method::GET, "/readyz", None, None);
        assert_eq!(health.await.unwrap().status, 200);
    }

    #[tokio::test]
    async fn limits_can_be_lifted() {
        let app = TestApp::start_with(|settings| {
            few(settings);
            settings.http.rate_limits = false;
        })
        .await;
        let ana = app.user("ana").await;
        for _ in 0..20 {
            ana.get("/auth/me").await.ok();
        }
    }

    #[test]
    fn neighbours_of_ipv6_share_a_bucket_and_those_of_ipv4_do_not() {
        let bucket = |address: &str| address_bucket(address.parse().unwrap());
        assert_eq!(bucket("2001:db8:1:2::1"), bucket("2001:db8:1:2:ffff::9"));
        assert_ne!(bucket("2001:db8:1:2::1"), bucket("2001:db8:1:3::1"));
        assert_ne!(bucket("192.0.2.1"), bucket("192.0.2.2"));
    }
}
