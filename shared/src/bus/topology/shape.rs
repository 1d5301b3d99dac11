//! What `REDIS_URL` says.

use std::path::Path;

use super::{Server, sentinel::Sentinels, server::read_ca};
use crate::bus::BusError;

/// The forms that Redis comes in.
pub(super) enum Shape {
    /// One server, or several over which keys are spread.
    Fixed(Vec<Server>),
    /// Whichever server the sentinels call the master.
    Sentinel(Box<Sentinels>),
    /// A Redis Cluster, of which these are known; the others have the same credentials.
    Cluster(Vec<Server>),
}

impl Shape {
    /// - `redis://[user:password@]host:port`
    /// - the same several times, with commas: keys are spread over the list
    /// - `redis+sentinel://[user:password@]host:port,host:port/master[?sentinel_password=…]`; user and password are the
    ///   servers'
    /// - `redis+cluster://[user:password@]host:port,host:port`
    ///
    /// With `rediss` instead of `redis` all of it goes over TLS.
    pub(super) fn parse(url: &str, ca_file: Option<&Path>) -> Result<Self, BusError> {
        let ca = ca_file.map(read_ca).transpose()?;
        let server = |url: &str| Server::parse(url, ca.as_deref());
        let (scheme, rest) = url
            .split_once("://")
            .ok_or_else(|| configuration("not a URL"))?;
        let (transport, kind) = scheme.split_once('+').unwrap_or((scheme, ""));
        if !matches!(transport, "redis" | "rediss") {
            return Err(configuration("begins with redis or rediss"));
        }
        match kind {
            "" => url
                .split(',')
                .map(server)
                .collect::<Result<_, _>>()
                .map(Self::Fixed),
            "cluster" => {
                let (login, hosts) = split_login(rest);
                let urls = urls(transport, login, hosts);
                urls.iter()
                    .map(|url| server(url))
                    .collect::<Result<_, _>>()
                    .map(Self::Cluster)
            }
            "sentinel" => {
                let (login, rest) = split_login(rest);
                let (hosts, master) = rest.split_once('/').ok_or_else(|| {
                    configuration("names no master after the sentinels: …/master")
                })?;
                let (master, password) = split_password(master)?;
                let sentinels = urls(transport, password.as_deref(), hosts);
                let sentinels = sentinels
                    .iter()
                    .map(|url| server(url))
                    .collect::<Result<_, _>>()?;
                // Its address is what the sentinels say; the rest is ours to say.
                let pattern = server(&format!("{transport}://{}localhost", at(login)))?;
                Ok(Self::Sentinel(Box::new(Sentinels::new(
                    sentinels, master, pattern,
                ))))
            }
            _ => Err(configuration("redis+sentinel and redis+cluster are served")),
        }
    }
}

fn configuration(reason: &str) -> BusError {
    BusError::Configuration(reason.to_owned())
}

/// `user:password`, if there is one, and what follows the `@`.
fn split_login(rest: &str) -> (Option<&str>, &str) {
    match rest.rsplit_once('@') {
        Some((login, rest)) => (Some(login), rest),
        None => (None, rest),
    }
}

/// The master's name, and how to log in to the sentinels.
fn split_password(master: &str) -> Result<(&str, Option<String>), BusError> {
    let (name, query) = master.split_once('?').unwrap_or((master, ""));
    if name.is_empty() {
        return Err(configuration(
            "names no master after the sentinels: …/master",
        ));
    }
    let password = match query.split_once('=') {
        None if query.is_empty() => None,
        Some(("sentinel_password", password)) => Some(format!(":{password}")),
        _ => return Err(configuration("only ?sentinel_password=… is known")),
    };
    Ok((name, password))
}

fn at(login: Option<&str>) -> String {
    login.map(|login| format!("{login}@")).unwrap_or_default()
}

fn urls(transport: &str, login: Option<&str>, hosts: &str) -> Vec<String> {
    let hosts = hosts.trim_end_matches('/').split(',');
    hosts
        .map(|host| format!("{transport}://{}{host}", at(login)))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shape(url: &str) -> String {
        let login = |server: &Server| {
            let (_, _, tls) = server.addr();
            let user = server.username().unwrap_or("-");
            let password = server.password().unwrap_or("-");
            format!("{} tls={tls} {user} {password}", server.name())
        };
        let all = |servers: &[Server]| servers.iter().map(login).collect::<Vec<_>>().join(" | ");
        match Shape::parse(url, None) {
            Ok(Shape::Fixed(servers)) => format!("list {}", all(&servers)),
            Ok(Shape::Cluster(seeds)) => format!("cluster {}", all(&seeds)),
            Ok(Shape::Sentinel(sentinels)) => {
                let (asked, master, pattern) = sentinels.parts();
                format!("{master} of {} as {}", all(asked), login(pattern))
            }
            Err(error) => error.to_string(),
        }
    }

    #[test]
    fn every_form_is_read() {
        for (url, expected) in [
            ("redis://h:1", "list h:1 tls=false - -"),
            ("rediss://u:p%2C@h", "list h:6379 tls=true u p,"),
            (
                "redis://a:1,redis://:p@b:2",
                "list a:1 tls=false - - | b:2 tls=false - p",
            ),
            (
                "redis+cluster://u:p@a:1,b:2",
                "cluster a:1 tls=false u p | b:2 tls=false u p",
            ),
            ("rediss+cluster://a:1", "cluster a:1 tls=true - -"),
            (
                "redis+sentinel://u:p@a:1,b:2/main?sentinel_password=s",
                "main of a:1 tls=false - s | b:2 tls=false - s as localhost:6379 tls=false u p",
            ),
            (
                "redis+sentinel://a:1/main",
                "main of a:1 tls=false - - as localhost:6379 tls=false - -",
            ),
        ] {
            assert_eq!(shape(url), expected, "{url}");
        }
    }

    #[test]
    fn what_is_wrong_is_said() {
        for url in [
            "",
            "h:1",
            "http://h:1",
            "redis+ring://h:1",
            "redis+sentinel://a:1",
            "redis+sentinel://a:1/",
            "redis+sentinel://a:1/main?x=y",
            "redis://a:1,b:2",
            "redis+unix:///tmp/redis",
        ] {
            assert!(
                shape(url).starts_with("REDIS_URL: "),
                "{url}: {}",
                shape(url)
            );
        }
    }
}
