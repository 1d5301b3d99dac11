//! The demo page and its buttons that kill: a few files and one endpoint on a loopback port of the supervisor's.
//!
//! Nothing of it is deployed: HAProxy sends `/` here only where it was told an address. Whoever wants to kill shows the
//! token that `./dev up` printed; the page of another site cannot know it.

use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::thread;
use std::time::Duration;

use crate::control::{self, Action, Answer, Request};
use crate::error::{Doing, Result};
use crate::layout::Layout;
use crate::name::Name;
use crate::node::{Web, succeed};
use crate::secrets;

#[cfg(test)]
mod tests;

/// Longest head of a request, in bytes.
const HEAD_BYTES_MAX: u64 = 16 * 1024;

/// How long a request may take to arrive, and an answer to be taken.
const PATIENCE: Duration = Duration::from_secs(2);

/// What is served: path, file, type.
const FILES: [(&str, &str, &str); 3] = [
    ("/", "index.html", "text/html; charset=utf-8"),
    ("/demo/main.js", "main.js", "text/javascript; charset=utf-8"),
    ("/demo/style.css", "style.css", "text/css; charset=utf-8"),
];

/// Scripts, styles and connections of its own origin, and nothing else.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self' ws: wss:; \
     img-src 'self' data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

/// Where the page is served.
pub(crate) struct Page {
    pub(crate) address: SocketAddr,
    /// Whoever shows it may kill.
    pub(crate) token: String,
}

/// Builds the page. Without it the rest runs as well, so a failure is only said.
pub(crate) fn build(layout: &Layout) {
    let built = Web::prepare(layout)
        .and_then(|web| succeed(&mut web.command("node", &["build.mjs", "demo"])));
    if let Err(error) = built {
        println!("There will be no demo page: {error}");
    }
}

impl Page {
    /// Serves it for as long as this process lives, one request after the other.
    pub(crate) fn serve(layout: &Layout) -> Result<Self> {
        let doing = || "listen for the demo page";
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).doing(doing)?;
        let address = listener.local_addr().doing(doing)?;
        let token = secrets::random()?;
        let (expected, folder) = (token.clone(), layout.root().join("web/demo/dist"));
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                // A browser that went away needs no answer.
                drop(respond(&stream, &folder, &expected));
            }
        });
        Ok(Self { address, token })
    }
}

/// As much of a request as is looked at.
#[derive(Debug, Default, PartialEq, Eq)]
struct Head {
    method: String,
    path: String,
    token: Option<String>,
}

fn respond(mut stream: &TcpStream, folder: &Path, token: &str) -> Result<()> {
    let doing = || "serve the demo page";
    stream.set_read_timeout(Some(PATIENCE)).doing(doing)?;
    stream.set_write_timeout(Some(PATIENCE)).doing(doing)?;
    let head = read_head(BufReader::new(stream.take(HEAD_BYTES_MAX))).doing(doing)?;
    let (status, kind, body) = answer(&head, folder, token);
    let lines = format!(
        "HTTP/1.1 {status}\r\ncontent-type: {kind}\r\ncontent-length: {}\r\ncache-control: no-store\r\n\
         x-content-type-options: nosniff\r\nreferrer-policy: no-referrer\r\n\
         content-security-policy: {POLICY}\r\nconnection: close\r\n\r\n",
        body.len()
    );
    stream.write_all(lines.as_bytes()).doing(doing)?;
    stream.write_all(&body).doing(doing)
}

fn read_head(reader: impl BufRead) -> std::io::Result<Head> {
    let mut head = Head::default();
    for line in reader.lines() {
        let line = line?;
        if line.is_empty() {
            break;
        }
        if head.method.is_empty() {
            let mut words = line.split(' ').map(str::to_owned);
            head.method = words.next().unwrap_or_default();
            let target = words.next().unwrap_or_default();
            head.path = target.split('?').take(1).collect();
        } else if let Some((name, value)) = line.split_once(':')
            && name.eq_ignore_ascii_case("x-dev-token")
        {
            head.token = Some(value.trim().to_owned());
        }
    }
    Ok(head)
}

type Response = (&'static str, &'static str, Vec<u8>);

fn answer(head: &Head, folder: &Path, token: &str) -> Response {
    if head.method == "POST" {
        return act(head, token);
    }
    let file = FILES.iter().find(|(path, ..)| *path == head.path);
    let Some((_, name, kind)) = file.filter(|_| head.method == "GET") else {
        return told("404 Not Found", "there is nothing here");
    };
    let path: PathBuf = folder.join(name);
    fs::read(path).map_or_else(
        |_| {
            let detail = "The demo page is not built; ./dev up said why.";
            told("503 Service Unavailable", detail)
        },
        |body| ("200 OK", *kind, body),
    )
}

/// `POST /demo/control/{kill|start}/NAME`.
fn act(head: &Head, token: &str) -> Response {
    if head.token.as_deref() != Some(token) {
        return told("403 Forbidden", "open the address that ./dev up printed");
    }
    let Some(request) = wish(&head.path) else {
        return told("404 Not Found", "there is nothing here");
    };
    match control::ask(&request) {
        Ok(Answer::Done(done)) => told("200 OK", &done),
        Ok(Answer::Refused(why)) => told("409 Conflict", &why),
        Ok(Answer::Report(_)) | Err(_) => told("503 Service Unavailable", "nobody answers"),
    }
}

fn wish(path: &str) -> Option<Request> {
    let (action, name) = path.strip_prefix("/demo/control/")?.split_once('/')?;
    let action = match action {
        "kill" => Action::Kill,
        "start" => Action::Start,
        _ => return None,
    };
    let name = Name::from_str(name).ok()?;
    Some(Request::Act { action, name })
}

fn told(status: &'static str, text: &str) -> Response {
    (
        status,
        "text/plain; charset=utf-8",
        text.as_bytes().to_vec(),
    )
}
