use super::*;

#[test]
fn a_program_may_have_brackets_in_its_name() {
    let after = "S 7 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 4711 0 0";
    let stat = Stat::parse(&format!("42 (odd) (name)) {after}")).unwrap();
    assert_eq!(
        (stat.state.as_str(), stat.parent, stat.start.as_str()),
        ("S", 7, "4711")
    );
}

#[test]
fn a_process_lives_until_it_ends() {
    let mut child = Command::new("sleep").arg("600").spawn().unwrap();
    let pid = i32::try_from(child.id()).unwrap();
    let identity = Identity::of(pid).unwrap();
    assert!(identity.lives());
    assert!(descendants(i32::try_from(std::process::id()).unwrap()).contains(&pid));

    child.kill().unwrap();
    assert!(!identity.is_gone(), "nobody has waited for it yet");
    child.wait().unwrap();
    assert!(!identity.lives());
    assert!(identity.is_gone());
}

#[test]
fn another_birth_is_another_process() {
    let own = i32::try_from(std::process::id()).unwrap();
    let stranger = Identity {
        pid: own,
        birth: "long ago".into(),
    };
    assert!(!stranger.lives());
    stranger.kill(); // would end this test
}
