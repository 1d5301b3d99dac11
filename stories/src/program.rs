//! One process of ours.

use std::{
    env,
    fs::File,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    time::Duration,
};

use nix::{
    sys::signal::{Signal, kill},
    unistd::Pid,
};
use shared::testing::HttpClient;
use tokio::time::{Instant, sleep};

const READY_WITHIN: Duration = Duration::from_secs(30);

/// A variable that `./dev test` sets.
#[expect(
    clippy::disallowed_methods,
    reason = "tests have no configuration of their own"
)]
pub(crate) fn variable(name: &str) -> String {
    env::var(name).unwrap_or_else(|_| panic!("{name} is not set; run the tests with ./dev test"))
}

/// A running `api` or `gateway`; killed when dropped.
pub struct Program {
    name: String,
    command: Command,
    child: Option<Child>,
    metrics: HttpClient,
}

impl Program {
    /// Starts `binary serve` with these variables and nothing else of our environment, and waits until it is ready. Its lines go
    /// to `log`, else to our own output.
    pub async fn start(
        binary: &str,
        name: &str,
        metrics_port: u16,
        variables: &[(&str, String)],
        log: Option<&Path>,
    ) -> Self {
        let mut command = Command::new("setpriv");
        // Also a test that is killed itself must leave nothing running.
        command.args(["--pdeathsig", "KILL", "--"]);
        command.arg(target_folder().join(binary)).arg("serve");
        command.env_clear().env("LOG_LEVEL", "info");
        command.envs(variables.iter().map(|(k, v)| (k, v)));
        command.env("METRICS_ADDR", format!("127.0.0.1:{metrics_port}"));
        command.env("NODE_NAME", name);
        command
            .stdin(Stdio::null())
            .stdout(output(log))
            .stderr(output(log));
        let metrics = HttpClient::new(&format!("http://127.0.0.1:{metrics_port}"));
        let mut program = Self {
            name: name.to_owned(),
            command,
            child: None,
            metrics,
        };
        program.restart().await;
        program
    }

    /// Starts it again, as it was started first, and waits until it is ready.
    pub async fn restart(&mut self) {
        self.kill();
        let child = self.command.spawn();
        self.child = Some(child.unwrap_or_else(|error| panic!("{}: {error}", self.name)));
        let deadline = Instant::now() + READY_WITHIN;
        while !self.is_ready().await {
            let exit = self
                .child
                .as_mut()
                .and_then(|child| child.try_wait().ok().flatten());
            assert!(exit.is_none(), "{} ended at start: {exit:?}", self.name);
            assert!(
                Instant::now() < deadline,
                "{} is not ready in time",
                self.name
            );
            sleep(Duration::from_millis(20)).await;
        }
    }

    async fn is_ready(&self) -> bool {
        let answer = self
            .metrics
            .send(hyper::Method::GET, "/readyz", None, None)
            .await;
        answer.is_ok_and(|answer| answer.status.is_success())
    }

    /// What `/metrics` shows.
    pub async fn metrics(&self) -> String {
        let answer = self
            .metrics
            .send(hyper::Method::GET, "/metrics", None, None);
        let answer = answer.await.expect("an answer");
        assert!(answer.status.is_success(), "{}", answer.status);
        String::from_utf8(answer.body.to_vec()).expect("text")
    }

    /// Waits until `/metrics` shows this line.
    pub async fn shows(&self, line: &str) {
        let deadline = Instant::now() + READY_WITHIN;
        while !self.metrics().await.lines().any(|shown| shown == line) {
            assert!(Instant::now() < deadline, "{} shows {line}", self.name);
            sleep(Duration::from_millis(20)).await;
        }
    }

    /// SIGTERM, without waiting for the end.
    pub fn tell_to_end(&self) {
        self.signal_child(self.child.as_ref().expect("it runs"), Signal::SIGTERM);
    }

    /// Tells it to go, as SIGTERM would; it stays for `DRAIN_DELAY`.
    pub async fn drain(&self) {
        let told = self
            .metrics
            .send(hyper::Method::POST, "/drain", None, None)
            .await;
        assert!(told.expect("an answer").status.is_success());
    }

    /// SIGKILL: it gets no chance to say goodbye.
    pub fn kill(&mut self) {
        if let Some(mut child) = self.child.take() {
            child.kill().expect("our own child can be killed");
            child.wait().expect("a killed child ends");
        }
    }

    /// SIGTERM, and the exit code once it has ended.
    pub async fn terminate(&mut self) -> Option<i32> {
        let mut child = self.child.take().expect("it runs");
        self.signal_child(&child, Signal::SIGTERM);
        let waited = tokio::task::spawn_blocking(move || child.wait());
        waited
            .await
            .expect("waiting does not panic")
            .expect("our own child")
            .code()
    }

    /// SIGSTOP: alive, but deaf and dumb until [`Program::resume`].
    pub fn pause(&self) {
        self.signal_child(self.child.as_ref().expect("it runs"), Signal::SIGSTOP);
    }

    /// SIGCONT.
    pub fn resume(&self) {
        self.signal_child(self.child.as_ref().expect("it runs"), Signal::SIGCONT);
    }

    fn signal_child(&self, child: &Child, signal: Signal) {
        let pid = i32::try_from(child.id()).expect("a pid");
        kill(Pid::from_raw(pid), signal).unwrap_or_else(|error| panic!("{}: {error}", self.name));
    }
}

/// Two programs may write the same one, line by line.
fn output(log: Option<&Path>) -> Stdio {
    log.map_or_else(Stdio::inherit, |path| {
        let file = File::options().create(true).append(true).open(path);
        file.expect("a file for lines of the log").into()
    })
}

/// What `binary serve --help` prints.
pub fn help(binary: &str) -> String {
    print(binary, &["serve", "--help"])
}

/// What `binary` prints with these arguments, without any settings.
pub(crate) fn print(binary: &str, arguments: &[&str]) -> String {
    let output = Command::new(target_folder().join(binary))
        .args(arguments)
        .env_clear()
        .output()
        .expect("it starts");
    assert!(output.status.success(), "{binary}: {}", output.status);
    String::from_utf8(output.stdout).expect("text")
}

/// Runs `binary` with these arguments and variables to its end; whether that was a good one.
pub async fn run_program(binary: &str, arguments: &[&str], variables: &[(&str, String)]) -> bool {
    run_to_end(binary, arguments, variables).await.is_some()
}

/// The same; what it printed, if it ended well.
pub(crate) async fn run_to_end(
    binary: &str,
    arguments: &[&str],
    variables: &[(&str, String)],
) -> Option<String> {
    let mut command = tokio::process::Command::new(target_folder().join(binary));
    command.args(arguments).env_clear().kill_on_drop(true);
    command.envs(variables.iter().map(|(k, v)| (k, v)));
    command.stderr(Stdio::inherit());
    let ended = tokio::time::timeout(READY_WITHIN, command.output()).await;
    let output = ended.expect("it ends in time").expect("it starts");
    let printed = String::from_utf8(output.stdout).expect("text");
    output.status.success().then_some(printed)
}

impl Drop for Program {
    fn drop(&mut self) {
        self.kill();
    }
}

/// `target/<profile>`: where the programs stand that were built with this test.
fn target_folder() -> PathBuf {
    let test = env::current_exe().expect("a test has a path");
    let folder = test
        .parent()
        .and_then(Path::parent)
        .expect("target/<profile>/deps");
    folder.to_owned()
}
