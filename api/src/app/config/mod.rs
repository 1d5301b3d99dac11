//! The settings of `api`.

mod database_url;

use std::{net::SocketAddr, path::Path, time};

use shared::{
    config::{
        Duration, HttpSettings, Reader, RedisSettings, SecretSettings, Switch, TelemetrySettings,
    },
    flags::Overrides,
    ratelimit::Rate,
    tls,
};

pub use database_url::{DatabaseUrl, InvalidDatabaseUrl};

/// Where health and metrics are unless `METRICS_ADDR` says otherwise.
const METRICS_ADDR: &str = "127.0.0.1:9180";

/// Everything that is configured, read once at start.
#[derive(Debug, Clone)]
pub struct Settings {
    /// Where and for whom to listen.
    pub http: HttpSettings,
    /// How often one may ask.
    pub rates: RateSettings,
    /// PostgreSQL.
    pub database: DatabaseSettings,
    /// The event bus.
    pub redis: RedisSettings,
    /// Signing of tokens.
    pub secrets: SecretSettings,
    /// Sessions and passwords.
    pub auth: AuthSettings,
    /// What clients are told about the realtime side.
    pub realtime: RealtimeSettings,
    /// Whether pods publish their events right after the commit; off in tests of the relay, which then does it all.
    pub inline_publishing: bool,
    /// Whether people see who is online; where not, everybody looks plainly offline.
    pub presence: bool,
    /// What this pod says of feature flags.
    pub flags: Overrides,
    /// For how long an author may edit.
    pub edit_window: time::Duration,
    /// How long before its start people are reminded of a group event.
    pub event_reminder: time::Duration,
    /// How long it goes on serving when it is told to stop; `/readyz` says so at once.
    pub drain_delay: time::Duration,
    /// How long requests under way may take when the process is told to stop.
    pub drain_timeout: time::Duration,
    /// Logs, health and metrics.
    pub telemetry: TelemetrySettings,
}

/// What `api healthcheck` needs.
pub fn read_metrics_addr(reader: &mut Reader) -> Option<SocketAddr> {
    TelemetrySettings::read_metrics_addr(reader, METRICS_ADDR)
}

impl Settings {
    /// Reads every section.
    pub fn read(reader: &mut Reader) -> Option<Self> {
        let http = HttpSettings::read(reader, "API_ADDR", "0.0.0.0:8080");
        let rates = RateSettings::read(reader);
        let database = DatabaseSettings::read(reader);
        let redis = RedisSettings::read(reader);
        let secrets = SecretSettings::read(reader);
        let auth = AuthSettings::read(reader);
        let realtime = RealtimeSettings::read(reader);
        let inline = reader.with_default::<Switch>(
            "INLINE_PUBLISHING",
            "on",
            "off leaves events to the relay: for tests of it",
        );
        let presence = reader.with_default::<Switch>("PRESENCE", "on", "as the gateways have it");
        let flags = reader.family(
            ("FEATURE_<NAME>", "FEATURE_"),
            "disabled: off here, whatever admins say; enabled: on where they say nothing",
        );
        let edit_window =
            reader.with_default::<Duration>("EDIT_WINDOW", "2m", "for how long authors may edit");
        let event_reminder = reader.with_default::<Duration>(
            "EVENT_REMINDER",
            "1h",
            "how long before its start people are reminded of a group event",
        );
        let drain_delay = reader.with_default::<Duration>(
            "DRAIN_DELAY",
            "5s",
            "serve so long after SIGTERM: until balancers know",
        );
        let drain_timeout = reader.with_default::<Duration>(
            "DRAIN_TIMEOUT",
            "10s",
            "what requests under way get when told to stop",
        );
        let telemetry = TelemetrySettings::read(reader, METRICS_ADDR);
        Some(Self {
            http: http?,
            rates: rates?,
            database: database?,
            redis: redis?,
            secrets: secrets?,
            auth: auth?,
            realtime: realtime?,
            inline_publishing: inline?.0,
            presence: presence?.0,
            flags: Overrides::new(flags?),
            edit_window: edit_window?.0,
            event_reminder: event_reminder?.0,
            drain_delay: drain_delay?.0,
            drain_timeout: drain_timeout?.0,
            telemetry: telemetry?,
        })
    }
}

/// How often one may ask, over all pods.
#[derive(Debug, Clone, Copy)]
pub struct RateSettings {
    /// Requests with the credentials of one user.
    pub per_user: Rate,
    /// Requests from one address, behind which there may be a whole campus.
    pub per_address: Rate,
    /// Requests with one key of a service account.
    pub per_key: Rate,
}

impl RateSettings {
    /// `RATE_LIMIT_USER`, `RATE_LIMIT_ADDRESS`, `RATE_LIMIT_KEY`; `RATE_LIMITS=off` lifts them.
    pub fn read(reader: &mut Reader) -> Option<Self> {
        let per_user = reader.with_default(
            "RATE_LIMIT_USER",
            "300+30/s",
            "requests of a user: at once, and then a second",
        );
        let per_address = reader.with_default(
            "RATE_LIMIT_ADDRESS",
            "3000+300/s",
            "requests from an address: at once, and then a second",
        );
        let per_key = reader.with_default(
            "RATE_LIMIT_KEY",
            "1000+100/s",
            "requests with a service account's key: at once, and then a second",
        );
        Some(Self {
            per_user: per_user?,
            per_address: per_address?,
            per_key: per_key?,
        })
    }
}

/// PostgreSQL, and how long to wait for it.
#[derive(Debug, Clone)]
pub struct DatabaseSettings {
    /// The server, or a pooler before it.
    pub url: DatabaseUrl,
    /// The server, where the other is a pooler that gives each transaction another connection.
    pub around_pooler: Option<DatabaseUrl>,
    /// For servers that are to show certificates.
    pub tls: Option<tls::Client>,
    /// Connections of this pod at most.
    pub pool_size: usize,
    /// The longest wait for a free connection.
    pub pool_wait: time::Duration,
    /// The longest wait for a new connection.
    pub connect_timeout: time::Duration,
    /// The longest a statement may run.
    pub statement_timeout: time::Duration,
    /// The longest a statement may wait for a lock.
    pub lock_timeout: time::Duration,
    /// The longest a transaction may sit between two statements.
    pub idle_in_transaction_timeout: time::Duration,
}

impl DatabaseSettings {
    /// `DATABASE_URL`, `DATABASE_POOL` and the timeouts.
    pub fn read(reader: &mut Reader) -> Option<Self> {
        let url: Option<DatabaseUrl> = reader.required(
            "DATABASE_URL",
            "postgres://user:password@host:port/database",
        );
        let around = read_around_pooler(reader);
        let tls = read_tls(reader, url.iter().chain(&around));
        let pool_size =
            reader.with_default("DATABASE_POOL", "16", "connections of this pod at most");
        if pool_size == Some(0) {
            reader.reject("DATABASE_POOL", "at least 1");
        }
        let mut timeout =
            |name, default, help| reader.with_default::<Duration>(name, default, help);
        let pool_wait = timeout(
            "DATABASE_POOL_WAIT",
            "2s",
            "longest wait for a free connection",
        );
        let connect = timeout(
            "DATABASE_CONNECT_TIMEOUT",
            "3s",
            "longest wait for a new connection",
        );
        let statement = timeout("DATABASE_STATEMENT_TIMEOUT", "5s", "longest statement");
        let lock = timeout("DATABASE_LOCK_TIMEOUT", "3s", "longest wait for a lock");
        let idle = timeout(
            "DATABASE_IDLE_TIMEOUT",
            "10s",
            "longest pause inside a transaction",
        );
        Some(Self {
            url: url?,
            around_pooler: around,
            tls,
            pool_size: pool_size?,
            pool_wait: pool_wait?.0,
            connect_timeout: connect?.0,
            statement_timeout: statement?.0,
            lock_timeout: lock?.0,
            idle_in_transaction_timeout: idle?.0,
        })
    }
}

impl DatabaseSettings {
    /// Whether connections are shared, transaction by transaction.
    pub fn is_behind_pooler(&self) -> bool {
        self.around_pooler.is_some()
    }

    /// Where a connection stays the same.
    pub fn direct_url(&self) -> &DatabaseUrl {
        self.around_pooler.as_ref().unwrap_or(&self.url)
    }
}

/// `DATABASE_DIRECT_URL`. One that is wrong is told, and counts as none here.
fn read_around_pooler(reader: &mut Reader) -> Option<DatabaseUrl> {
    let name = "DATABASE_DIRECT_URL";
    let help = "around a pooler in transaction mode at DATABASE_URL";
    let text = reader.with_default::<String>(name, "", help)?;
    if text.is_empty() {
        return None;
    }
    let url = text.parse::<DatabaseUrl>();
    url.inspect_err(|error| reader.reject(name, error)).ok()
}

/// `DATABASE_CA_FILE`, where anybody is to show a certificate.
fn read_tls<'a>(
    reader: &mut Reader,
    urls: impl IntoIterator<Item = &'a DatabaseUrl>,
) -> Option<tls::Client> {
    let name = "DATABASE_CA_FILE";
    let help = "authorities (PEM) for sslmode=require; else the system's";
    let ca_file = reader.with_default::<String>(name, "", help)?;
    if !urls.into_iter().any(|url| url.is_encrypted) {
        return None;
    }
    let ca_file = (!ca_file.is_empty()).then(|| Path::new(&ca_file));
    let client = tls::Client::new(ca_file);
    client.inspect_err(|error| reader.reject(name, error)).ok()
}

/// Sessions and passwords.
#[derive(Debug, Clone)]
pub struct AuthSettings {
    /// How long an access token is good for.
    pub access_token_lifetime: time::Duration,
    /// How long a session lasts that nobody uses.
    pub session_lifetime: time::Duration,
    /// Whether cookies are for TLS only; off where development has no TLS.
    pub secure_cookies: bool,
    /// What a password hash costs.
    pub hash: HashSettings,
}

/// Marks of ended sessions outlive every token: `shared::credentials::Revocations::MARK_LIFETIME` is an hour more.
const ACCESS_TOKEN_LIFETIME_MAX: time::Duration = time::Duration::from_hours(24);
/// A gateway gives a resume token of a day to whoever shows an access token: no session may end before both.
const SESSION_LIFETIME_MIN: time::Duration = time::Duration::from_hours(48);

impl AuthSettings {
    /// Token lifetimes and the cost of password hashes.
    pub fn read(reader: &mut Reader) -> Option<Self> {
        let access = reader.with_default::<Duration>(
            "ACCESS_TOKEN_LIFETIME",
            "15m",
            "how long an access token is good for, at most 24h",
        );
        if access.is_some_and(|access| access.0 > ACCESS_TOKEN_LIFETIME_MAX) {
            reader.reject("ACCESS_TOKEN_LIFETIME", "at most 24h");
        }
        let session = reader.with_default::<Duration>(
            "SESSION_LIFETIME",
            "30d",
            "how long an unused session lasts, at least 2d",
        );
        if session.is_some_and(|session| session.0 < SESSION_LIFETIME_MIN) {
            reader.reject("SESSION_LIFETIME", "at least 2d");
        }
        let secure = reader.with_default::<Switch>(
            "SECURE_COOKIES",
            "on",
            "off only where there is no TLS in front",
        );
        let hash = HashSettings::read(reader);
        Some(Self {
            access_token_lifetime: access?.0,
            session_lifetime: session?.0,
            secure_cookies: secure?.0,
            hash: hash?,
        })
    }
}

/// What a password hash costs (argon2id).
#[derive(Debug, Clone)]
pub struct HashSettings {
    /// Memory of one hash, in KiB.
    pub memory_kib: u32,
    /// Passes over that memory.
    pub passes: u32,
    /// Hashes that are computed at the same time.
    pub parallel: usize,
}

impl HashSettings {
    /// `PASSWORD_HASH_MEMORY_KIB`, `PASSWORD_HASH_PASSES`, `PASSWORD_HASH_PARALLEL`.
    pub fn read(reader: &mut Reader) -> Option<Self> {
        let memory_kib = reader.with_default(
            "PASSWORD_HASH_MEMORY_KIB",
            "19456",
            "argon2id memory of a hash",
        );
        if memory_kib.is_some_and(|memory: u32| memory < 8) {
            reader.reject("PASSWORD_HASH_MEMORY_KIB", "at least 8");
        }
        let passes = reader.with_default("PASSWORD_HASH_PASSES", "2", "argon2id passes");
        if passes == Some(0) {
            reader.reject("PASSWORD_HASH_PASSES", "at least 1");
        }
        let parallel = reader.with_default(
            "PASSWORD_HASH_PARALLEL",
            "2",
            "hashes computed at the same time",
        );
        if parallel == Some(0) {
            reader.reject("PASSWORD_HASH_PARALLEL", "at least 1");
        }
        Some(Self {
            memory_kib: memory_kib?,
            passes: passes?,
            parallel: parallel?,
        })
    }
}

/// What clients are told about the realtime side.
#[derive(Debug, Clone)]
pub struct RealtimeSettings {
    /// Where clients find the gateways; empty for "the same host".
    pub gateway_url: String,
    /// Seconds between heartbeats, as the gateways are configured.
    pub heartbeat: time::Duration,
}

impl RealtimeSettings {
    /// `PUBLIC_GATEWAY_URL`, `HEARTBEAT`.
    pub fn read(reader: &mut Reader) -> Option<Self> {
        let gateway_url = reader.with_default(
            "PUBLIC_GATEWAY_URL",
            "",
            "wss://host of the gateways, where it is not the API's own",
        );
        let heartbeat =
            reader.with_default::<Duration>("HEARTBEAT", "25s", "as the gateways have it");
        Some(Self {
            gateway_url: gateway_url?,
            heartbeat: heartbeat?.0,
        })
    }
}
