//! What the recipient wants: which types, from whom, and when.

use std::time::Duration;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use shared::ids::UserId;

use crate::app::{
    db::{Column, FromRow, InvalidRow, Parameters, Row, Tx},
    error::Error,
    notification_type::NotificationType,
};

/// Accounts younger than this are new.
const NEW_ACCOUNT: Duration = Duration::from_hours(7 * 24);
/// What becomes of a notification.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Verdict {
    /// Nothing.
    Drop,
    /// It is kept aside.
    Filter,
    /// The recipient is told; quietly within quiet hours.
    Tell { quietly: bool },
}

/// What a policy does with a class of senders; the later, the stricter.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "snake_case")]
pub(super) enum Treatment {
    Accept,
    Filter,
    Drop,
}

impl Treatment {
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Accept => "accept",
            Self::Filter => "filter",
            Self::Drop => "drop",
        }
    }
}

impl Column for Treatment {
    type Sql = String;

    fn from_sql(value: String) -> Option<Self> {
        let all = [Self::Accept, Self::Filter, Self::Drop];
        all.into_iter().find(|treatment| treatment.name() == value)
    }
}

struct Wishes {
    wants_type: bool,
    /// Of every class that the actor is in.
    treatments: Vec<Treatment>,
    is_quiet: bool,
}

impl FromRow for Wishes {
    fn from_row(row: &Row<'_>) -> Result<Self, InvalidRow> {
        Ok(Self {
            wants_type: row.get("wants_type")?,
            treatments: row.get("treatments")?,
            is_quiet: row.get("is_quiet")?,
        })
    }
}

// Without a policy every "<> 'accept'" is null, and no follow is looked for.
pub(super) const FIND_WISHES: &str = "
select
    coalesce(preference.in_app, $6::boolean) as wants_type,
    array_remove(array[
        case when policy.not_followed <> 'accept' and not exists (
            select from follows where follower_id = $1 and followee_id = $2 and status = 'accepted'
        ) then policy.not_followed end,
        case when policy.not_following <> 'accept' and not exists (
            select from follows where follower_id = $2 and followee_id = $1 and status = 'accepted'
        ) then policy.not_following end,
        case when actor.created_at > $4 then policy.new_account end
    ], null) as treatments,
    coalesce(
        case when policy.quiet_from <= policy.quiet_until
            then wall.clock >= policy.quiet_from and wall.clock < policy.quiet_until
            else wall.clock >= policy.quiet_from or wall.clock < policy.quiet_until
        end,
        false
    ) as is_quiet
from users actor
left join notification_policies policy on policy.user_id = $1
left join notification_preferences preference on preference.user_id = $1 and preference.kind = $3
cross join lateral (
    select ($5::timestamptz at time zone policy.quiet_time_zone)::time as clock
) wall
where actor.id = $2";

/// What is to become of it.
pub(super) async fn decide(
    tx: &Tx,
    kind: &NotificationType,
    actor: UserId,
    to: UserId,
) -> Result<Verdict, Error> {
    let now = tx.now();
    let parameters: Parameters<'_> = &[
        &to.get(),
        &actor.get(),
        &kind.name,
        &now.minus(NEW_ACCOUNT).0,
        &now.0,
        &kind.in_app,
    ];
    let wishes: Wishes = tx.query_one(FIND_WISHES, parameters).await?;
    let treatment = match wishes.treatments.iter().max() {
        Some(strictest) if !kind.is_asked_for => *strictest,
        _ => Treatment::Accept,
    };
    Ok(match treatment {
        _ if !wishes.wants_type => Verdict::Drop,
        Treatment::Drop => Verdict::Drop,
        Treatment::Filter => Verdict::Filter,
        Treatment::Accept => Verdict::Tell {
            quietly: wishes.is_quiet,
        },
    })
}
