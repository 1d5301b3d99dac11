use std::process::Command;

use super::*;
use crate::testing::Scratch;

fn layout(scratch: &Scratch) -> Layout {
    let layout = Layout::at(scratch.path());
    layout.prepare().unwrap();
    layout
}

fn own_identity() -> Identity {
    Identity::of(i32::try_from(std::process::id()).unwrap()).unwrap()
}

#[test]
fn only_one_holds_the_lock() {
    let scratch = Scratch::new("lock");
    let layout = layout(&scratch);
    let first = Lock::take(&layout).unwrap();
    assert!(first.is_some());
    assert!(Lock::take(&layout).unwrap().is_none());
    drop(first);
    assert!(Lock::take(&layout).unwrap().is_some());
}

#[test]
fn what_a_killed_supervisor_left_is_ended() {
    let scratch = Scratch::new("reap");
    let layout = layout(&scratch);
    let mut left = Command::new("sleep").arg("600").spawn().unwrap();
    let identity = Identity::of(i32::try_from(left.id()).unwrap()).unwrap();
    let state = State {
        supervisor: own_identity(),
        ready: true,
        processes: vec![identity],
    };
    state.save(&layout).unwrap();
    assert_eq!(State::load(&layout).unwrap(), Some(state));

    let lock = Lock::take(&layout).unwrap().unwrap();
    // Somebody must take note of its end, as the system's first process does for orphans.
    let undertaker = std::thread::spawn(move || left.wait().unwrap());
    reap(&lock, &layout).unwrap();
    assert!(!undertaker.join().unwrap().success());
    assert_eq!(State::load(&layout).unwrap(), None);
}

#[test]
fn a_damaged_state_is_an_error_not_an_empty_one() {
    let scratch = Scratch::new("damaged");
    let layout = layout(&scratch);
    fs::write(layout.state(), "{").unwrap();
    assert!(State::load(&layout).is_err());
}
