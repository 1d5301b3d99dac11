//! A PostgreSQL of a story's own, to kill and start again.

use std::{
    env, fs,
    os::unix::fs::{MetadataExt, PermissionsExt, chown},
    path::PathBuf,
    process::{Child, Command, Stdio},
    time::Duration,
};

use nix::{
    sys::signal::{Signal, kill},
    unistd::Pid,
};
use shared::testing::{Authority, free_port};
use tokio::time::{Instant, sleep};
use tokio_postgres::NoTls;

use crate::program::variable;

const PASSWORD: &str = "postgres-has-a-secret";
const STARTS_WITHIN: Duration = Duration::from_secs(30);
/// The server refuses to run as root; this account is everywhere and owns nothing.
const NOBODY: u32 = 65534;

/// A server with an empty cluster; it ends with the value, and with the process.
pub struct Postgres {
    folder: PathBuf,
    port: u16,
    is_root: bool,
    /// Speaks TLS alone, and asks for a password.
    is_encrypted: bool,
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
            is_encrypted: false,
            process: None,
        };
        if server.is_root {
            chown(&server.folder, Some(NOBODY), Some(NOBODY)).expect("root may");
        }
        server.make_cluster();
        server.restart().await;
        server
    }

    /// A server with a certificate of `authority` for `127.0.0.1`, that lets nobody in without TLS and a password.
    pub async fn start_encrypted(authority: &Authority) -> Self {
        let mut server = Self::start().await;
        let (client, connection) = tokio_postgres::connect(&server.url(), NoTls)
            .await
            .expect("it was just started");
        tokio::spawn(connection);
        let statement = format!("alter role postgres password '{PASSWORD}'");
        client
            .batch_execute(&statement)
            .await
            .expect("our own role");
        drop(client);
        server.kill();
        server.demand_tls(authority);
        server.restart().await;
        server
    }

    fn demand_tls(&mut self, authority: &Authority) {
        self.is_encrypted = true;
        let data = self.folder.join("data");
        let rule = "hostssl all all 127.0.0.1/32 password\n";
        fs::write(data.join("pg_hba.conf"), rule).expect("a file of the server");
        let (certificate, key) = authority.issue("127.0.0.1");
        for (from, name) in [(certificate, "server.crt"), (key, "server.key")] {
            let file = data.join(name);
            fs::copy(from, &file).expect("a file of the server");
            fs::set_permissions(&file, fs::Permissions::from_mode(0o600)).expect("our own file");
            if self.is_root {
                chown(&file, Some(NOBODY), Some(NOBODY)).expect("root may");
            }
        }
    }

    /// Where it is, with the password, and with this `sslmode`.
    pub fn encrypted_url(&self, mode: &str) -> String {
        let port = self.port;
        format!("postgres://postgres:{PASSWORD}@127.0.0.1:{port}/postgres?sslmode={mode}")
    }

    /// What `psql` answers to a question, asked by TLS.
    pub fn answers(&self, question: &str) -> String {
        let mut command = Command::new(PathBuf::from(variable("PG_BIN_DIR")).join("psql"));
        command.args(["-At", "-c", question]);
        command
            .arg(self.encrypted_url("require"))
            .env("HOME", &self.folder);
        let output = command.output().expect("psql can be started");
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{said}");
        let answer = String::from_utf8(output.stdout).expect("text");
        answer.trim().to_owned()
    }

    /// Whether it takes connections.
    async fn is_up(&self) -> bool {
        if self.is_encrypted {
            // Its last line is how it is.
            let notes = fs::read_to_string(self.folder.join("data/postmaster.pid"));
            return notes.is_ok_and(|notes| notes.trim_end().ends_with("ready"));
        }
        tokio_postgres::connect(&self.url(), NoTls).await.is_ok()
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
        if self.is_encrypted {
            command.args(["-c", "ssl=on"]);
        }
        let mut process = command.spawn().expect("postgres can be started");
        let deadline = Instant::now() + STARTS_WITHIN;
        while !self.is_up().await {
            let exit = process.try_wait().expect("the server is our child");
            assert!(exit.is_none(), "postgres ended at start: {exit:?}");
            assert!(Instant::now() < deadline, "postgres is not up in time");
            sleep(Duration::from_millis(20)).await;
        }
        self.process = Some(process);
    }
}

impl Drop for Postgres {
    fn drop(&mut self) {
        self.kill();
        // What stays is in the folder for temporary files.
        drop(fs::remove_dir_all(&self.folder));
    }
}
