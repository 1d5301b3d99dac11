//! A text that never shows up in a log.

use std::{fmt, str::FromStr};

use subtle::ConstantTimeEq;

/// A signing secret: at least 32 bytes (RFC 7518 §3.2 asks for the size of the hash).
#[derive(Clone)]
pub struct Secret(Box<str>);

/// A secret that is too short.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a secret has at least 32 bytes")]
pub struct InvalidSecret;

impl Secret {
    /// The bytes to sign with.
    pub fn as_bytes(&self) -> &[u8] {
        self.0.as_bytes()
    }
}

impl FromStr for Secret {
    type Err = InvalidSecret;

    fn from_str(text: &str) -> Result<Self, InvalidSecret> {
        if text.len() < 32 {
            return Err(InvalidSecret);
        }
        Ok(Self(text.into()))
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(…)")
    }
}

impl PartialEq for Secret {
    fn eq(&self, other: &Self) -> bool {
        self.as_bytes().ct_eq(other.as_bytes()).into()
    }
}
