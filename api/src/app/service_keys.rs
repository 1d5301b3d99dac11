//! Keys of service accounts, and whether one holds. Making them is the feature `service_keys`.
//!
//! A key is `hbk_<prefix>_<secret>`. The prefix finds its row and may be shown; of the secret, 256 random bits, a hash alone
//! is stored. It acts in the name of an account that has the role `service`, and holds as long as that has it.

use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use shared::{
    ids::{ServiceKeyId, UserId},
    wire::Code,
};
use subtle::ConstantTimeEq;

use super::{
    db::{Column, Connection, FromRow, InvalidRow, Row},
    error::Error,
    time::Time,
};

/// What every key begins with, so that it is known where it is found.
const MARK: &str = "hbk_";
/// Hexadecimal digits.
const PREFIX_LENGTH: usize = 12;

const FIND: &str = "
    select service_keys.id, user_id, hash, former_hash, former_until, scopes
    from service_keys join users on users.id = user_id
    where prefix = $1 and revoked_at is null
      and role = 'service' and suspended_at is null and deleted_at is null";

/// Every statement, for the test that prepares them.
pub const STATEMENTS: &[&str] = &[FIND];

/// What a key may be used for.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
pub enum Scope {
    /// Publishing to people by their ids.
    #[serde(rename = "publish:users")]
    PublishUsers,
    /// Publishing to the room of a post or to a group.
    #[serde(rename = "publish:room")]
    PublishRoom,
    /// Publishing to everybody who is connected.
    #[serde(rename = "publish:broadcast")]
    PublishBroadcast,
}

impl Scope {
    const ALL: [Self; 3] = [
        Self::PublishUsers,
        Self::PublishRoom,
        Self::PublishBroadcast,
    ];

    /// How it is spelled.
    pub const fn name(self) -> &'static str {
        match self {
            Self::PublishUsers => "publish:users",
            Self::PublishRoom => "publish:room",
            Self::PublishBroadcast => "publish:broadcast",
        }
    }
}

impl Column for Scope {
    type Sql = String;

    fn from_sql(value: String) -> Option<Self> {
        Self::ALL.into_iter().find(|scope| scope.name() == value)
    }
}

/// A new secret with its prefix. Shown once, to whoever made it.
pub struct NewKey {
    /// Finds the row.
    pub prefix: String,
    /// The whole key.
    pub key: String,
    /// What is stored of it.
    pub hash: [u8; 32],
}

impl NewKey {
    /// A new key.
    pub fn generate() -> Self {
        let prefix = format!("{:012x}", rand::random::<u64>() >> 16);
        Self::with_prefix(prefix)
    }

    /// Another secret for a key that has its prefix already.
    pub fn with_prefix(prefix: String) -> Self {
        let secret = BASE64_URL_SAFE_NO_PAD.encode(rand::random::<[u8; 32]>());
        Self {
            key: format!("{MARK}{prefix}_{secret}"),
            hash: hash(&secret),
            prefix,
        }
    }
}

/// A plain hash is enough for 256 random bits.
fn hash(secret: &str) -> [u8; 32] {
    Sha256::digest(secret).into()
}

/// Who shows a key that holds.
#[derive(Debug, Clone)]
pub(in crate::app) struct KeyHolder {
    pub(in crate::app) key: ServiceKeyId,
    pub(in crate::app) account: UserId,
    pub(in crate::app) scopes: Vec<Scope>,
}

struct KeyRow {
    holder: KeyHolder,
    hash: Vec<u8>,
    former_hash: Option<Vec<u8>>,
    former_until: Option<Time>,
}

impl FromRow for KeyRow {
    fn from_row(row: &Row<'_>) -> Result<Self, InvalidRow> {
        Ok(Self {
            holder: KeyHolder {
                key: row.get("id")?,
                account: row.get("user_id")?,
                scopes: row.get("scopes")?,
            },
            hash: row.get("hash")?,
            former_hash: row.get("former_hash")?,
            former_until: row.get("former_until")?,
        })
    }
}

/// Whether a bearer's token means to be a key.
pub(in crate::app) fn is_key(token: &str) -> bool {
    token.starts_with(MARK)
}

/// Whose key it is, if it holds.
pub(in crate::app) async fn verify(
    connection: &Connection,
    key: &str,
    now: Time,
) -> Result<KeyHolder, Error> {
    let refused = || Error::new(Code::Unauthenticated, "the key does not hold");
    let (prefix, secret) = parts(key).ok_or_else(refused)?;
    let row: Option<KeyRow> = connection.query_optional(FIND, &[&prefix]).await?;
    let row = row.ok_or_else(refused)?;
    let shown = hash(secret);
    let is_current = row.hash.ct_eq(&shown);
    let former = row.former_hash.unwrap_or_default();
    let is_former = former.ct_eq(&shown);
    let former_holds = row.former_until.is_some_and(|until| now < until);
    if bool::from(is_current) || (bool::from(is_former) && former_holds) {
        Ok(row.holder)
    } else {
        Err(refused())
    }
}

fn parts(key: &str) -> Option<(&str, &str)> {
    let (prefix, secret) = key.strip_prefix(MARK)?.split_once('_')?;
    (prefix.len() == PREFIX_LENGTH).then_some((prefix, secret))
}
