//! `gateway serve`: settings, telemetry, listeners, run.

use std::{
    io::{Write, stdout},
    process::ExitCode,
};

use shared::{
    clock::Clock,
    config::{Outcome, load},
    lifecycle::{Lifecycle, stop_signal},
    telemetry::{admin, metrics::Metrics, start_logging},
};
use tokio::net::TcpListener;

use crate::{bind, config::Config, run};

const USAGE: &str =
    "gateway serve [--setting value ...]    gateway serve --help lists the settings";
/// `EX_USAGE` of sysexits.
const EXIT_USAGE: u8 = 64;

/// The program.
pub fn main() -> ExitCode {
    let mut arguments = std::env::args().skip(1);
    if arguments.next().as_deref() != Some("serve") {
        eprintln!("{USAGE}");
        return ExitCode::from(EXIT_USAGE);
    }
    #[expect(
        clippy::disallowed_methods,
        reason = "the one place that reads the environment"
    )]
    let environment = std::env::vars();
    match load(environment, arguments, Config::read) {
        Outcome::Loaded(config) => started(config),
        Outcome::Help(text) => {
            // Whoever reads no further has read enough.
            stdout().write_all(text.as_bytes()).ok();
            ExitCode::SUCCESS
        }
        Outcome::Invalid(errors) => {
            eprintln!("{}", errors.join("\n"));
            ExitCode::from(EXIT_USAGE)
        }
    }
}

fn started(config: Config) -> ExitCode {
    if let Err(error) = start_logging(&config.telemetry) {
        eprintln!("{error}");
        return ExitCode::from(EXIT_USAGE);
    }
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build();
    let served = runtime
        .map_err(|error| error.to_string())
        .and_then(|runtime| runtime.block_on(serve(config)));
    match served {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            tracing::error!(error, "the gateway has ended");
            ExitCode::FAILURE
        }
    }
}

async fn serve(config: Config) -> Result<(), String> {
    let (addr, metrics_addr) = (config.http.addr, config.telemetry.metrics_addr);
    let listener = bind(addr).map_err(|error| format!("{addr}: {error}"))?;
    let private = TcpListener::bind(metrics_addr).await;
    let private = private.map_err(|error| format!("{metrics_addr}: {error}"))?;
    let (lifecycle, metrics) = (Lifecycle::default(), Metrics::default());

    let admin = tokio::spawn(admin::serve(private, metrics.clone(), lifecycle.clone()));
    let told = lifecycle.clone();
    let signals = tokio::spawn(async move {
        match stop_signal().await {
            Ok(()) => told.drain(),
            Err(error) => tracing::error!(%error, "signals cannot be heard"),
        }
    });
    let served = run(config, listener, Clock::System, lifecycle, &metrics).await;
    signals.abort();
    admin.abort();
    served.map_err(|error| error.to_string())
}
