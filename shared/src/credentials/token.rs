//! Signed tokens: JSON Web Tokens (RFC 7519) with HMAC-SHA-256 (RFC 7518 §3.2), each good for one purpose.
//!
//! One algorithm, so nothing here chooses one by what a token says: the usual libraries bring RSA and elliptic curves along,
//! with their advisories, for what takes one call of `hmac`.

use std::time::Duration;

use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use hmac::{Hmac, KeyInit, Mac};
use serde::{Deserialize, Serialize};
use sha2::Sha256;

use super::Secret;
use crate::{
    clock::Clock,
    ids::{SessionId, UserId},
};

const HEADER: &str = r#"{"alg":"HS256","typ":"JWT"}"#;
/// What a token takes, so that it is made in one piece; a longer one is only slower.
const TOKEN_BYTES: usize = 320;

/// What a user may do beyond what everybody may.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub enum Role {
    /// A person.
    User,
    /// An operator.
    Admin,
    /// Another back end of the team.
    Service,
}

/// What a token is good for; one of another purpose is not valid.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Purpose {
    /// Calls and connections in a user's name.
    Access,
    /// A reconnect, while the session stands.
    Resume,
    /// One connection, for clients that cannot set headers.
    Ticket,
    /// Calls from a gateway to `api`'s internal routes.
    Internal,
}

impl Purpose {
    const fn audience(self) -> &'static str {
        match self {
            Self::Access => "access",
            Self::Resume => "resume",
            Self::Ticket => "ticket",
            Self::Internal => "internal",
        }
    }
}

/// Who somebody is, for as long as the token says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Identity {
    /// The user.
    pub user_id: UserId,
    /// The log-in that the token comes from.
    pub session_id: SessionId,
    /// What the user may do.
    pub role: Role,
    /// When it ends, in Unix seconds.
    pub expires_at: i64,
    /// Different for every token: a ticket is used up by it.
    pub nonce: u64,
}

/// Why a token is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum TokenError {
    /// It was valid once.
    #[error("the token has expired")]
    Expired,
    /// Malformed, forged, or for another purpose.
    #[error("the token is not valid")]
    Invalid,
}

#[derive(Serialize, Deserialize)]
struct Header {
    alg: String,
}

#[derive(Serialize, Deserialize)]
struct Claims {
    #[serde(serialize_with = "as_text")]
    sub: UserId,
    sid: SessionId,
    role: Role,
    aud: String,
    iat: i64,
    exp: i64,
    jti: u64,
}

/// RFC 7519 §4.1.2: the subject is a string.
#[expect(
    clippy::trivially_copy_pass_by_ref,
    reason = "the signature that serde calls"
)]
fn as_text<S: serde::Serializer>(id: &UserId, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(id)
}

/// Mints and verifies tokens.
#[derive(Clone)]
pub struct Tokens {
    keys: Vec<Hmac<Sha256>>,
    clock: Clock,
}

impl Tokens {
    /// The first secret signs, all verify. There must be one, which the configuration sees to.
    pub fn new(secrets: &[Secret], clock: Clock) -> Self {
        assert!(
            !secrets.is_empty(),
            "the configuration asks for at least one secret"
        );
        Self {
            keys: secrets
                .iter()
                .map(|secret| key(secret.as_bytes()))
                .collect(),
            clock,
        }
    }

    /// A token in this session's name, and when it ends (Unix seconds).
    pub fn mint(
        &self,
        purpose: Purpose,
        (user_id, session_id, role): (UserId, SessionId, Role),
        lifetime: Duration,
    ) -> (String, i64) {
        let now = self.clock.now_seconds();
        let expires_at = now.saturating_add(i64::try_from(lifetime.as_secs()).unwrap_or(i64::MAX));
        let claims = Claims {
            sub: user_id,
            sid: session_id,
            role,
            aud: purpose.audience().to_owned(),
            iat: now,
            exp: expires_at,
            // Below 2^53, like every number that JSON readers must keep.
            jti: rand::random::<u64>() >> 11,
        };
        let claims = serde_json::to_vec(&claims).expect("numbers and short texts always serialise");
        let mut token = String::with_capacity(TOKEN_BYTES);
        BASE64_URL_SAFE_NO_PAD.encode_string(HEADER, &mut token);
        token.push('.');
        BASE64_URL_SAFE_NO_PAD.encode_string(claims, &mut token);
        let signature = sign(&self.keys[0], &token).finalize().into_bytes();
        token.push('.');
        BASE64_URL_SAFE_NO_PAD.encode_string(signature, &mut token);
        (token, expires_at)
    }

    /// Whose token it is, if it is genuine, of this purpose, and has not expired.
    pub fn verify(&self, purpose: Purpose, token: &str) -> Result<Identity, TokenError> {
        let claims = self.genuine(token).ok_or(TokenError::Invalid)?;
        if claims.aud != purpose.audience() {
            return Err(TokenError::Invalid);
        }
        if claims.exp <= self.clock.now_seconds() {
            return Err(TokenError::Expired);
        }
        Ok(Identity {
            user_id: claims.sub,
            session_id: claims.sid,
            role: claims.role,
            expires_at: claims.exp,
            nonce: claims.jti,
        })
    }

    /// The claims, once the signature has proved them ours. Nothing is read from an unproved token.
    fn genuine(&self, token: &str) -> Option<Claims> {
        let (signed, signature) = token.rsplit_once('.')?;
        let signature = BASE64_URL_SAFE_NO_PAD.decode(signature).ok()?;
        // `verify_slice` compares in constant time.
        let ours = |key: &Hmac<Sha256>| sign(key, signed).verify_slice(&signature).is_ok();
        if !self.keys.iter().any(ours) {
            return None;
        }
        let (header, claims) = signed.split_once('.')?;
        let header: Header = read(header)?;
        (header.alg == "HS256").then(|| read(claims))?
    }
}

fn key(secret: &[u8]) -> Hmac<Sha256> {
    Hmac::new_from_slice(secret).expect("HMAC takes keys of any size")
}

fn sign(key: &Hmac<Sha256>, text: &str) -> Hmac<Sha256> {
    key.clone().chain_update(text)
}

fn read<T: for<'de> Deserialize<'de>>(part: &str) -> Option<T> {
    serde_json::from_slice(&BASE64_URL_SAFE_NO_PAD.decode(part).ok()?).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn signatures_are_those_of_everybody_else() {
        // The example of jwt.io, as any JWT library makes it.
        let signed = "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.eyJzdWIiOiIxMjM0NTY3ODkwIiwibmFtZSI6IkpvaG4gRG9lIiwiaWF0IjoxNTE2MjM5MDIyfQ";
        let signature = sign(&key(b"your-256-bit-secret"), signed)
            .finalize()
            .into_bytes();
        assert_eq!(
            BASE64_URL_SAFE_NO_PAD.encode(signature),
            "SflKxwRJSMeKKF2QT4fwpMeJf36POk6yJV_adQssw5c"
        );
    }
}
