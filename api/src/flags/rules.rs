//! What an admin may say about a flag.

use std::collections::BTreeSet;

use schemars::JsonSchema;
use serde::Deserialize;
use shared::flags::Rules;

use crate::app::http::json::{Input, Wrong};

/// People in one list. More than these are a share, or a role.
const PEOPLE_MAX: usize = 1_000;
const VARIANTS_MAX: usize = 20;
const NAME_CHARACTERS_MAX: usize = 50;
const WEIGHT_MAX: u32 = 10_000;

/// The whole of the rules; what is left out is as in a flag that nobody has touched.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(transparent)]
pub struct Said(pub Rules);

impl Input for Said {
    fn check(&self, wrong: &mut Wrong) {
        let Rules {
            percentage,
            allowed_users,
            denied_users,
            ..
        } = &self.0;
        if !(0.0..=100.0).contains(percentage) {
            wrong.field("percentage", "out_of_range", "from 0 to 100");
        }
        for (field, people) in [
            ("allowed_users", allowed_users),
            ("denied_users", denied_users),
        ] {
            if people.len() > PEOPLE_MAX {
                wrong.field(field, "too_many", format!("at most {PEOPLE_MAX}"));
            }
        }
        if !allowed_users.is_disjoint(denied_users) {
            wrong.field("denied_users", "contradiction", "somebody is allowed too");
        }
        check_variants(&self.0, wrong);
    }
}

fn check_variants(rules: &Rules, wrong: &mut Wrong) {
    let variants = &rules.variants;
    if variants.len() > VARIANTS_MAX {
        wrong.field("variants", "too_many", format!("at most {VARIANTS_MAX}"));
    }
    for (index, variant) in variants.iter().enumerate() {
        wrong.unless_text(
            &format!("variants.{index}.name"),
            &variant.name,
            NAME_CHARACTERS_MAX,
        );
        if variant.weight > WEIGHT_MAX {
            let field = format!("variants.{index}.weight");
            wrong.field(&field, "out_of_range", format!("at most {WEIGHT_MAX}"));
        }
    }
    let names: BTreeSet<&str> = variants.iter().map(|v| v.name.as_str()).collect();
    if names.len() < variants.len() {
        wrong.field("variants", "repeated", "each name once");
    }
    if !variants.is_empty() && variants.iter().all(|variant| variant.weight == 0) {
        wrong.field("variants", "out_of_range", "one of them has a weight");
    }
}
