//! Asking a program over HTTP whether it is ready.

use std::io::{Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpStream};
use std::time::Duration;

/// How long one question may take.
const QUESTION_LIMIT: Duration = Duration::from_secs(1);

/// Whether `GET path` on that port of 127.0.0.1 answers 200. Anything else, silence too, is a no.
pub(crate) fn answers_ok(port: u16, path: &str) -> bool {
    status(port, path).is_ok_and(|line| line.split(' ').nth(1) == Some("200"))
}

/// The status line of the answer.
fn status(port: u16, path: &str) -> std::io::Result<String> {
    let address = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
    let mut stream = TcpStream::connect_timeout(&address, QUESTION_LIMIT)?;
    stream.set_read_timeout(Some(QUESTION_LIMIT))?;
    write!(
        stream,
        "GET {path} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nConnection: close\r\n\r\n"
    )?;
    // "HTTP/1.1 200 " is 13 bytes; what follows does not matter.
    let mut head = [0; 13];
    stream.read_exact(&mut head)?;
    Ok(String::from_utf8_lossy(&head).into_owned())
}
