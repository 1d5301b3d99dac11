//! The environment variables that this tool itself reads. The programs it starts have their own.

use std::path::PathBuf;

/// A variable that is set and not empty.
#[expect(
    clippy::disallowed_methods,
    reason = "the one place where this tool reads its environment"
)]
fn read(name: &str) -> Option<String> {
    std::env::var(name).ok().filter(|value| !value.is_empty())
}

/// `DATABASE_URL`: a PostgreSQL to use instead of starting one.
pub(crate) fn database_url() -> Option<String> {
    read("DATABASE_URL")
}

/// `REDIS_URL`: a Redis to use instead of starting one.
pub(crate) fn redis_url() -> Option<String> {
    read("REDIS_URL")
}

/// `PG_BIN_DIR`: the folder with `postgres` and `initdb`.
pub(crate) fn pg_bin_dir() -> Option<PathBuf> {
    read("PG_BIN_DIR").map(PathBuf::from)
}

/// `REDIS_SERVER`: the path of `redis-server`.
pub(crate) fn redis_server() -> Option<PathBuf> {
    read("REDIS_SERVER").map(PathBuf::from)
}

/// `HAPROXY`: the path of `haproxy`.
pub(crate) fn haproxy() -> Option<PathBuf> {
    read("HAPROXY").map(PathBuf::from)
}

/// The folders in which programs are looked for. Debian keeps `haproxy` in a folder that only
/// root has in its PATH, and Homebrew's folder is missing from the PATH of a non-login shell.
pub(crate) fn search_path() -> Vec<PathBuf> {
    let path = read("PATH").unwrap_or_default();
    let extra = [
        "/usr/local/sbin",
        "/usr/sbin",
        "/sbin",
        "/opt/homebrew/bin",
        "/usr/local/bin",
    ];
    std::env::split_paths(&path)
        .chain(extra.map(PathBuf::from))
        .collect()
}

/// The full path of a program, if the machine has it.
pub(crate) fn find_program(name: &str) -> Option<PathBuf> {
    search_path()
        .into_iter()
        .map(|folder| folder.join(name))
        .find(|path| path.is_file())
}
