//! Free ports.

use std::net::{Ipv4Addr, TcpListener};

/// A port of 127.0.0.1 that nobody listens on at this moment. Somebody else may take it before it is used.
///
/// # Panics
///
/// When the machine has no free port.
pub fn free_port() -> u16 {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a port is free");
    listener.local_addr().expect("it is bound").port()
}
