use std::thread;
use std::time::Duration;

use super::*;
use crate::patience::{StopWishes, wait_for};
use crate::testing::Scratch;

const LIMIT: Duration = Duration::from_secs(20);

fn wait_until(what: &str, mut condition: impl FnMut() -> bool) {
    let look = || Ok(condition().then_some(()));
    let seen = wait_for(what, LIMIT, &StopWishes::default(), look).unwrap();
    assert!(seen.is_some(), "{what}");
}

/// The system kills a child when the thread that started it ends, which is what happens to a
/// supervisor's main thread on `kill -9`.
#[cfg(target_os = "linux")]
#[test]
fn a_child_does_not_outlive_the_thread_that_started_it() {
    let scratch = Scratch::new("orphan");
    let log = scratch.path().join("child.log");
    let starter = thread::spawn(move || {
        let child = Launch::new("sleep").args(["600"]).spawn(&log).unwrap();
        let name = format!("/proc/{}/comm", child.pid());
        // Before that it is still setpriv, and has not asked for the signal yet.
        wait_until("the child has become sleep", || {
            std::fs::read_to_string(&name).is_ok_and(|name| name == "sleep\n")
        });
        child
    });
    let mut child = starter.join().unwrap();
    wait_until("the child is gone", || child.ended().unwrap().is_some());
    assert_eq!(
        child.ended().unwrap().unwrap().to_string(),
        "signal: 9 (SIGKILL)"
    );
}

#[test]
fn last_words_are_those_of_the_last_start() {
    let scratch = Scratch::new("last-words");
    let log = scratch.path().join("child.log");
    let say = |word: &str| {
        let mut child = Launch::new("/bin/sh")
            .args(["-c", "echo $0; exit 3", word])
            .spawn(&log)
            .unwrap();
        let status = child.wait().unwrap();
        (
            child.last_words().unwrap(),
            child.obituary("it", status).to_string(),
        )
    };
    assert_eq!(say("first").0, "first");
    let (words, obituary) = say("second");
    assert_eq!(words, "second");
    assert!(obituary.contains("it ended (exit status: 3)"), "{obituary}");
    assert!(obituary.contains("second"), "{obituary}");
}

#[test]
fn a_program_that_is_not_there_is_an_error_or_an_end() {
    let scratch = Scratch::new("missing");
    let log = scratch.path().join("child.log");
    // With setpriv in between the start succeeds and the end tells; without it the start fails.
    if let Ok(mut child) = Launch::new("/no/such/program").spawn(&log) {
        assert!(!child.wait().unwrap().success());
        assert!(child.last_words().unwrap().contains("/no/such/program"));
    }
}
