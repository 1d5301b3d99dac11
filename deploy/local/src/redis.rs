//! A private Redis: only memory, so that a restart is a Redis that has forgotten everything.

use std::fs;
use std::io::{Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpStream};
use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::child::Launch;
use crate::environment;
use crate::error::{Doing, Result};
use crate::secrets::write_private;

/// How long one question to Redis may take.
const QUESTION_LIMIT: Duration = Duration::from_secs(1);

/// The path of `redis-server`; `None` when the machine has none.
pub(crate) fn find() -> Option<PathBuf> {
    environment::redis_server().or_else(|| environment::find_program("redis-server"))
}

/// A Redis server and its folder.
#[derive(Debug, Clone)]
pub(crate) struct Redis {
    /// Path of `redis-server`.
    pub(crate) program: PathBuf,
    /// Its working folder, which holds its configuration.
    pub(crate) folder: PathBuf,
    /// Of the default user.
    pub(crate) password: String,
}

impl Redis {
    /// The server in the foreground. The password goes into a file, not on a command line that
    /// every user of the machine can read.
    pub(crate) fn launch(&self, port: u16) -> Result<Launch> {
        fs::create_dir_all(&self.folder).doing(|| "make the folder of Redis")?;
        let configuration = self.folder.join("redis.conf");
        write_private(&configuration, &self.configuration(port))?;
        Ok(Launch::new(&self.program).isolated().args([&configuration]))
    }

    fn configuration(&self, port: u16) -> String {
        format!(
            "bind 127.0.0.1\n\
             port {port}\n\
             requirepass {password}\n\
             dir {folder}\n\
             daemonize no\n\
             save \"\"\n\
             appendonly no\n\
             # Running out of memory must be an error that is seen, never history that is missing.\n\
             maxmemory-policy noeviction\n\
             # A gateway that is slow for a moment should not lose its subscription.\n\
             client-output-buffer-limit pubsub 256mb 64mb 60\n",
            password = self.password,
            folder = quoted(&self.folder),
        )
    }

    /// Whether it answers on that port, to our password.
    pub(crate) fn is_ready(&self, port: u16) -> bool {
        self.ping(port).unwrap_or(false)
    }

    fn ping(&self, port: u16) -> std::io::Result<bool> {
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
        let mut stream = TcpStream::connect_timeout(&address, QUESTION_LIMIT)?;
        stream.set_read_timeout(Some(QUESTION_LIMIT))?;
        write!(stream, "AUTH {}\r\nPING\r\nQUIT\r\n", self.password)?;
        let mut answer = String::new();
        stream.take(1024).read_to_string(&mut answer)?;
        Ok(answer.starts_with("+OK\r\n+PONG\r\n"))
    }

    /// How a client reaches it.
    pub(crate) fn url(&self, port: u16) -> String {
        format!("redis://:{}@127.0.0.1:{port}", self.password)
    }
}

/// A path as a word of Redis's configuration.
fn quoted(path: &Path) -> String {
    let text = path
        .to_string_lossy()
        .replace('\\', "\\\\")
        .replace('"', "\\\"");
    format!("\"{text}\"")
}
