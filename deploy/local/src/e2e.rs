//! `e2e`: the browser tests, against an instance that runs already or one of their own.

use std::process::ExitCode;

use crate::cli::UpOptions;
use crate::control;
use crate::environment;
use crate::error::{Error, Result};
use crate::layout::Layout;
use crate::node::{Web, succeed};
use crate::packages::{self, CHROMIUM, EMOJI, FONTS};
use crate::{down, up};

/// The command `e2e`.
pub(crate) fn run(layout: &Layout) -> Result<ExitCode> {
    let web = Web::prepare(layout)?;
    if find_browser().is_none() {
        packages::install(&[CHROMIUM, FONTS, EMOJI])?;
    }
    let browser = find_browser().ok_or_else(|| Error::told("this machine has no chromium"))?;
    let was_running = control::ask_status().is_ok();
    if !was_running {
        let options = UpOptions {
            detach: true,
            release: false,
            limits: false,
            observe: false,
        };
        up::run(layout, &options)?;
    }
    let outcome = control::ask_status().and_then(|report| {
        let mut tests = web.command("npm", &["run", "--silent", "e2e"]);
        tests
            .env("DEMO_URL", report.demo_url)
            .env("CHROMIUM", browser);
        succeed(&mut tests)
    });
    if !was_running {
        down::run(layout, false)?;
    }
    outcome.map(|()| ExitCode::SUCCESS)
}

fn find_browser() -> Option<std::path::PathBuf> {
    environment::find_program("chromium").or_else(|| environment::find_program("google-chrome"))
}
