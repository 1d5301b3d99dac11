//! Ports for servers that tests start.

use std::{
    net::{Ipv4Addr, TcpListener, UdpSocket},
    sync::Mutex,
};

/// Below the ports that systems give to outgoing connections, so that none of those takes one meanwhile.
const PORTS: std::ops::Range<u16> = 20_000..32_000;
/// Tries until the machine is taken to have no free port.
const TRIES_MAX: usize = 1000;

/// Ports that this process has chosen, each held against other tests by a UDP socket of the same number until the process ends.
static HELD: Mutex<Vec<UdpSocket>> = Mutex::new(Vec::new());

/// A port of 127.0.0.1 that nobody listens on, and that no other caller of this function, in whatever process, gets while
/// this one lives.
///
/// # Panics
///
/// When the machine has no free port.
pub fn free_port() -> u16 {
    for _ in 0..TRIES_MAX {
        let port = rand::random_range(PORTS);
        let Ok(held) = UdpSocket::bind((Ipv4Addr::LOCALHOST, port)) else {
            continue;
        };
        if TcpListener::bind((Ipv4Addr::LOCALHOST, port)).is_ok() {
            HELD.lock().expect("nothing panics in here").push(held);
            return port;
        }
    }
    panic!("no port of {PORTS:?} is free")
}
