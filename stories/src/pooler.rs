//! `PgBouncer` in transaction mode, before the PostgreSQL of the tests.

use std::{
    fs,
    net::{Ipv4Addr, SocketAddr},
    path::PathBuf,
    process::{Child, Command, Stdio},
    time::Duration,
};

use shared::testing::free_port;
use tokio::{
    net::TcpStream,
    time::{Instant, sleep},
};

use crate::program::variable;

const READY_WITHIN: Duration = Duration::from_secs(10);
/// Connections to the server for each database: fewer than the programs have to the pooler, so that they do share.
const SERVER_CONNECTIONS: usize = 4;

/// A running `PgBouncer`; killed when dropped.
pub struct Pooler {
    port: u16,
    folder: PathBuf,
    child: Child,
}

impl Pooler {
    /// Starts it before the server of `TEST_DATABASE_URL`, for all of its databases, and waits until it accepts.
    ///
    /// # Panics
    ///
    /// When there is no `pgbouncer` (in `PGBOUNCER`), or it does not start.
    pub async fn start() -> Self {
        let server = variable("TEST_DATABASE_URL");
        let config: tokio_postgres::Config = server.parse().expect("a URL");
        let (port, folder) = (free_port(), folder());
        fs::create_dir(&folder).expect("the folder for temporary files can be written to");
        let settings = folder.join("pgbouncer.ini");
        fs::write(&settings, ini(&config, port)).expect("a new file");
        let mut command = Command::new("setpriv");
        command.args(["--pdeathsig", "KILL"]);
        if nix::unistd::Uid::effective().is_root() {
            // It refuses to run as root; as who it runs does not matter.
            command.args(["--reuid", "65534", "--regid", "65534", "--clear-groups"]);
        }
        command.arg("--").arg(variable("PGBOUNCER")).arg(&settings);
        let child = command
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn();
        let pooler = Self {
            port,
            folder,
            child: child.expect("pgbouncer can be started"),
        };
        let deadline = Instant::now() + READY_WITHIN;
        while TcpStream::connect(pooler.addr()).await.is_err() {
            assert!(Instant::now() < deadline, "pgbouncer is not ready in time");
            sleep(Duration::from_millis(20)).await;
        }
        pooler
    }

    fn addr(&self) -> SocketAddr {
        (Ipv4Addr::LOCALHOST, self.port).into()
    }

    /// The same database, by way of the pooler.
    pub(crate) fn through(&self, url: &str) -> String {
        let (base, database) = url.rsplit_once('/').expect("a URL with a database");
        let (credentials, _) = base.rsplit_once('@').expect("a URL with a user");
        format!("{credentials}@{}/{database}", self.addr())
    }
}

fn folder() -> PathBuf {
    std::env::temp_dir().join(format!("hubbub-pgbouncer-{:016x}", rand::random::<u64>()))
}

fn ini(server: &tokio_postgres::Config, port: u16) -> String {
    let host = match server.get_hosts() {
        [tokio_postgres::config::Host::Tcp(host)] => host,
        hosts => panic!("PostgreSQL for tests is at {hosts:?}"),
    };
    let server_port = server.get_ports().first().copied().unwrap_or(5432);
    let user = server.get_user().unwrap_or("postgres");
    let password = server.get_password().map(String::from_utf8_lossy);
    let password = password.map_or_else(String::new, |password| format!("password={password}"));
    format!(
        "[databases]\n* = host={host} port={server_port} user={user} {password} \
         connect_query='set statement_timeout = 5000; set lock_timeout = 3000'\n\
         [pgbouncer]\nlisten_addr = 127.0.0.1\nlisten_port = {port}\nunix_socket_dir =\n\
         auth_type = any\npool_mode = transaction\ndefault_pool_size = {SERVER_CONNECTIONS}\n\
         ignore_startup_parameters = extra_float_digits\nlogfile =\n"
    )
}

impl Drop for Pooler {
    fn drop(&mut self) {
        self.child.kill().ok();
        self.child.wait().ok();
        fs::remove_dir_all(&self.folder).ok();
    }
}
