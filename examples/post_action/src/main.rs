//! Hubbub's `api` with one feature more. `docs/extending.md` builds it step by step.

mod post_action;

use std::process::ExitCode;

use api::app::feature::Feature;

fn features() -> Vec<Feature> {
    let mut features = api::features();
    features.push(post_action::feature());
    features
}

fn main() -> ExitCode {
    api::cli::main(features)
}
