//! `logs`: what the processes wrote.

use std::fs::{self, File};
use std::io::{Read, Seek, SeekFrom, Write};
use std::path::PathBuf;
use std::process::ExitCode;

use crate::error::{Doing, Error, Result};
use crate::layout::Layout;
use crate::patience::pause;

/// How much of the end of each log is shown when all are, in bytes.
const TAIL_BYTES: u64 = 4096;

/// The command `logs`.
pub(crate) fn run(layout: &Layout, name: Option<&str>, follow: bool) -> Result<ExitCode> {
    let mut logs = match name {
        Some(name) => vec![Log::open(layout.log(name), false)?],
        None => all(layout)?,
    };
    loop {
        for log in &mut logs {
            log.print_news(name.is_none())?;
        }
        if !follow {
            return Ok(ExitCode::SUCCESS);
        }
        pause();
    }
}

/// Every log there is, from near its end.
fn all(layout: &Layout) -> Result<Vec<Log>> {
    let none = || Error::told("there are no logs; ./dev up makes some");
    let entries = fs::read_dir(layout.logs()).map_err(|_| none())?;
    let mut paths: Vec<PathBuf> = entries.flatten().map(|entry| entry.path()).collect();
    paths.sort();
    if paths.is_empty() {
        return Err(none());
    }
    paths
        .into_iter()
        .map(|path| Log::open(path, true))
        .collect()
}

/// A log file, read from some place on.
struct Log {
    name: String,
    path: PathBuf,
    position: u64,
}

impl Log {
    fn open(path: PathBuf, near_end: bool) -> Result<Self> {
        let name = path
            .file_stem()
            .unwrap_or_default()
            .to_string_lossy()
            .into_owned();
        let Ok(metadata) = fs::metadata(&path) else {
            return Err(Error::told(format!("there is no log of {name}")));
        };
        let position = if near_end {
            metadata.len().saturating_sub(TAIL_BYTES)
        } else {
            0
        };
        Ok(Self {
            name,
            path,
            position,
        })
    }

    /// Prints the whole lines that came since the last time, each after the log's name if `prefixed`.
    fn print_news(&mut self, prefixed: bool) -> Result<()> {
        let news = self.read_news()?;
        let end = news
            .iter()
            .rposition(|byte| *byte == b'\n')
            .map_or(0, |last| last + 1);
        self.position += end as u64;
        let mut out = std::io::stdout().lock();
        for line in news[..end].split_inclusive(|byte| *byte == b'\n') {
            let prefix = if prefixed {
                format!("{:<10} | ", self.name)
            } else {
                String::new()
            };
            out.write_all(&[prefix.as_bytes(), line].concat())
                .doing(|| "print a log")?;
        }
        out.flush().doing(|| "print a log")
    }

    /// A log that is gone, or has become shorter, belongs to the next `up`: it is read from its start.
    fn read_news(&mut self) -> Result<Vec<u8>> {
        let doing = || format!("read {}", self.path.display());
        let Ok(mut file) = File::open(&self.path) else {
            return Ok(Vec::new());
        };
        if file.metadata().doing(doing)?.len() < self.position {
            self.position = 0;
        }
        file.seek(SeekFrom::Start(self.position)).doing(doing)?;
        let mut news = Vec::new();
        file.read_to_end(&mut news).doing(doing)?;
        Ok(news)
    }
}
