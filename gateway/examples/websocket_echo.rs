//! Echoes text and binary over the gateway's own WebSocket transport, for suites of conformance:
//! `cargo run -p gateway --example websocket_echo -- --port 9001`.

use std::{env, error::Error, net::Ipv4Addr, process::ExitCode};

use tokio::{net::TcpListener, runtime::Builder};

const MESSAGE_BYTES_MAX: usize = 16 * 1024 * 1024;
const USAGE: &str = "websocket_echo --port N";

fn main() -> ExitCode {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let port = match &arguments[..] {
        [flag, port] if flag == "--port" => port.parse().ok(),
        _ => None,
    };
    match port.ok_or_else(|| USAGE.into()).and_then(run) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}

fn run(port: u16) -> Result<(), Box<dyn Error>> {
    let runtime = Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, port)).await?;
        eprintln!("ws://{}", listener.local_addr()?);
        gateway::echo::serve(listener, MESSAGE_BYTES_MAX).await?;
        Ok(())
    })
}
