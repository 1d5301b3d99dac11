//! Settings in, running server out: the order of start-up and of its end.

use std::{io, time::Duration};

use shared::{
    clock::Clock,
    lifecycle::{Lifecycle, stop_signal},
    telemetry::{admin, start_logging, trace::start_tracing},
};
use tokio::{net::TcpListener, task::JoinSet};

use super::{
    App, InvalidSettings,
    config::{DatabaseSettings, Settings},
    db::{
        Connection, Database,
        migrate::{self, MigrationError, Schema},
    },
    error::Error,
    event_log::{self, Relay, Retention},
    feature::Feature,
    flags,
    housekeeping::Housekeeping,
    http::{self, Drained},
    jobs,
    metrics::ApiMetrics,
};

/// Whose lines and spans they are.
const SERVICE: &str = "hubbub-api";
/// How long a start waits for a database that is not there yet.
const DATABASE_WAIT_MAX: Duration = Duration::from_secs(30);
/// How long tasks may take to end after the last request.
const TASKS_END_MAX: Duration = Duration::from_secs(5);

/// Why the program could not start, or not go on.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// A setting that parsed but does not work.
    #[error(transparent)]
    Settings(#[from] InvalidSettings),
    /// Logging or tracing.
    #[error("{0}")]
    Logging(String),
    /// No database, or an older schema.
    #[error(transparent)]
    Schema(#[from] MigrationError),
    /// A port that cannot be listened on, or signals that cannot be heard.
    #[error("{0}: {1}")]
    Io(String, #[source] io::Error),
    /// A statement failed.
    #[error(transparent)]
    Failed(#[from] Error),
}

/// `api serve`: runs until SIGTERM or SIGINT, then drains.
pub async fn serve(settings: Settings, features: Vec<Feature>) -> Result<(), StartError> {
    let log_counts = start_logging(&settings.telemetry, SERVICE).map_err(StartError::Logging)?;
    let traces = start_tracing(&settings.telemetry, SERVICE).map_err(StartError::Logging)?;
    let schema = wait_for_schema(&settings).await?;
    let listener = listen(settings.http.addr).await?;
    let admin_listener = listen(settings.telemetry.metrics_addr).await?;
    let server = Server::start(settings, Clock::System, features, listener)?;
    let metrics = server.app.metrics();
    metrics.database.schema(schema);
    let metrics = metrics.registry.clone();
    log_counts.register(&metrics);
    let admin = tokio::spawn(admin::serve(
        admin_listener,
        metrics,
        server.lifecycle.clone(),
    ));
    stop_signal()
        .await
        .map_err(|error| StartError::Io("signals".to_owned(), error))?;
    tracing::info!("told to stop");
    server.stop().await;
    admin.abort();
    traces.stop().await;
    Ok(())
}

/// `api migrate`; returns the versions that were applied now.
pub async fn migrate(settings: &DatabaseSettings) -> Result<Vec<i64>, StartError> {
    Ok(migrate::migrate(settings).await?)
}

/// `api new-epoch`, after the database was restored to an earlier state.
pub async fn start_new_epoch(settings: &DatabaseSettings) -> Result<(), StartError> {
    let connection = command_connection(settings).await?;
    Ok(event_log::start_new_epoch(&connection).await?)
}

/// Does one thing as a pod would, publishes what that committed, and ends. What cannot be published is left to the pods
/// that run.
pub async fn act(
    settings: Settings,
    act: impl AsyncFnOnce(&App) -> Result<(), Error>,
) -> Result<(), StartError> {
    migrate::check(&settings.database).await?;
    let (app, _, publisher) = App::new(settings, Clock::System)?;
    let done = act(&app).await;
    publisher.run(std::future::ready(())).await;
    app.database().close();
    Ok(done?)
}

/// A connection for a command that runs beside the servers.
pub async fn command_connection(settings: &DatabaseSettings) -> Result<Connection, StartError> {
    migrate::check(settings).await?;
    let metrics = ApiMetrics::new();
    let database = Database::new(settings, &metrics);
    let database = database.map_err(|error| InvalidSettings(error.to_string()))?;
    Ok(database.connection().await?)
}

/// A running server and its tasks.
pub(crate) struct Server {
    pub(crate) app: App,
    pub(crate) lifecycle: Lifecycle,
    http: tokio::task::JoinHandle<Drained>,
    /// Everything that runs beside the requests; ended when this is dropped.
    tasks: JoinSet<()>,
}

impl Server {
    /// Starts serving on `listener`.
    pub(crate) fn start(
        settings: Settings,
        clock: Clock,
        features: Vec<Feature>,
        listener: TcpListener,
    ) -> Result<Self, StartError> {
        let patience = http::Patience {
            delay: settings.drain_delay,
            timeout: settings.drain_timeout,
        };
        let (app, outlet, publisher) = App::new(settings, clock)?;
        app.know(&features);
        declare_flags(&app, &features)?;
        let lifecycle = Lifecycle::default();
        let housekeeping = features.iter().flat_map(|feature| feature.housekeeping);
        let housekeeping = housekeeping.chain(http::HOUSEKEEPING);
        let housekeeping = Housekeeping::new(housekeeping.copied().collect());
        let jobs: Vec<_> = features
            .iter()
            .flat_map(|feature| &feature.jobs)
            .copied()
            .collect();
        let router = http::router(app.clone(), features, &lifecycle);

        let mut tasks = JoinSet::new();
        for start in jobs {
            tasks.spawn(start(app.clone(), lifecycle.clone()));
        }
        tasks.spawn(jobs::run(
            Relay::new(outlet),
            app.clone(),
            lifecycle.clone(),
        ));
        tasks.spawn(jobs::run(flags::Follow, app.clone(), lifecycle.clone()));
        tasks.spawn(jobs::run(Retention, app.clone(), lifecycle.clone()));
        tasks.spawn(jobs::run(housekeeping, app.clone(), lifecycle.clone()));
        let http = http::serve(listener, router, lifecycle.clone(), patience);
        let (served, end) = tokio::sync::oneshot::channel::<()>();
        let http = tokio::spawn(async move {
            let drained = http.await;
            drop(served);
            drained
        });
        // The publisher ends after the last request that could hand it something.
        tasks.spawn(publisher.run(async move {
            end.await.ok();
        }));
        lifecycle.ready();
        Ok(Self {
            app,
            lifecycle,
            http,
            tasks,
        })
    }

    /// Stops accepting, lets requests finish, publishes what they committed, and ends.
    pub(crate) async fn stop(mut self) {
        self.lifecycle.drain();
        match self.http.await {
            Ok(Drained::Completely) => tracing::info!("every request was answered"),
            Ok(Drained::CutOff) => tracing::warn!("requests were cut off"),
            Err(error) => tracing::error!(%error, "the listener failed"),
        }
        let ended = tokio::time::timeout(TASKS_END_MAX, async {
            while self.tasks.join_next().await.is_some() {}
        });
        if ended.await.is_err() {
            tracing::warn!("tasks were cut off; the relay of another pod goes on");
        }
        self.app.database().close();
    }
}

/// The environment's word about a flag that there is not is a mistake that would go unnoticed.
fn declare_flags(app: &App, features: &[Feature]) -> Result<(), InvalidSettings> {
    let declared = features.iter().flat_map(|feature| &feature.flags).copied();
    let declared: Vec<_> = declared.collect();
    let unknown: Vec<&str> = app.settings().flags.unknown(&declared).collect();
    if !unknown.is_empty() {
        let message = format!("FEATURE_<NAME>: there is no flag {}", unknown.join(", "));
        return Err(InvalidSettings(message));
    }
    app.flags().declare(declared);
    Ok(())
}

async fn listen(addr: std::net::SocketAddr) -> Result<TcpListener, StartError> {
    let listener = TcpListener::bind(addr).await;
    listener.map_err(|error| StartError::Io(format!("cannot listen on {addr}"), error))
}

/// A schema that is too old ends the start at once; a database that is not there yet gets some time.
async fn wait_for_schema(settings: &Settings) -> Result<Schema, StartError> {
    let deadline = tokio::time::Instant::now() + DATABASE_WAIT_MAX;
    loop {
        match migrate::check(&settings.database).await {
            Err(MigrationError::Database(error)) if tokio::time::Instant::now() < deadline => {
                tracing::warn!(%error, "waiting for the database");
                tokio::time::sleep(Duration::from_secs(1)).await;
            }
            checked => return Ok(checked?),
        }
    }
}
