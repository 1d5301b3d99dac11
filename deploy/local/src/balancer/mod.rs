//! HAProxy on the public port, with the configuration that is deployed.

use std::path::PathBuf;

use crate::child::Launch;
use crate::environment;
use crate::instance::Instance;
use crate::name::Name;

#[cfg(test)]
mod tests;

/// The path of `haproxy`; `None` when the machine has none.
pub(crate) fn find() -> Option<PathBuf> {
    environment::haproxy().or_else(|| environment::find_program("haproxy"))
}

/// The variables of `deploy/haproxy.cfg` that name a server, and which one.
const SERVERS: [(&str, Name); 5] = [
    ("BIND", Name::Balancer),
    ("API_1", Name::Api1),
    ("API_2", Name::Api2),
    ("GATEWAY_1", Name::Gateway1),
    ("GATEWAY_2", Name::Gateway2),
];

/// Keys the affinity cookie, so that it does not tell addresses.
const COOKIE_KEY: &str = "COOKIE_KEY";

/// Where it shows its own metrics.
const METRICS_BIND: &str = "METRICS_BIND";

/// Where the demo page is served.
const DEMO: &str = "DEMO";

impl Instance {
    /// HAProxy in the foreground, as one process.
    pub(crate) fn balancer(&self) -> Launch {
        let launch = Launch::new(self.haproxy())
            .isolated()
            .args([
                "-db".as_ref(),
                "-f".as_ref(),
                self.layout().haproxy_configuration().as_os_str(),
            ])
            .env(COOKIE_KEY, self.cookie_key())
            .env(METRICS_BIND, self.metrics_address(Name::Balancer))
            .env(DEMO, self.page().address.to_string());
        SERVERS.iter().fold(launch, |launch, (variable, name)| {
            launch.env(variable, self.address(*name))
        })
    }
}
