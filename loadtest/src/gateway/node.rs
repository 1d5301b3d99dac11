//! A process under measurement: what it costs, as the system counts it.

use std::{
    fs, io,
    net::SocketAddr,
    process::{Child, Command, Stdio},
    time::Duration,
};

use hyper::Method;
use nix::unistd::{SysconfVar, sysconf};
use shared::testing::HttpClient;
use tokio::time::sleep;

use crate::Failure;

const START_PAUSE: Duration = Duration::from_millis(20);
const START_TRIES: usize = 500;

/// A node; it ends when this is dropped.
#[derive(Debug)]
pub(crate) struct Node {
    process: Child,
    pub(crate) addr: SocketAddr,
}

impl Node {
    /// Starts it and waits until it lets people in: any answer will do, except that it is not ready.
    pub(crate) async fn start(mut command: Command, addr: SocketAddr) -> Result<Self, Failure> {
        let door = HttpClient::new(&format!("http://{addr}"));
        let process = command.stdout(Stdio::null()).spawn()?;
        let mut node = Self { process, addr };
        for _ in 0..START_TRIES {
            let answer = door.send(Method::GET, "/readyz", None, None).await;
            if answer.is_ok_and(|answer| !answer.status.is_server_error()) {
                return Ok(node);
            }
            if let Some(status) = node.process.try_wait()? {
                return Err(Failure::Refused(format!("{command:?} ended: {status}")));
            }
            sleep(START_PAUSE).await;
        }
        Err(Failure::Refused(format!("{command:?} does not listen")))
    }

    /// Seconds of processor time so far, in the program and in the system on its behalf.
    pub(crate) fn cpu_seconds(&self) -> io::Result<f64> {
        let stat = fs::read_to_string(format!("/proc/{}/stat", self.process.id()))?;
        // proc(5): the name in brackets may hold anything; utime and stime are the 12th and 13th fields after it.
        let after_name = stat.rsplit_once(')').map_or("", |(_, fields)| fields);
        let mut fields = after_name.split_whitespace().skip(11);
        let mut ticks = || fields.next().and_then(|field| field.parse::<f64>().ok());
        let (user, system) = (ticks(), ticks());
        let per_second = sysconf(SysconfVar::CLK_TCK)?.unwrap_or(100);
        #[expect(clippy::cast_precision_loss, reason = "a hundred, everywhere")]
        let seconds = (user.unwrap_or_default() + system.unwrap_or_default()) / per_second as f64;
        Ok(seconds)
    }

    /// Memory that is resident, in KiB.
    pub(crate) fn resident_kib(&self) -> io::Result<f64> {
        let status = fs::read_to_string(format!("/proc/{}/status", self.process.id()))?;
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
        let kib = line.and_then(|line| line.split_whitespace().next()?.parse().ok());
        kib.ok_or_else(|| io::Error::other("no VmRSS"))
    }
}

impl Drop for Node {
    fn drop(&mut self) {
        self.process.kill().ok();
        self.process.wait().ok();
    }
}
