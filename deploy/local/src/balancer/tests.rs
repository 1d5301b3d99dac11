use std::collections::BTreeSet;

use super::{COOKIE_KEY, DEMO, SERVERS};

#[test]
fn the_configuration_asks_for_what_it_is_given() {
    let configuration = include_str!("../../../haproxy.cfg");
    let asked: BTreeSet<&str> = configuration
        .split("\"${")
        .skip(1)
        .filter_map(|rest| Some(rest.split_once('}')?.0))
        .collect();
    let given = SERVERS
        .iter()
        .map(|(variable, _)| *variable)
        // The last is for containers alone.
        .chain([COOKIE_KEY, DEMO, "METRICS_BIND"])
        .collect();
    assert_eq!(asked, given);
}
