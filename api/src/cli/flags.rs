//! Turning a feature flag from a terminal: a switch must work also where nobody can log in.

use shared::{config::Reader, flags::Flag};

use crate::{
    app::{
        boot::{self, StartError},
        config::Settings,
        error::Error,
        feature::Feature,
        http::json::parse,
    },
    flags::{self, Said},
};

/// Which flag, and its rules from now on.
pub(super) struct Turn {
    settings: Settings,
    flag: String,
    rules: String,
}

pub(super) fn read(reader: &mut Reader) -> Option<Turn> {
    let flag = reader.required("FLAG", "its name");
    let help = "all of them, as JSON: what is left out is as nobody had touched it";
    let rules = reader.required("RULES", help);
    let settings = Settings::read(reader);
    Some(Turn {
        settings: settings?,
        flag: flag?,
        rules: rules?,
    })
}

pub(super) async fn turn(turn: Turn, features: Vec<Feature>) -> Result<(), StartError> {
    let declared = features.iter().flat_map(|feature| &feature.flags).copied();
    let declared: Vec<&'static Flag> = declared.collect();
    boot::act(turn.settings, async |app| {
        let flag = declared.iter().find(|flag| flag.name == turn.flag);
        let flag = flag.ok_or_else(|| Error::not_found("flag"))?;
        let Said(rules) = parse(turn.rules.as_bytes())?;
        flags::turn(app, None, flag, &rules).await
    })
    .await
}
