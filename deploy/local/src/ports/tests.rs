use super::*;

#[test]
fn a_port_that_is_held_is_not_given_twice() {
    let first = Reserved::choose(Name::Api1).unwrap();
    let second = Reserved::choose(Name::Api2).unwrap();
    let all = [first.ports(), second.ports()];
    let mut all: Vec<u16> = all
        .iter()
        .flat_map(|ports| [ports.main, ports.metrics.unwrap()])
        .collect();
    all.sort_unstable();
    all.dedup();
    assert_eq!(all.len(), 4);
}

#[test]
fn the_next_public_port_is_taken_when_one_is_not_free() {
    let first = Reserved::choose(Name::Balancer).unwrap();
    let second = Reserved::choose(Name::Balancer).unwrap();
    assert_ne!(first.ports().main, second.ports().main);
}

#[test]
fn every_server_has_its_own_words_for_a_taken_port() {
    for words in [
        "FATAL:  could not create any TCP/IP sockets\nLOG: could not bind IPv4 address \
         \"127.0.0.1\": Address already in use",
        "Warning: Could not create server TCP listening socket 127.0.0.1:1: bind: Address already in use",
        "Starting frontend public: cannot bind socket (Address already in use) [127.0.0.1:1]",
        "Error: Address already in use (os error 98)",
    ] {
        assert!(was_taken(words), "{words}");
    }
    assert!(!was_taken("password authentication failed"));
}
