//! A private PostgreSQL: found on the machine, never Debian's own cluster, never as root.

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::child::{Child, Launch};
use crate::environment;
use crate::error::{Doing, Error, Result};
use crate::secrets::write_private;
use crate::user::{Owner, give};

#[cfg(test)]
mod tests;

/// Name of the superuser.
pub(crate) const USER: &str = "postgres";

/// macOS knows no `C.UTF-8`.
const LOCALE: &str = if cfg!(target_os = "macos") {
    "C"
} else {
    "C.UTF-8"
};

/// Settings for data that must survive a crash.
pub(crate) const DURABLE: &[&str] = &["max_connections=200"];

/// Settings for tests, whose data nobody misses.
pub(crate) const FORGETFUL: &[&str] = &[
    "max_connections=500",
    "fsync=off",
    "synchronous_commit=off",
    "full_page_writes=off",
];

/// The folder with `postgres` and `initdb`: as told, then the PATH, then where the packages of
/// Debian and Homebrew put them (newest version first). `None` when there is none.
pub(crate) fn find() -> Option<PathBuf> {
    let told = environment::pg_bin_dir().into_iter();
    let packages = ["/usr/lib/postgresql", "/opt/homebrew/opt", "/usr/local/opt"];
    told.chain(environment::search_path())
        .chain(
            packages
                .iter()
                .flat_map(|folder| versions(Path::new(folder))),
        )
        .find_map(|folder| with_servers(&folder))
}

/// Where the servers of a folder really are: on the PATH there may be links to them, without the
/// programs that belong to them.
fn with_servers(folder: &Path) -> Option<PathBuf> {
    if !folder.join("initdb").is_file() {
        return None;
    }
    Some(
        fs::canonicalize(folder.join("postgres"))
            .ok()?
            .parent()?
            .to_owned(),
    )
}

/// The `bin` folders of the versions installed under a folder, newest first.
fn versions(folder: &Path) -> Vec<PathBuf> {
    let Ok(entries) = fs::read_dir(folder) else {
        return Vec::new();
    };
    let mut found: Vec<(u32, PathBuf)> = entries
        .filter_map(|entry| {
            let path = entry.ok()?.path();
            let name = path.file_name()?.to_str()?;
            let version = name
                .strip_prefix("postgresql@")
                .unwrap_or(name)
                .parse()
                .ok()?;
            Some((version, path.join("bin")))
        })
        .collect();
    found.sort_by_key(|(version, _)| std::cmp::Reverse(*version));
    found.into_iter().map(|(_, path)| path).collect()
}

/// A PostgreSQL installation and the folder of one private cluster.
#[derive(Debug, Clone)]
pub(crate) struct Postgres {
    /// Folder of the server's programs.
    pub(crate) programs: PathBuf,
    /// Holds the cluster in `data`; owned by whom the server runs as.
    pub(crate) folder: PathBuf,
    /// Whom the server runs as when we are root.
    pub(crate) owner: Option<Owner>,
    /// Of the superuser.
    pub(crate) password: String,
}

impl Postgres {
    fn data(&self) -> PathBuf {
        self.folder.join("data")
    }

    /// Makes the cluster with an empty database if there is none yet. Made beside its place and
    /// moved there when complete, so that an interrupted start leaves nothing half made.
    pub(crate) fn make(&self, database: &str, log: &Path) -> Result<()> {
        if self.data().exists() {
            return self.refuse_other_version();
        }
        let partial = self.folder.join("partial");
        if partial.exists() {
            fs::remove_dir_all(&partial).doing(|| "remove a half-made PostgreSQL cluster")?;
        }
        self.initdb(&partial, log)?;
        self.create_database(&partial, database)?;
        fs::rename(&partial, self.data()).doing(|| "put the new PostgreSQL cluster in its place")
    }

    fn initdb(&self, data: &Path, log: &Path) -> Result<()> {
        let password = self.folder.join("password");
        write_private(&password, &self.password)?;
        give(&password, self.owner)?;
        let mut initdb = Launch::new(self.programs.join("initdb"))
            .isolated()
            .run_as(self.owner)
            .args(["--no-sync", "--encoding=UTF8", "--auth=scram-sha-256"])
            .args([format!("--locale={LOCALE}"), format!("--username={USER}")])
            .args([
                Path::new("--pwfile"),
                &password,
                Path::new("--pgdata"),
                data,
            ])
            .spawn(log)?;
        let status = initdb.wait()?;
        fs::remove_file(&password).doing(|| "remove the password file of initdb")?;
        if status.success() {
            Ok(())
        } else {
            Err(initdb.obituary("initdb", status))
        }
    }

    /// PostgreSQL's single-user mode needs no client programs and no port.
    fn create_database(&self, data: &Path, database: &str) -> Result<()> {
        let doing = || "create the database in single-user mode";
        let mut command = Command::new(self.programs.join("postgres"));
        command
            .arg("--single")
            .arg("-D")
            .arg(data)
            .arg("postgres")
            .current_dir("/");
        if let Some(owner) = self.owner {
            std::os::unix::process::CommandExt::uid(&mut command, owner.uid);
            std::os::unix::process::CommandExt::gid(&mut command, owner.gid);
        }
        command
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::piped());
        let mut process = command.spawn().doing(doing)?;
        let mut input = process.stdin.take().expect("its standard input is a pipe");
        writeln!(input, "create database {database}").doing(doing)?;
        drop(input);
        let output = process.wait_with_output().doing(doing)?;
        if output.status.success() {
            return Ok(());
        }
        let words = String::from_utf8_lossy(&output.stderr);
        Err(Error::told(format!(
            "PostgreSQL could not create its database:\n{words}"
        )))
    }

    /// A server cannot read the data of another major version.
    fn refuse_other_version(&self) -> Result<()> {
        let read =
            |path: &Path| fs::read_to_string(path).doing(|| format!("read {}", path.display()));
        let of_data = read(&self.data().join("PG_VERSION"))?;
        let output = Command::new(self.programs.join("postgres"))
            .arg("--version")
            .output()
            .doing(|| "ask PostgreSQL for its version")?;
        let of_server = String::from_utf8_lossy(&output.stdout);
        if major_version(&of_server) == Some(of_data.trim()) {
            return Ok(());
        }
        Err(Error::told(format!(
            "the data is of PostgreSQL {}, the server is {}. ./dev down --wipe forgets the data, \
             PG_BIN_DIR names another server",
            of_data.trim(),
            of_server.trim(),
        )))
    }

    /// The server in the foreground, on TCP only: the default folder for its socket is not ours.
    pub(crate) fn launch(&self, port: u16, settings: &[&str]) -> Launch {
        let own = [
            format!("port={port}"),
            "listen_addresses=127.0.0.1".into(),
            "unix_socket_directories=".into(),
        ];
        let settings = own
            .iter()
            .map(String::as_str)
            .chain(settings.iter().copied());
        Launch::new(self.programs.join("postgres"))
            .isolated()
            .run_as(self.owner)
            .args([Path::new("-D"), &self.data()])
            .args(settings.flat_map(|setting| ["-c", setting]))
    }

    /// Whether this very process accepts connections, as the server itself writes it down.
    pub(crate) fn is_ready(&self, child: &Child) -> bool {
        let Ok(text) = fs::read_to_string(self.data().join("postmaster.pid")) else {
            return false;
        };
        let mut lines = text.lines();
        let pid = lines.next().and_then(|line| line.trim().parse().ok());
        pid == Some(child.pid()) && lines.nth(6).is_some_and(|status| status.trim() == "ready")
    }

    /// How a client reaches a database of the server.
    pub(crate) fn url(&self, port: u16, database: &str) -> String {
        format!(
            "postgres://{USER}:{}@127.0.0.1:{port}/{database}",
            self.password
        )
    }
}

/// "15" from "postgres (PostgreSQL) 15.18 (Debian 15.18-0+deb12u1)".
fn major_version(text: &str) -> Option<&str> {
    text.split_whitespace()
        .find(|word| word.starts_with(|first: char| first.is_ascii_digit()))
        .map(|version| {
            version
                .split(|other: char| !other.is_ascii_digit())
                .next()
                .unwrap_or(version)
        })
}
