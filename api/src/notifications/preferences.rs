//! What a person wants to be told, from whom, and when.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use shared::ids::UserId;

use super::policy::Treatment;
use crate::app::{
    App,
    db::{Connection, FromRow, InvalidRow, Parameters, Row, Tx},
    error::Error,
    http::json::{Change, Input, Wrong},
    notification_type::{NotificationType, NotificationTypes},
};

/// Types that one person may have preferences about.
const TYPES_MAX: usize = 200;
/// As [`NotificationType::is_name`] says it, for the document.
const TYPE_NAME: &str = "^[a-z][a-z0-9_]{0,49}$";
/// As [`is_wall_time`] says it.
const WALL_TIME: &str = "^([01][0-9]|2[0-3]):[0-5][0-9]$";

/// Everything that a person has chosen, defaults filled in.
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct Preferences {
    types: BTreeMap<String, Ways>,
    senders: Senders,
    quiet_hours: Option<QuietHours>,
}

/// How one type is told.
#[derive(Debug, Clone, Copy, Serialize, JsonSchema)]
struct Ways {
    in_app: bool,
    push: bool,
}

impl Ways {
    /// Of a type that this pod does not have: another release may.
    const UNKNOWN: Self = Self {
        in_app: true,
        push: true,
    };

    /// Where the person has not chosen.
    fn of(kind: &NotificationType) -> Self {
        Self {
            in_app: kind.in_app,
            push: kind.push,
        }
    }
}

/// What is done with classes of senders. One may be in several: the strictest decides.
#[derive(Debug, Clone, Copy, Serialize, JsonSchema)]
struct Senders {
    /// People whom the person does not follow.
    not_followed: Treatment,
    /// People who do not follow the person.
    not_following: Treatment,
    /// Accounts in their first week.
    new_account: Treatment,
}

/// By the clock on the wall, `HH:MM`; over midnight where they end before they begin.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
struct QuietHours {
    #[schemars(regex(pattern = WALL_TIME))]
    from: String,
    #[schemars(regex(pattern = WALL_TIME))]
    until: String,
    /// As in the IANA time zone database: `Europe/Vienna`.
    time_zone: String,
}

/// What is to change; what is not named stays.
#[derive(Debug, Deserialize, JsonSchema)]
pub(super) struct ChangePreferences {
    #[serde(default)]
    #[schemars(extend("maxProperties" = TYPES_MAX, "propertyNames" = {"pattern": TYPE_NAME}))]
    types: BTreeMap<String, ChangeWays>,
    #[serde(default)]
    senders: ChangeSenders,
    #[serde(default)]
    quiet_hours: Change<QuietHours>,
}

#[derive(Debug, Deserialize, JsonSchema)]
struct ChangeWays {
    in_app: Option<bool>,
    push: Option<bool>,
}

#[derive(Debug, Default, Deserialize, JsonSchema)]
struct ChangeSenders {
    not_followed: Option<Treatment>,
    not_following: Option<Treatment>,
    new_account: Option<Treatment>,
}

impl Input for ChangePreferences {
    fn check(&self, wrong: &mut Wrong) {
        if self.types.len() > TYPES_MAX {
            let message = format!("at most {TYPES_MAX} types");
            wrong.field("types", "too_many", message);
        }
        for name in self.types.keys() {
            if !NotificationType::is_name(name) {
                wrong.field("types", "invalid_type", format!("{name} names no type"));
            }
        }
        if let Change::Set(Some(hours)) = &self.quiet_hours {
            for (field, time) in [("from", &hours.from), ("until", &hours.until)] {
                if !is_wall_time(time) {
                    let field = format!("quiet_hours.{field}");
                    wrong.field(&field, "invalid_time", "HH:MM, from 00:00 to 23:59");
                }
            }
        }
    }
}

fn is_wall_time(text: &str) -> bool {
    let part = |text: &str, below: u8| {
        // A sign is no part of a time, though it is of a number.
        let is_digits = text.len() == 2 && text.bytes().all(|byte| byte.is_ascii_digit());
        is_digits && text.parse::<u8>().is_ok_and(|number| number < below)
    };
    text.split_once(':')
        .is_some_and(|(hour, minute)| part(hour, 24) && part(minute, 60))
}

struct TypeRow(String, Ways);

impl FromRow for TypeRow {
    fn from_row(row: &Row<'_>) -> Result<Self, InvalidRow> {
        let ways = Ways {
            in_app: row.get("in_app")?,
            push: row.get("push")?,
        };
        Ok(Self(row.get("kind")?, ways))
    }
}

struct PolicyRow(Senders, Option<QuietHours>);

impl FromRow for PolicyRow {
    fn from_row(row: &Row<'_>) -> Result<Self, InvalidRow> {
        let senders = Senders {
            not_followed: row.get("not_followed")?,
            not_following: row.get("not_following")?,
            new_account: row.get("new_account")?,
        };
        let from: Option<String> = row.get("quiet_from")?;
        let hours = match from {
            None => None,
            Some(from) => Some(QuietHours {
                from,
                until: row.get("quiet_until")?,
                time_zone: row.get("quiet_time_zone")?,
            }),
        };
        Ok(Self(senders, hours))
    }
}

pub(super) const LIST_TYPES: &str = "
select kind, in_app, push from notification_preferences where user_id = $1 order by kind";

pub(super) const FIND_POLICY: &str = "
select
    not_followed, not_following, new_account,
    to_char(quiet_from, 'HH24:MI') as quiet_from, to_char(quiet_until, 'HH24:MI') as quiet_until,
    quiet_time_zone
from notification_policies
where user_id = $1";

/// What the person has chosen.
pub(super) async fn find(
    db: &Connection,
    known: &NotificationTypes,
    user: UserId,
) -> Result<Preferences, Error> {
    let chosen: Vec<TypeRow> = db.query(LIST_TYPES, &[&user.get()]).await?;
    let policy: Option<PolicyRow> = db.query_optional(FIND_POLICY, &[&user.get()]).await?;
    let defaults = known
        .iter()
        .map(|kind| (kind.name.to_string(), Ways::of(kind)));
    let mut types: BTreeMap<String, Ways> = defaults.collect();
    types.extend(chosen.into_iter().map(|TypeRow(kind, ways)| (kind, ways)));
    let everybody = Senders {
        not_followed: Treatment::Accept,
        not_following: Treatment::Accept,
        new_account: Treatment::Accept,
    };
    let PolicyRow(senders, quiet_hours) = policy.unwrap_or(PolicyRow(everybody, None));
    Ok(Preferences {
        types,
        senders,
        quiet_hours,
    })
}

pub(super) const SET_TYPE: &str = "
insert into notification_preferences (user_id, kind, in_app, push)
values ($1, $2, coalesce($3, $5::boolean), coalesce($4, $6::boolean))
on conflict on constraint notification_preference_unique do update set
    in_app = coalesce($3, notification_preferences.in_app),
    push = coalesce($4, notification_preferences.push)";

pub(super) const COUNT_TYPES: &str = "
select count(*) from notification_preferences where user_id = $1";

pub(super) const IS_TIME_ZONE: &str = "
select exists (select from pg_timezone_names where name = $1)";

pub(super) const SET_POLICY: &str = "
insert into notification_policies as policy
    (user_id, not_followed, not_following, new_account, quiet_from, quiet_until, quiet_time_zone)
values (
    $1, coalesce($2, 'accept'), coalesce($3, 'accept'), coalesce($4, 'accept'),
    $6::text::time, $7::text::time, $8
)
on conflict (user_id) do update set
    not_followed = coalesce($2, policy.not_followed),
    not_following = coalesce($3, policy.not_following),
    new_account = coalesce($4, policy.new_account),
    quiet_from = case when $5 then excluded.quiet_from else policy.quiet_from end,
    quiet_until = case when $5 then excluded.quiet_until else policy.quiet_until end,
    quiet_time_zone = case when $5 then excluded.quiet_time_zone else policy.quiet_time_zone end";

/// Changes what is named, and says what holds then.
pub(super) async fn change(
    app: &App,
    user: UserId,
    change: ChangePreferences,
) -> Result<Preferences, Error> {
    let known = app.notification_types();
    let tx = app.begin().await?;
    for (kind, ways) in &change.types {
        let default = known.find(kind).map_or(Ways::UNKNOWN, Ways::of);
        let parameters: Parameters<'_> = &[
            &user.get(),
            kind,
            &ways.in_app,
            &ways.push,
            &default.in_app,
            &default.push,
        ];
        tx.execute(SET_TYPE, parameters).await?;
    }
    let count: i64 = tx.query_one(COUNT_TYPES, &[&user.get()]).await?;
    if usize::try_from(count).is_ok_and(|count| count > TYPES_MAX) {
        let message = format!("preferences about {TYPES_MAX} types at most");
        return Err(Error::field("types", "too_many", message));
    }
    set_policy(&tx, user, &change.senders, &change.quiet_hours).await?;
    let preferences = find(&tx, known, user).await?;
    tx.commit().await?;
    Ok(preferences)
}

async fn set_policy(
    tx: &Tx,
    user: UserId,
    senders: &ChangeSenders,
    quiet_hours: &Change<QuietHours>,
) -> Result<(), Error> {
    let (hours_change, hours) = match quiet_hours {
        Change::Keep => (false, None),
        Change::Set(hours) => (true, hours.as_ref()),
    };
    if let Some(hours) = hours {
        let is_known: bool = tx.query_one(IS_TIME_ZONE, &[&hours.time_zone]).await?;
        if !is_known {
            let message = "a name of the IANA time zone database, such as Europe/Vienna";
            return Err(Error::field(
                "quiet_hours.time_zone",
                "unknown_time_zone",
                message,
            ));
        }
    }
    let name = |treatment: Option<Treatment>| treatment.map(Treatment::name);
    let parameters: Parameters<'_> = &[
        &user.get(),
        &name(senders.not_followed),
        &name(senders.not_following),
        &name(senders.new_account),
        &hours_change,
        &hours.map(|hours| hours.from.as_str()),
        &hours.map(|hours| hours.until.as_str()),
        &hours.map(|hours| hours.time_zone.as_str()),
    ];
    tx.execute(SET_POLICY, parameters).await?;
    Ok(())
}
