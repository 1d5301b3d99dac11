//! HAProxy on the public port, with the configuration that is deployed.

use std::path::PathBuf;

use crate::child::Launch;
use crate::environment;
use crate::instance::Instance;
use crate::name::Name;

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
            .env(COOKIE_KEY, self.cookie_key());
        SERVERS.iter().fold(launch, |launch, (variable, name)| {
            launch.env(variable, self.address(*name))
        })
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::{COOKIE_KEY, SERVERS};

    #[test]
    fn the_configuration_asks_for_what_it_is_given() {
        let configuration = include_str!("../../haproxy.cfg");
        let asked: BTreeSet<&str> = configuration
            .split("\"${")
            .skip(1)
            .filter_map(|rest| Some(rest.split_once('}')?.0))
            .collect();
        let given = SERVERS
            .iter()
            .map(|(variable, _)| *variable)
            .chain([COOKIE_KEY])
            .collect();
        assert_eq!(asked, given);
    }
}
