//! Feature flags: who has what. Evaluation is pure; [`FlagBook`] is what a process knows of the rules.
//!
//! A flag is declared in code ([`Flag`]), with what it is where nobody has said anything. An admin's word about it are its
//! [`Rules`]; they are stored in PostgreSQL, which pods of `api` look at twice a second, and mirrored in Redis for gateways,
//! which look there as often (`docs/decisions/0019-feature-flags.md`).

mod book;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::ids::UserId;

pub use book::{FLAGS_READ_EVERY, FlagBook, Override, Overrides};

/// A flag, declared where it is used.
#[derive(Debug, PartialEq, Eq)]
pub struct Flag {
    /// Of a-z, 0-9 and `_`.
    pub name: &'static str,
    /// What it opens, for whoever turns it.
    pub about: &'static str,
    /// Whether everybody has it where nobody has said otherwise.
    pub is_on: bool,
}

impl Flag {
    /// Everybody has it until an admin says otherwise.
    #[must_use]
    pub const fn on(name: &'static str, about: &'static str) -> Self {
        let is_on = true;
        Self { name, about, is_on }
    }

    /// Nobody has it until an admin says otherwise.
    #[must_use]
    pub const fn off(name: &'static str, about: &'static str) -> Self {
        let is_on = false;
        Self { name, about, is_on }
    }
}

/// Operators' switch: who is online.
pub static PRESENCE: Flag = Flag::on("presence", "Who is online");
/// Operators' switch: who types.
pub static TYPING: Flag = Flag::on("typing", "Who types");
/// Operators' switch: live rooms of posts.
pub static ROOMS: Flag = Flag::on("rooms", "Live rooms of posts");

/// One of several ways that a feature is tried in.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Variant {
    /// Clients branch on it.
    pub name: String,
    /// Its share of those who have the feature is this over the sum of all weights.
    pub weight: u32,
}

/// An admin's word about a flag.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Rules {
    /// The kill switch: nobody has it while this is false, whatever stands below.
    pub enabled: bool,
    /// Of those who are in no list, so many of a hundred have it. A higher number takes it from nobody.
    #[serde(default = "everybody")]
    pub percentage: f64,
    /// They have it whatever the percentage.
    #[serde(default)]
    pub allowed_users: BTreeSet<UserId>,
    /// They do not have it.
    #[serde(default)]
    pub denied_users: BTreeSet<UserId>,
    /// Ways that it is tried in; none is one way.
    #[serde(default)]
    pub variants: Vec<Variant>,
}

const fn everybody() -> f64 {
    100.0
}

/// What a flag is for somebody.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct FlagValue {
    /// Whether they have it.
    pub enabled: bool,
    /// Which way of it, where there are several.
    pub variant: Option<String>,
}

impl FlagValue {
    const OFF: Self = Self {
        enabled: false,
        variant: None,
    };
}

impl Rules {
    /// All or nobody.
    #[must_use]
    pub const fn simple(enabled: bool) -> Self {
        Self {
            enabled,
            percentage: everybody(),
            allowed_users: BTreeSet::new(),
            denied_users: BTreeSet::new(),
            variants: Vec::new(),
        }
    }

    /// What the flag of that name is for somebody.
    #[must_use]
    pub fn value(&self, name: &str, user: UserId) -> FlagValue {
        if !self.has(name, user) {
            return FlagValue::OFF;
        }
        FlagValue {
            enabled: true,
            variant: self.variant(name, user).map(str::to_owned),
        }
    }

    /// Whether somebody has the flag of that name.
    #[must_use]
    pub fn has(&self, name: &str, user: UserId) -> bool {
        if !self.enabled || self.denied_users.contains(&user) {
            return false;
        }
        self.allowed_users.contains(&user) || place(&["flag", name], user) * 100.0 < self.percentage
    }

    /// By a place of its own, so that a change of the percentage changes nobody's variant.
    fn variant(&self, name: &str, user: UserId) -> Option<&str> {
        let total: u64 = self.variants.iter().map(|v| u64::from(v.weight)).sum();
        #[expect(clippy::cast_precision_loss, reason = "weights are far below 2^53")]
        let mut left = place(&["variant", name], user) * total as f64;
        for variant in &self.variants {
            left -= f64::from(variant.weight);
            if left < 0.0 {
                return Some(&variant.name);
            }
        }
        None
    }
}

/// Where somebody stands between 0 and 1, in a row that is a different one for every name: the same on every machine and in
/// every release.
fn place(row: &[&str], user: UserId) -> f64 {
    let text = format!("{}:{user}", row.join(":"));
    let digest = Sha256::digest(text);
    let (first, _) = digest.split_at(8);
    let number = first
        .iter()
        .fold(0_u64, |sum, byte| (sum << 8) | u64::from(*byte));
    // As many bits as a float holds exactly.
    #[expect(clippy::cast_precision_loss, reason = "53 bits are exact")]
    let place = (number >> 11) as f64 / (1_u64 << 53) as f64;
    place
}

/// Everything that admins have said about flags, as of a version of it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct FlagTable {
    /// Rises with every change.
    pub version: i64,
    /// By the flags' names. What is missing is as it was declared.
    pub rules: BTreeMap<String, Rules>,
}
