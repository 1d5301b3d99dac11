//! Whom PostgreSQL runs as: it refuses root, so as root it is given to somebody with fewer rights.

use std::ffi::OsStr;
use std::fs;
use std::os::unix::fs::{PermissionsExt, chown};
use std::path::{Path, PathBuf};

use nix::unistd::{Uid, User};

use crate::child::Launch;
use crate::error::{Doing, Error, Result};
use crate::layout::Layout;

/// Where root keeps PostgreSQL's data when the checkout is in a folder that nobody else may enter.
const STATE_FOLDER: &str = "/var/lib/hubbub";

/// The user and group of a process that must not be root.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Owner {
    /// User id.
    pub(crate) uid: u32,
    /// Group id.
    pub(crate) gid: u32,
}

impl Owner {
    /// Whom a store runs as: `None` when we are not root and everything may run as ourselves.
    /// A user without an entry in the system's list would not do: PostgreSQL looks itself up.
    pub(crate) fn for_postgres() -> Result<Option<Self>> {
        if !Uid::effective().is_root() {
            return Ok(None);
        }
        for name in ["postgres", "nobody"] {
            if let Some(user) = User::from_name(name).doing(|| format!("look up user {name}"))? {
                return Ok(Some(Self {
                    uid: user.uid.as_raw(),
                    gid: user.gid.as_raw(),
                }));
            }
        }
        Err(Error::told(
            "PostgreSQL refuses root, and there is no user postgres or nobody",
        ))
    }

    /// Whether this user may pass through the folder. Asked of the system, which knows about
    /// every parent's mode, access lists and mounts.
    fn may_enter(self, folder: &Path) -> bool {
        let question = Launch::new("/bin/sh")
            .args([
                OsStr::new("-c"),
                OsStr::new("cd \"$0\""),
                folder.as_os_str(),
            ])
            .run_as(Some(self));
        question.succeeds()
    }
}

/// Makes PostgreSQL's folder, owned by whom it runs as and closed to others: in `.dev/`, or, when that
/// user may not enter it, elsewhere with a link from `.dev/`.
pub(crate) fn make_postgres_folder(layout: &Layout, owner: Option<Owner>) -> Result<PathBuf> {
    let folder = layout.postgres();
    if folder.exists() {
        return fs::canonicalize(&folder).doing(|| "resolve the folder .dev/postgres");
    }
    match owner {
        Some(owner) if !owner.may_enter(&layout.dev()) => {
            let elsewhere = make_elsewhere(layout)?;
            std::os::unix::fs::symlink(&elsewhere, &folder)
                .doing(|| "link .dev/postgres to its folder")?;
            give(&elsewhere, Some(owner))?;
            Ok(elsewhere)
        }
        _ => {
            fs::create_dir_all(&folder).doing(|| "make the folder .dev/postgres")?;
            give(&folder, owner)?;
            Ok(folder)
        }
    }
}

/// Makes the folder for a checkout that PostgreSQL's user cannot reach, named after the checkout.
fn make_elsewhere(layout: &Layout) -> Result<PathBuf> {
    let base = Path::new(STATE_FOLDER);
    let doing = || format!("make a folder in {STATE_FOLDER}");
    fs::create_dir_all(base).doing(doing)?;
    fs::set_permissions(base, fs::Permissions::from_mode(0o711)).doing(doing)?;
    let name = layout.root().to_string_lossy().replace('/', "-");
    let folder = base.join(name.trim_start_matches('-'));
    fs::create_dir_all(&folder).doing(doing)?;
    Ok(folder)
}

/// Gives a folder or file to an owner, and closes it to everybody else.
pub(crate) fn give(path: &Path, owner: Option<Owner>) -> Result<()> {
    let doing = || format!("set owner and mode of {}", path.display());
    if let Some(owner) = owner {
        chown(path, Some(owner.uid), Some(owner.gid)).doing(doing)?;
    }
    fs::set_permissions(path, fs::Permissions::from_mode(0o700)).doing(doing)
}

/// Removes PostgreSQL's folder and what it links to.
pub(crate) fn remove_postgres_folder(layout: &Layout) -> Result<()> {
    let link = layout.postgres();
    let Ok(target) = fs::read_link(&link) else {
        return Ok(());
    };
    if target.exists() {
        fs::remove_dir_all(&target).doing(|| format!("remove {}", target.display()))?;
    }
    fs::remove_file(&link).doing(|| "remove the link .dev/postgres")?;
    // Another checkout may still keep its data beside it: then the folder is not empty and stays.
    drop(fs::remove_dir(STATE_FOLDER));
    Ok(())
}
