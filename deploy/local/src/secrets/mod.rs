//! The secrets of this checkout: made once, kept until `down --wipe`.

use std::fs::{self, File, OpenOptions};
use std::io::{ErrorKind, Read, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use serde::{Deserialize, Serialize};

use crate::error::{Doing, Error, Result};

#[cfg(test)]
mod tests;

/// What other users of the machine must not know. A store on 127.0.0.1 is open to all of them,
/// and PostgreSQL lets its superuser run programs.
#[derive(Serialize, Deserialize)]
pub(crate) struct Secrets {
    /// Signs tokens; both programs get it as `JWT_SECRET`.
    pub(crate) jwt: String,
    /// Of PostgreSQL's superuser.
    pub(crate) postgres: String,
    /// Of Redis's default user.
    pub(crate) redis: String,
    /// Keys the balancer's affinity cookie.
    pub(crate) cookie: String,
}

impl Secrets {
    /// New ones.
    pub(crate) fn generate() -> Result<Self> {
        Ok(Self {
            jwt: random()?,
            postgres: random()?,
            redis: random()?,
            cookie: random()?,
        })
    }

    /// The ones in the file, which is made if there is none.
    pub(crate) fn load_or_generate(path: &Path) -> Result<Self> {
        match fs::read_to_string(path) {
            Ok(text) => serde_json::from_str(&text).map_err(|error| {
                Error::told(format!(
                    "{} is damaged ({error}); ./dev down --wipe",
                    path.display()
                ))
            }),
            Err(error) if error.kind() == ErrorKind::NotFound => {
                let secrets = Self::generate()?;
                secrets.save(path)?;
                Ok(secrets)
            }
            Err(source) => Err(Error::Io {
                doing: format!("read {}", path.display()),
                source,
            }),
        }
    }

    fn save(&self, path: &Path) -> Result<()> {
        let text = serde_json::to_string_pretty(self).expect("plain strings serialise");
        write_private(path, &text)
    }
}

/// Writes a file that only its owner may read, from its first byte on. It appears whole or not at all.
pub(crate) fn write_private(path: &Path, text: &str) -> Result<()> {
    let doing = || format!("write {}", path.display());
    let partial = path.with_extension("partial");
    let mut file = OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(true)
        .mode(0o600)
        .open(&partial)
        .doing(doing)?;
    file.write_all(text.as_bytes()).doing(doing)?;
    fs::rename(&partial, path).doing(doing)
}

/// 256 bits as 64 hexadecimal digits.
pub(crate) fn random() -> Result<String> {
    let mut bytes = [0; 32];
    let mut source = File::open("/dev/urandom").doing(|| "open the system's random source")?;
    source
        .read_exact(&mut bytes)
        .doing(|| "read the system's random source")?;
    Ok(bytes
        .iter()
        .flat_map(|byte| [byte >> 4, byte & 15])
        .map(hexadecimal)
        .collect())
}

fn hexadecimal(digit: u8) -> char {
    char::from_digit(digit.into(), 16).expect("four bits are one digit")
}
