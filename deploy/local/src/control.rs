//! How the other commands talk to the supervisor: one JSON line there, one back, on a Unix socket.

use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::{UnixListener, UnixStream};
use std::process::ExitCode;
use std::sync::mpsc::{SyncSender, sync_channel};
use std::thread;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::error::{Doing, Error, Result};
use crate::layout::Layout;
use crate::name::Name;
use crate::patience::StopWishes;
use crate::status::Report;
use crate::supervisor::Event;

/// Longest request line, in bytes.
const REQUEST_BYTES_MAX: u64 = 4096;

/// How long the supervisor waits for a request that was begun.
const REQUEST_LIMIT: Duration = Duration::from_secs(2);

/// How long an answer may take: `start` waits until the process is ready.
const ANSWER_LIMIT: Duration = Duration::from_mins(2);

/// What can be asked.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Request {
    /// What runs, and where.
    Status,
    /// Stop everything and end. Not answered: the end is the answer.
    Stop,
    /// Do something to one process.
    Act {
        /// What.
        action: Action,
        /// To which.
        name: Name,
    },
}

/// What can be done to one process.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Action {
    /// SIGKILL.
    Kill,
    /// SIGSTOP.
    Pause,
    /// SIGCONT.
    Resume,
    /// Start it again after it died.
    Start,
}

/// What is answered.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) enum Answer {
    /// To [`Request::Status`].
    Report(Report),
    /// It was done.
    Done(String),
    /// It was not, and why.
    Refused(String),
}

/// Listens on the control socket and turns each request into an event for the supervisor's loop.
/// A wish to stop also interrupts whatever that loop waits for.
pub(crate) fn listen(events: SyncSender<Event>, stop: StopWishes) -> Result<()> {
    let path = Layout::CONTROL_SOCKET;
    // Ours to remove: we hold the lock, so whoever made it is gone.
    drop(fs::remove_file(path));
    let listener = UnixListener::bind(path).doing(|| "listen on the control socket")?;
    let private = fs::Permissions::from_mode(0o600);
    fs::set_permissions(path, private).doing(|| "close the control socket to others")?;
    thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            // A client that went away, or wrote nonsense, has had its answer or needs none.
            drop(serve(&stream, &events, &stop));
        }
    });
    Ok(())
}

fn serve(stream: &UnixStream, events: &SyncSender<Event>, stop: &StopWishes) -> Result<()> {
    let doing = || "serve a control request";
    stream.set_read_timeout(Some(REQUEST_LIMIT)).doing(doing)?;
    let mut line = String::new();
    BufReader::new(stream.take(REQUEST_BYTES_MAX))
        .read_line(&mut line)
        .doing(doing)?;
    let request = serde_json::from_str(&line).doing(doing)?;
    if request == Request::Stop {
        stop.add();
    }
    let (reply, answer) = sync_channel(1);
    if events.send(Event::Request(request, reply)).is_err() {
        return Ok(());
    }
    let Ok(answer) = answer.recv() else {
        return Ok(());
    };
    write_line(stream, &answer)
}

/// Asks the supervisor. [`Error::NotRunning`] when there is none, or it ended meanwhile.
pub(crate) fn ask(request: &Request) -> Result<Answer> {
    let doing = || "talk to the supervisor";
    let stream = UnixStream::connect(Layout::CONTROL_SOCKET).map_err(|_| Error::NotRunning)?;
    stream.set_read_timeout(Some(ANSWER_LIMIT)).doing(doing)?;
    write_line(&stream, request)?;
    let mut line = String::new();
    BufReader::new(stream).read_line(&mut line).doing(doing)?;
    if line.is_empty() {
        return Err(Error::NotRunning);
    }
    serde_json::from_str(&line).doing(doing)
}

/// The report on a running instance.
pub(crate) fn ask_status() -> Result<Report> {
    match ask(&Request::Status)? {
        Answer::Report(report) => Ok(report),
        Answer::Done(message) | Answer::Refused(message) => Err(Error::Told(message)),
    }
}

/// The commands `kill`, `pause`, `resume` and `start`.
pub(crate) fn send_and_print(request: &Request) -> Result<ExitCode> {
    match ask(request)? {
        Answer::Done(message) => {
            println!("{message}");
            Ok(ExitCode::SUCCESS)
        }
        Answer::Refused(message) => Err(Error::Told(message)),
        Answer::Report(_) => Err(Error::told("the supervisor answered another question")),
    }
}

fn write_line(mut stream: &UnixStream, value: &impl Serialize) -> Result<()> {
    let doing = || "write to the control socket";
    let mut line = serde_json::to_string(value).doing(doing)?;
    line.push('\n');
    stream.write_all(line.as_bytes()).doing(doing)
}
