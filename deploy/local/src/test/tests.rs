use super::whole_workspace_unless_chosen;

#[test]
fn one_package_is_not_the_whole_workspace() {
    let check = |line: &str, expected: Option<&str>| {
        let arguments: Vec<String> = line.split_whitespace().map(str::to_owned).collect();
        assert_eq!(
            whole_workspace_unless_chosen(&arguments),
            expected,
            "{line:?}"
        );
    };
    check("", Some("--workspace"));
    check("resume", Some("--workspace"));
    check("-p api", None);
    check("--package=api resume", None);
}
