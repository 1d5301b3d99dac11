use super::*;

fn check(line: &str, expected: Result<Command, &str>) {
    let parsed = parse(line.split_whitespace().map(str::to_owned));
    match (parsed, expected) {
        (Ok(command), Ok(expected)) => assert_eq!(command, expected, "for {line:?}"),
        (Err(complaint), Err(expected)) => {
            assert!(complaint.contains(expected), "for {line:?}: {complaint}");
        }
        (parsed, expected) => panic!("for {line:?}: {parsed:?} instead of {expected:?}"),
    }
}

fn up(detach: bool, release: bool, limits: bool) -> Command {
    Command::Up(UpOptions {
        detach,
        release,
        limits,
        observe: false,
    })
}

fn act(action: Action, name: Name) -> Command {
    Command::Control(Request::Act { action, name })
}

#[test]
fn commands_with_their_options() {
    check("", Ok(Command::Help));
    check("--help", Ok(Command::Help));
    check("up", Ok(up(false, false, true)));
    check("up --detach --limits off", Ok(up(true, false, false)));
    check("up --limits=off --release", Ok(up(false, true, false)));
    check("status --json", Ok(Command::Status { json: true }));
    check(
        "logs",
        Ok(Command::Logs {
            name: None,
            follow: false,
        }),
    );
    check(
        "logs -f api-1",
        Ok(Command::Logs {
            name: Some("api-1".into()),
            follow: true,
        }),
    );
    check("down --wipe", Ok(Command::Down { wipe: true }));
    check("kill gateway-2", Ok(act(Action::Kill, Name::Gateway2)));
    check("pause postgres", Ok(act(Action::Pause, Name::Postgres)));
    check("resume redis", Ok(act(Action::Resume, Name::Redis)));
    check("start balancer", Ok(act(Action::Start, Name::Balancer)));
    check(
        "tail bo",
        Ok(Command::Demo(vec!["tail".into(), "bo".into()])),
    );
}

#[test]
fn test_hands_its_arguments_on_untouched() {
    let arguments = ["-p", "shared", "--", "--nocapture"]
        .map(str::to_owned)
        .to_vec();
    check(
        "test -p shared -- --nocapture",
        Ok(Command::Test(arguments)),
    );
}

#[test]
fn complaints_name_what_is_wrong() {
    check("upp", Err("no command \"upp\""));
    check("up --fast", Err("\"--fast\""));
    check("up --limits", Err("on or off"));
    check("up --limits some", Err("on or off"));
    check("kill", Err("the name of one process"));
    check("kill api-3", Err("there are postgres, redis, api-1"));
    check("status --yaml", Err("\"--yaml\""));
    check("logs -x", Err("\"-x\""));
    check("send ana bo", Err("FROM TO TEXT"));
}

#[test]
fn a_supervisor_is_told_the_same_options() {
    for (release, limits, observe) in [(false, true, true), (true, false, false)] {
        let options = UpOptions {
            detach: false,
            release,
            limits,
            observe,
        };
        assert_eq!(parse_up(&options.to_arguments()), Ok(options));
    }
}

#[test]
fn help_names_every_process() {
    for name in Name::ALL {
        assert!(HELP.contains(name.as_str()), "{name}");
    }
}
