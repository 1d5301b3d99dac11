use super::*;

fn environment(pairs: &[(&str, &str)]) -> Vec<(String, String)> {
    pairs
        .iter()
        .map(|(k, v)| ((*k).to_owned(), (*v).to_owned()))
        .collect()
}

fn arguments(words: &[&str]) -> Vec<String> {
    words.iter().map(|word| (*word).to_owned()).collect()
}

fn sections(reader: &mut Reader) -> Option<(RedisSettings, SecretSettings, TelemetrySettings)> {
    let redis = RedisSettings::read(reader);
    let secrets = SecretSettings::read(reader);
    let telemetry = TelemetrySettings::read(reader, "127.0.0.1:9100");
    Some((redis?, secrets?, telemetry?))
}

#[test]
fn every_error_is_reported_at_once_and_no_secret_is_shown() {
    let given = environment(&[
        ("JWT_SECRET", "too-short"),
        ("METRICS_ADDR", "nowhere"),
        ("LOG_FORMAT", "xml"),
    ]);
    let Outcome::Invalid(errors) = load(given, arguments(&["--colour", "red", "stray"]), sections)
    else {
        panic!("must be refused");
    };
    insta::assert_snapshot!(errors.join("\n"), @r#"
    stray: settings are given as --name value
    REDIS_URL: missing (redis://[user:password@]host:port)
    JWT_SECRET: a secret has at least 32 bytes
    LOG_FORMAT: "xml": json or text
    METRICS_ADDR: "nowhere": invalid socket address syntax
    --colour: there is no such flag; --help lists them
    "#);
}

#[test]
fn flags_win_over_the_environment() {
    let read = |reader: &mut Reader| reader.with_default::<u16>("PORT", "1", "a port");
    for (words, expected) in [(vec![], 2), (vec!["--port", "3"], 3), (vec!["--port=4"], 4)] {
        let Outcome::Loaded(port) = load(environment(&[("PORT", "2")]), arguments(&words), read)
        else {
            panic!("must load");
        };
        assert_eq!(port, expected);
    }
    let Outcome::Invalid(errors) = load([], arguments(&["--port"]), read) else {
        panic!()
    };
    assert_eq!(errors, ["--port: a value is missing"]);
}

#[test]
fn help_lists_every_declared_setting() {
    let Outcome::Help(help) = load([], arguments(&["--help"]), sections) else {
        panic!()
    };
    for name in [
        "REDIS_URL",
        "JWT_SECRET",
        "METRICS_ADDR",
        "LOG_FORMAT",
        "NODE_NAME",
    ] {
        assert!(help.contains(name), "{name} is missing in\n{help}");
    }
}

#[test]
fn durations_have_a_unit() {
    use std::time::Duration as Std;
    for (text, expected) in [
        ("250ms", Some(Std::from_millis(250))),
        ("30s", Some(Std::from_secs(30))),
        ("15m", Some(Std::from_mins(15))),
        ("24h", Some(Std::from_hours(24))),
        ("30d", Some(Std::from_hours(720))),
        ("30", None),
        ("-1s", None),
        ("1.5s", None),
        ("99999999999999999999d", None),
        ("18446744073709551615d", None),
    ] {
        assert_eq!(
            text.parse::<Duration>().ok().map(|d| d.0),
            expected,
            "{text}"
        );
    }
}

#[test]
fn networks_contain_addresses() {
    for (network, address, inside) in [
        ("10.0.0.0/8", "10.255.0.1", true),
        ("10.0.0.0/8", "11.0.0.1", false),
        ("127.0.0.1", "127.0.0.1", true),
        ("127.0.0.1", "127.0.0.2", false),
        ("0.0.0.0/0", "8.8.8.8", true),
        ("fd00::/8", "fd12::1", true),
        ("fd00::/8", "10.0.0.1", false),
        ("10.0.0.0/8", "::ffff:10.1.2.3", true),
    ] {
        let network: Network = network.parse().unwrap();
        assert_eq!(
            network.contains(address.parse().unwrap()),
            inside,
            "{address}"
        );
    }
    for text in ["", "10.0.0.0/33", "10.0.0.0/x", "host"] {
        assert!(text.parse::<Network>().is_err(), "{text}");
    }
}
