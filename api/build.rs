//! A migration that is added is embedded without anybody having to remember `touch`.

fn main() {
    println!("cargo::rerun-if-changed=migrations");
}
