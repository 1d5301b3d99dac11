//! The measurement of the gateway measures something: tried in small.

use std::{fs, path::Path, process::Command};

use serde_json::Value;

#[test]
fn every_scenario_ends_with_nothing_lost() {
    let program = Path::new(env!("CARGO_BIN_EXE_loadtest"));
    let json = Path::new(env!("CARGO_TARGET_TMPDIR")).join("gateway-quick.json");
    // Beside it are the programs that are measured: `cargo build --workspace --bins` makes them.
    let measured = Command::new(program)
        .args(["gateway", "--quick", "--json"])
        .arg(&json)
        .output()
        .unwrap();
    let told = String::from_utf8_lossy(&measured.stderr);
    assert!(measured.status.success(), "{told}");

    let rows: Vec<Value> = serde_json::from_slice(&fs::read(json).unwrap()).unwrap();
    let of = |scenario: &str| {
        let rows = rows.iter().filter(|row| row["scenario"] == scenario);
        rows.map(|row| row["figures"].clone()).collect::<Vec<_>>()
    };
    let figure = |row: &Value, name: &str| row[name].as_f64().unwrap();
    for row in of("idle") {
        assert!(figure(&row, "resident KiB per connection") > 0.0);
    }
    assert_eq!(of("room").len(), 2, "both peers");
    assert_eq!(
        of("socketio").len(),
        4,
        "with and without the log, native and not"
    );
    for row in of("room").iter().chain(&of("socketio")) {
        assert!(figure(row, "lost").abs() < f64::EPSILON, "{row}");
    }
    for row in of("cycles") {
        assert!(figure(&row, "cycles a second") > 0.0);
        assert!(figure(&row, "failed").abs() < f64::EPSILON, "{row}");
    }
}
