//! Engine.IO 4, and Socket.IO 5 on top of it, over the gateway's own transports and packets, for suites of conformance:
//! `cargo run -p gateway --example protocol_echo -- --kind socketio|engineio --port 3000`.
//!
//! A ping every 300 ms, 200 ms for its answer, 1,000,000 bytes at once, a second until the client is in a namespace.

use std::{env, error::Error, net::Ipv4Addr, process::ExitCode};

use gateway::echo::{Protocol, serve_engine};
use tokio::{net::TcpListener, runtime::Builder};

const USAGE: &str = "protocol_echo --kind socketio|engineio --port N";

fn main() -> ExitCode {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let chosen = read(&arguments).ok_or_else(|| USAGE.into());
    match chosen.and_then(|(protocol, port)| run(protocol, port)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}

fn read(arguments: &[String]) -> Option<(Protocol, u16)> {
    let value = |flag: &str| {
        let pairs = arguments.chunks_exact(2);
        let mut found = pairs.filter(|pair| pair[0] == flag);
        found.next().map(|pair| &*pair[1])
    };
    let protocol = match value("--kind")? {
        "socketio" => Protocol::SocketIo,
        "engineio" => Protocol::EngineIo,
        _ => return None,
    };
    let port = value("--port")?.parse().ok()?;
    (arguments.len() == 4).then_some((protocol, port))
}

fn run(protocol: Protocol, port: u16) -> Result<(), Box<dyn Error>> {
    let runtime = Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, port)).await?;
        eprintln!("http://{}", listener.local_addr()?);
        serve_engine(listener, protocol).await?;
        Ok(())
    })
}
