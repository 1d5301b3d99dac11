//! Tells the program what built it.

use std::process::Command;

#[expect(
    clippy::disallowed_methods,
    reason = "cargo tells a build script by variables, before there is any configuration"
)]
fn main() {
    println!("cargo:rerun-if-env-changed=HUBBUB_COMMIT");
    let rustc = std::env::var("RUSTC").unwrap_or_else(|_| "rustc".to_owned());
    let version = Command::new(rustc).arg("--version").output();
    let version = version.map_or_else(
        |_| "unknown".to_owned(),
        |output| String::from_utf8_lossy(&output.stdout).trim().to_owned(),
    );
    println!("cargo:rustc-env=HUBBUB_RUSTC={version}");
}
