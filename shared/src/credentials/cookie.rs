//! The browser's `session` cookie.

use std::str::FromStr;

use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use sha2::{Digest, Sha256};

use crate::ids::SessionId;

/// The cookie's name.
pub const SESSION_COOKIE: &str = "session";

/// The value of the cookie: `<session id>.<secret>`. The database holds the secret's SHA-256 only; a plain hash is enough
/// for 256 random bits.
#[derive(Clone)]
pub struct SessionCookie {
    /// The session it claims to belong to.
    pub session_id: SessionId,
    secret: [u8; 32],
}

impl SessionCookie {
    /// A new secret for a session.
    pub fn generate(session_id: SessionId) -> Self {
        Self {
            session_id,
            secret: rand::random(),
        }
    }

    /// What the database keeps, to be compared in constant time.
    pub fn hash(&self) -> [u8; 32] {
        Sha256::digest(self.secret).into()
    }

    /// The text that goes into the cookie.
    pub fn to_value(&self) -> String {
        format!(
            "{}.{}",
            self.session_id,
            BASE64_URL_SAFE_NO_PAD.encode(self.secret)
        )
    }
}

impl FromStr for SessionCookie {
    type Err = ();

    fn from_str(value: &str) -> Result<Self, ()> {
        let (session_id, secret) = value.split_once('.').ok_or(())?;
        let secret = BASE64_URL_SAFE_NO_PAD.decode(secret).map_err(drop)?;
        Ok(Self {
            session_id: session_id.parse().map_err(drop)?,
            secret: secret.try_into().map_err(drop)?,
        })
    }
}

/// The value of the cookie of that name in a `Cookie` header (RFC 6265 §4.2.1). The first one wins.
pub fn cookie_value<'a>(header: &'a str, name: &str) -> Option<&'a str> {
    header.split(';').find_map(|pair| {
        let (key, value) = pair.split_once('=')?;
        (key.trim() == name).then(|| value.trim())
    })
}
