//! Hubbub's HTTP API.

fn main() -> std::process::ExitCode {
    api::cli::main(api::features)
}
