use super::*;

fn parse(line: &str) -> std::result::Result<BenchOptions, String> {
    let words: Vec<&str> = line.split_whitespace().collect();
    BenchOptions::parse(&words)
}

fn options(name: Option<&str>, debug: bool, arguments: &[&str]) -> BenchOptions {
    BenchOptions {
        name: name.map(str::to_owned),
        debug,
        arguments: arguments.iter().map(|word| (*word).to_owned()).collect(),
    }
}

#[test]
fn a_scenario_and_its_arguments() {
    assert_eq!(parse(""), Ok(options(None, false, &[])));
    assert_eq!(parse("--debug"), Ok(options(None, true, &[])));
    assert_eq!(parse("group"), Ok(options(Some("group"), false, &[])));
    assert_eq!(
        parse("group --debug --online 50"),
        Ok(options(Some("group"), true, &["--online", "50"]))
    );
    assert!(parse("everything").is_err_and(|error| error.contains("feed, gateway, group")));
    assert!(parse("--online 50").is_err_and(|error| error.contains("one scenario")));
}
