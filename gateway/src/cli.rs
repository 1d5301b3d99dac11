//! `gateway serve`: settings, telemetry, listeners, run. `gateway healthcheck`: asks a running one.

use std::{
    io::{self, Write, stdout},
    process::ExitCode,
};

use shared::{
    clock::Clock,
    config::{Outcome, Reader, load},
    lifecycle::{Lifecycle, stop_signal},
    telemetry::{admin, healthcheck, metrics::Metrics, start_logging, trace::start_tracing},
};
use tokio::net::TcpListener;

use crate::{
    bind,
    config::{self, Config},
    descriptors::raise_limit,
    drain::stay_to_be_read,
    run,
};

/// Whose lines and spans they are.
const SERVICE: &str = "hubbub-gateway";
const USAGE: &str = "\
usage: gateway <command> [--setting value ...]

  serve        hold connections
  healthcheck  ask the gateway of this machine whether it is alive

`gateway <command> --help` lists the command's settings.
";
/// `EX_USAGE` of sysexits.
const EXIT_USAGE: u8 = 64;

/// The program.
pub fn main() -> ExitCode {
    let mut arguments = std::env::args().skip(1);
    match arguments.next().as_deref() {
        Some("serve") => command(arguments, Config::read, started),
        Some("healthcheck") => command(arguments, config::read_metrics_addr, |addr| {
            told(healthcheck(addr).map_err(|error| error.to_string()))
        }),
        Some("--help") => say(USAGE),
        _ => refuse(USAGE.trim_end()),
    }
}

/// Reads what a command needs, every error at once, and then does it.
fn command<T>(
    arguments: impl Iterator<Item = String>,
    read: impl FnOnce(&mut Reader) -> Option<T>,
    command: impl FnOnce(T) -> ExitCode,
) -> ExitCode {
    #[expect(
        clippy::disallowed_methods,
        reason = "the one place that reads the environment"
    )]
    let environment = std::env::vars();
    match load(environment, arguments, read) {
        Outcome::Loaded(settings) => command(settings),
        Outcome::Help(text) => say(&text),
        Outcome::Invalid(errors) => refuse(&errors.join("\n")),
    }
}

/// Whoever reads no further has read enough.
fn say(text: &str) -> ExitCode {
    stdout().write_all(text.as_bytes()).ok();
    ExitCode::SUCCESS
}

fn refuse(text: &str) -> ExitCode {
    eprintln!("{text}");
    ExitCode::from(EXIT_USAGE)
}

fn told(done: Result<(), String>) -> ExitCode {
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("gateway: {error}");
            ExitCode::FAILURE
        }
    }
}

fn started(config: Config) -> ExitCode {
    let metrics = Metrics::default();
    match start_logging(&config.telemetry, SERVICE) {
        Ok(counts) => counts.register(&metrics),
        Err(error) => return refuse(&error),
    }
    // As many as hold sockets: more would take turns on the same processors, and wake each other for it.
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(config.shards)
        .enable_all()
        .build();
    let served = runtime
        .map_err(|error| error.to_string())
        .and_then(|runtime| runtime.block_on(serve(config, metrics)));
    if let Err(error) = &served {
        tracing::error!(error, "the gateway has ended");
    }
    told(served)
}

async fn serve(config: Config, metrics: Metrics) -> Result<(), String> {
    raise_limit(config.limits.connections_max);
    let (addr, metrics_addr) = (config.http.addr, config.telemetry.metrics_addr);
    let listener = bind(addr).map_err(|error| format!("{addr}: {error}"))?;
    let private = TcpListener::bind(metrics_addr).await;
    let private = private.map_err(|error| format!("{metrics_addr}: {error}"))?;
    let linger = config.timing.metrics_linger;
    let lifecycle = Lifecycle::default();
    let traces = start_tracing(&config.telemetry, SERVICE)?;

    let admin = tokio::spawn(admin::serve(private, metrics.clone(), lifecycle.clone()));
    let told = lifecycle.clone();
    let signals = tokio::spawn(async move {
        if let Err(error) = obey_signals(&told).await {
            tracing::error!(%error, "signals cannot be heard");
        }
    });
    let served = run(config, listener, Clock::System, lifecycle.clone(), &metrics).await;
    traces.stop().await;
    if let Ok(cut) = &served {
        stay_to_be_read(*cut, linger, &lifecycle).await;
    }
    signals.abort();
    admin.abort();
    served.map(drop).map_err(|error| error.to_string())
}

/// The first begins the drain, the second ends it, and whatever is waited for after it.
async fn obey_signals(lifecycle: &Lifecycle) -> io::Result<()> {
    stop_signal().await?;
    lifecycle.drain();
    stop_signal().await?;
    lifecycle.hurry();
    Ok(())
}
