//! A PostgreSQL of a story's own, to kill and start again.

use std::{
    env, fs,
    os::unix::fs::{MetadataExt, chown},
    path::PathBuf,
    process::{Child, Command, Stdio},
    time::Duration,
};

use nix::{
    sys::signal::{Signal, kill},
    unistd::Pid,
};
use shared::testing::free_port;
use tokio::time::{Instant, sleep};
use tokio_postgres::NoTls;

use crate::program::variable;

const STARTS_WITHIN: Duration = Duration::from_secs(30);
/// The server refuses to run as root; this account is everywhere and owns nothing.
const NOBODY: u32 = 65534;

/// A server with an empty cluster; it ends with the value, and with the process.
pub struct Postgres {
    folder: PathBuf,
    port: u16,
    is_root: bool,
    process: Option<Child>,
}

impl Postgres {
    pub(crate) async fn start() -> Self {
        let name = format!("hubbub-postgres-{:016x}", rand::random::<u64>());
        let folder = env::temp_dir().join(name);
        fs::create_dir(&folder).expect("the folder for temporary files can be written to");
        let owner = fs::metadata(&folder).expect("it was made").uid();
        let mut server = Self {
            folder,
            port: free_port(),
            is_root: owner == 0,
            process: None,
        };
        if server.is_root {
            chown(&server.folder, Some(NOBODY), Some(NOBODY)).expect("root may");
        }
        server.make_cluster();
        server.restart().await;
        server
    }

    pub(crate) fn url(&self) -> String {
        format!("postgres://postgres@127.0.0.1:{}/postgres", self.port)
    }

    fn make_cluster(&self) {
        let mut initdb = self.command("initdb");
        initdb.args(["--no-sync", "--auth=trust", "--encoding=UTF8"]);
        initdb.args(["--locale=C.UTF-8", "--username=postgres"]);
        let done = initdb.status().expect("initdb can be started");
        assert!(done.success(), "initdb: {done}");
    }

    /// One of the server's programs, on its data.
    fn command(&self, program: &str) -> Command {
        let mut command = Command::new("setpriv");
        command.args(["--pdeathsig", "KILL"]);
        if self.is_root {
            let nobody = NOBODY.to_string();
            command.args(["--reuid", &nobody, "--regid", &nobody, "--clear-groups"]);
        }
        let program = PathBuf::from(variable("PG_BIN_DIR")).join(program);
        command.arg("--").arg(program).arg("-D");
        command.arg(self.folder.join("data"));
        command.current_dir(&self.folder);
        let null = Stdio::null;
        command.stdin(null()).stdout(null()).stderr(null());
        command
    }

    /// Ends at once, as a crash ends it: connections break, nothing is written down; what was committed is in its log.
    pub fn kill(&mut self) {
        if let Some(mut process) = self.process.take() {
            let id = i32::try_from(process.id()).expect("process ids are small");
            // Its children end with it, which a SIGKILL would leave to them.
            kill(Pid::from_raw(id), Signal::SIGQUIT).expect("the server is our child");
            process.wait().expect("the server is our child");
        }
    }

    /// Starts it again, on the same port, and waits until it has recovered.
    pub async fn restart(&mut self) {
        self.kill();
        let port = self.port.to_string();
        let mut command = self.command("postgres");
        command.args(["-p", &port, "-c", "listen_addresses=127.0.0.1"]);
        command.args(["-c", "unix_socket_directories=", "-c", "fsync=off"]);
        let process = command.spawn().expect("postgres can be started");
        let process = self.process.insert(process);
        let deadline = Instant::now() + STARTS_WITHIN;
        let url = format!("postgres://postgres@127.0.0.1:{port}/postgres");
        while tokio_postgres::connect(&url, NoTls).await.is_err() {
            let exit = process.try_wait().expect("the server is our child");
            assert!(exit.is_none(), "postgres ended at start: {exit:?}");
            assert!(Instant::now() < deadline, "postgres is not up in time");
            sleep(Duration::from_millis(20)).await;
        }
    }
}

impl Drop for Postgres {
    fn drop(&mut self) {
        self.kill();
        // What stays is in the folder for temporary files.
        drop(fs::remove_dir_all(&self.folder));
    }
}
