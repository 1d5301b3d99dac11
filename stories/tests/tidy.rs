//! Rules of the house that the compiler does not know: who may name what, and lists that must not forget anybody.

#![expect(
    clippy::unwrap_used,
    reason = "a rule that cannot be checked has failed"
)]

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

fn repository() -> PathBuf {
    let stories = Path::new(env!("CARGO_MANIFEST_DIR"));
    stories
        .parent()
        .expect("stories stands in the repository")
        .to_owned()
}

/// Every file below `folder` with this extension, with its path inside the repository.
fn files(folder: &str, extension: &str) -> Vec<(String, String)> {
    let mut found = Vec::new();
    let mut folders = vec![repository().join(folder)];
    while let Some(folder) = folders.pop() {
        for entry in
            fs::read_dir(&folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display()))
        {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|found| found == extension) {
                let name = path
                    .strip_prefix(repository())
                    .unwrap()
                    .display()
                    .to_string();
                found.push((name, fs::read_to_string(&path).unwrap()));
            }
        }
    }
    assert!(!found.is_empty(), "no .{extension} files in {folder}");
    found
}

/// Fails when a file in `folder` uses one of `words` in code, unless its path starts with one of `allowed`.
fn only_in(folder: &str, words: &[&str], allowed: &[&str]) {
    for (name, text) in files(folder, "rs") {
        if allowed.iter().any(|allowed| name.starts_with(allowed)) {
            continue;
        }
        for (number, line) in text.lines().enumerate() {
            let code = line.split("//").next().unwrap_or_default();
            for word in words {
                assert!(
                    !code.contains(word),
                    "{name}:{}: {word} belongs in {allowed:?}",
                    number + 1
                );
            }
        }
    }
}

fn dependencies(package: &str) -> Vec<String> {
    let tree = Command::new(env!("CARGO"))
        .args([
            "tree",
            "--offline",
            "--locked",
            "--edges",
            "normal",
            "--prefix",
            "none",
            "--format",
            "{p}",
        ])
        .args(["--package", package])
        .current_dir(repository())
        .output()
        .expect("cargo runs");
    assert!(
        tree.status.success(),
        "{}",
        String::from_utf8_lossy(&tree.stderr)
    );
    let lines = String::from_utf8(tree.stdout).unwrap();
    lines
        .lines()
        .filter_map(|line| line.split(' ').next())
        .map(str::to_owned)
        .collect()
}

#[test]
fn the_gateway_cannot_reach_postgresql() {
    for package in ["gateway", "shared"] {
        let dependencies = dependencies(package);
        for forbidden in ["tokio-postgres", "deadpool-postgres", "axum", "api"] {
            assert!(
                !dependencies.iter().any(|name| name == forbidden),
                "{package} depends on {forbidden}"
            );
        }
    }
    assert!(!dependencies("api").iter().any(|name| name == "gateway"));
}

#[test]
fn each_library_is_named_in_one_room() {
    only_in(
        "shared/src",
        &["redis::", "deadpool_redis"],
        &["shared/src/bus/", "shared/src/testing/"],
    );
    for folder in ["api/src", "gateway/src"] {
        only_in(folder, &["redis::", "deadpool_redis"], &[]);
    }
    only_in(
        "gateway/src",
        &["fastwebsockets"],
        &["gateway/src/transport/ws/"],
    );
    only_in("shared/src", &["fastwebsockets"], &["shared/src/testing/"]);
}

#[test]
fn the_session_machine_and_the_codec_are_pure() {
    for room in ["gateway/src/session", "gateway/src/codec"] {
        only_in(
            room,
            &["tokio::", "hyper::", "Instant", "Bus", "async "],
            &[],
        );
    }
}

#[test]
fn scripts_say_what_their_arguments_are() {
    for (name, text) in files("shared/src/bus/lua", "lua") {
        let comments: Vec<&str> = text
            .lines()
            .take_while(|line| line.starts_with("--"))
            .collect();
        for word in ["KEYS", "ARGV"] {
            assert!(
                comments.iter().any(|line| line.contains(word)),
                "{name}: the header lists {word}"
            );
        }
    }
}

#[test]
fn every_feature_is_registered() {
    let lib = fs::read_to_string(repository().join("api/src/lib.rs")).unwrap();
    let is_feature = |name: &str| !["app", "cli", "tests"].contains(&name);
    let names = |prefix: &str, suffix: &str| -> Vec<String> {
        let lines = lib.lines().map(str::trim);
        lines
            .filter_map(|line| line.strip_prefix(prefix)?.strip_suffix(suffix))
            .filter(|name| is_feature(name))
            .map(str::to_owned)
            .collect()
    };
    let modules = names("pub mod ", ";");
    let registered = names("", "::feature(),");
    assert_eq!(modules, registered, "both lists, in the same order");

    let mut folders: Vec<String> = fs::read_dir(repository().join("api/src"))
        .unwrap()
        .map(|entry| entry.unwrap())
        .filter(|entry| entry.path().is_dir())
        .map(|entry| entry.file_name().into_string().unwrap())
        .filter(|name| is_feature(name))
        .collect();
    folders.sort();
    let mut sorted = modules;
    sorted.sort();
    assert_eq!(folders, sorted, "every folder is a feature");
}
