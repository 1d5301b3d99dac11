//! A Redis of one's own, to kill, pause and restart.

use std::{
    env,
    net::{Ipv4Addr, SocketAddr},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    time::Duration,
};

use nix::{
    sys::signal::{Signal, kill},
    unistd::Pid,
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    time::{sleep, timeout},
};

use super::free_port;
use crate::config::RedisSettings;

/// The longest wait for a server to answer.
const START_TIME_MAX: Duration = Duration::from_secs(10);
/// Between two looks at a server that starts.
const LOOK_INTERVAL: Duration = Duration::from_millis(10);
/// A port may be taken by somebody else between finding it free and binding it.
const PORT_TRIES: usize = 5;

/// The Redis that all tests share, with a prefix of the test's own.
///
/// # Panics
///
/// When `TEST_REDIS_URL` is not set: a test without Redis fails.
pub fn shared_redis() -> RedisSettings {
    let url = variable("TEST_REDIS_URL").expect("TEST_REDIS_URL names a Redis for tests");
    settings(url)
}

pub(super) fn settings(url: String) -> RedisSettings {
    RedisSettings {
        url,
        pubsub_url: None,
        ca_file: None,
        prefix: format!("test-{:016x}:", rand::random::<u64>()),
        timeout: Duration::from_secs(2),
    }
}

/// A private Redis without persistence: a restart forgets everything. It ends with the value, and with the process.
#[derive(Debug)]
pub struct RedisServer {
    port: u16,
    process: Option<Child>,
    arguments: Vec<String>,
    /// What the server writes down about itself; removed with the value.
    notes: Option<PathBuf>,
}

impl RedisServer {
    /// Starts a server on a free port of 127.0.0.1 and waits until it answers. Call it on a thread that lives as long as
    /// the server should: it dies with the thread that started it.
    ///
    /// # Panics
    ///
    /// When there is no `redis-server` (in `REDIS_SERVER` or on the path), or it does not start.
    pub async fn start() -> Self {
        Self::start_with(&[]).await
    }

    /// [`RedisServer::start`], with more arguments.
    ///
    /// # Panics
    ///
    /// As that.
    pub async fn start_with(arguments: &[&str]) -> Self {
        Self::start_by(|port, notes| {
            let notes = notes.to_string_lossy().into_owned();
            let port = port.to_string();
            let always = [
                "--port",
                &port,
                "--bind",
                "127.0.0.1",
                "--save",
                "",
                "--appendonly",
                "no",
            ];
            let always = always
                .iter()
                .chain(arguments)
                .map(|word| (*word).to_owned());
            let mut words: Vec<String> = always.collect();
            if arguments.contains(&"--cluster-enabled") {
                words.extend(["--cluster-config-file".to_owned(), notes]);
                // Else ten thousand above the other, where nothing is held for us.
                words.extend(["--cluster-port".to_owned(), free_port().to_string()]);
            }
            words
        })
        .await
    }

    /// A sentinel that watches `master` under the name `main`, and replaces it half a second after its death.
    ///
    /// # Panics
    ///
    /// When it does not start.
    pub async fn start_sentinel(master: &Self) -> Self {
        let watched = master.port;
        Self::start_by(|port, notes| {
            let text = format!(
                "port {port}\nbind 127.0.0.1\nsentinel monitor main 127.0.0.1 {watched} 2\n\
                 sentinel down-after-milliseconds main 500\nsentinel failover-timeout main 3000\n"
            );
            std::fs::write(notes, text).expect("the folder for temporary files can be written to");
            vec![
                notes.to_string_lossy().into_owned(),
                "--sentinel".to_owned(),
            ]
        })
        .await
    }

    /// [`RedisServer::start`], for [`RedisServer::restart_with_its_data`].
    ///
    /// # Panics
    ///
    /// As that.
    pub async fn start_keeping() -> Self {
        Self::start_by(|port, notes| {
            let file = notes.file_name().expect("it is a file");
            let file = file.to_string_lossy().into_owned();
            let port = port.to_string();
            let words = [
                "--port",
                &port,
                "--bind",
                "127.0.0.1",
                "--dbfilename",
                &file,
            ];
            let saves = ["--save", "3600 1"];
            let words = words.into_iter().chain(saves);
            words.map(str::to_owned).collect()
        })
        .await
    }

    /// `arguments` are made of the port and a file that is the server's own.
    async fn start_by(arguments: impl Fn(u16, &Path) -> Vec<String>) -> Self {
        for _ in 0..PORT_TRIES {
            let port = free_port();
            let notes = format!("hubbub-redis-{:016x}.conf", rand::random::<u64>());
            let notes = env::temp_dir().join(notes);
            let mut server = Self {
                port,
                process: None,
                arguments: arguments(port, &notes),
                notes: Some(notes),
            };
            if server.launch().await {
                return server;
            }
        }
        panic!("redis-server did not start on any of {PORT_TRIES} ports");
    }

    /// Where it listens; the same over restarts.
    pub fn addr(&self) -> SocketAddr {
        (Ipv4Addr::LOCALHOST, self.port).into()
    }

    /// `redis://127.0.0.1:port`.
    pub fn url(&self) -> String {
        format!("redis://127.0.0.1:{}", self.port)
    }

    /// Settings that name this server.
    pub fn settings(&self) -> RedisSettings {
        settings(self.url())
    }

    /// SIGKILL: connections break, data is gone.
    pub fn kill(&mut self) {
        if let Some(mut process) = self.process.take() {
            process.kill().expect("the server is our child");
            process.wait().expect("the server is our child");
        }
    }

    /// A server without any data, on the same port.
    ///
    /// # Panics
    ///
    /// When it does not start.
    pub async fn restart_empty(&mut self) {
        self.kill();
        assert!(self.launch().await, "redis-server did not start again");
    }

    /// SIGTERM: connections break, data is written down; then a server with that data, on the same port.
    ///
    /// # Panics
    ///
    /// When it does not start.
    pub async fn restart_with_its_data(&mut self) {
        self.signal(Signal::SIGTERM);
        let mut process = self.process.take().expect("the server runs");
        let ended = process.wait().expect("the server is our child");
        assert!(
            ended.success(),
            "redis-server could not save its data: {ended}"
        );
        assert!(self.launch().await, "redis-server did not start again");
    }

    /// SIGSTOP: connections stay, nothing is answered.
    pub fn pause(&self) {
        self.signal(Signal::SIGSTOP);
    }

    /// SIGCONT.
    pub fn resume(&self) {
        self.signal(Signal::SIGCONT);
    }

    fn signal(&self, signal: Signal) {
        let process = self.process.as_ref().expect("the server runs");
        let id = i32::try_from(process.id()).expect("process ids are small");
        kill(Pid::from_raw(id), signal).expect("the server is our child");
    }

    /// Whether it came up; false when it ended, as it does when somebody has the port.
    async fn launch(&mut self) -> bool {
        let child = dies_with_us(&program())
            .args(&self.arguments)
            .args(["--daemonize", "no"])
            .args(["--dir", &env::temp_dir().to_string_lossy()])
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("redis-server can be started");
        let process = self.process.insert(child);
        let up = timeout(START_TIME_MAX, async {
            loop {
                if process
                    .try_wait()
                    .expect("the server is our child")
                    .is_some()
                {
                    return false;
                }
                if answers(self.port).await.is_ok() {
                    return true;
                }
                sleep(LOOK_INTERVAL).await;
            }
        });
        up.await.unwrap_or(false)
    }
}

impl Drop for RedisServer {
    fn drop(&mut self) {
        self.kill();
        if let Some(notes) = &self.notes {
            // Most servers write none.
            drop(std::fs::remove_file(notes));
        }
    }
}

async fn answers(port: u16) -> std::io::Result<()> {
    let mut stream = TcpStream::connect(("127.0.0.1", port)).await?;
    stream.write_all(b"PING\r\n").await?;
    let mut answer = [0; 7];
    stream.read_exact(&mut answer).await?;
    // One with a password asks for it, and is there all the same.
    if matches!(&answer, b"+PONG\r\n" | b"-NOAUTH") {
        Ok(())
    } else {
        Err(std::io::Error::other("not ready"))
    }
}

fn program() -> PathBuf {
    variable("REDIS_SERVER").map_or_else(|| "redis-server".into(), Into::into)
}

/// On Linux the kernel ends the server when we end, however that happens.
fn dies_with_us(program: &Path) -> Command {
    let Some(setpriv) = find("setpriv") else {
        return Command::new(program);
    };
    let mut command = Command::new(setpriv);
    command.args(["--pdeathsig", "KILL", "--"]).arg(program);
    command
}

fn find(program: &str) -> Option<PathBuf> {
    let path = variable("PATH")?;
    env::split_paths(&path)
        .map(|folder| folder.join(program))
        .find(|file| file.is_file())
}

#[expect(
    clippy::disallowed_methods,
    reason = "tests have no configuration but the environment"
)]
fn variable(name: &str) -> Option<String> {
    env::var(name).ok()
}
