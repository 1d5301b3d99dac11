//! `DATABASE_URL`.

use std::str::FromStr;

use tokio_postgres::config::SslMode;

/// Where PostgreSQL is and who we are there; by TLS, or in the clear.
#[derive(Debug, Clone)]
pub struct DatabaseUrl {
    /// For the driver.
    pub config: tokio_postgres::Config,
    /// Whether the server must show a certificate for its name.
    pub is_encrypted: bool,
}

/// A text that is no such URL.
#[derive(Debug, thiserror::Error)]
pub enum InvalidDatabaseUrl {
    /// By the driver's word. Its texts name keys, never values.
    #[error(transparent)]
    Driver(#[from] tokio_postgres::Error),
    /// Half of a protection would look like all of it.
    #[error("sslmode is disable, require or verify-full, and the last two are the same")]
    Mode,
}

impl FromStr for DatabaseUrl {
    type Err = InvalidDatabaseUrl;

    /// As libpq writes it. `sslmode` is off unless it is `require` or `verify-full`; both check the certificate and its name,
    /// for whoever asks for TLS wants to know whom they talk to.
    fn from_str(text: &str) -> Result<Self, InvalidDatabaseUrl> {
        // The driver has no word for it, and means the same by its own.
        let text = text.replace("sslmode=verify-full", "sslmode=require");
        let is_given = text.contains("sslmode=");
        let mut config: tokio_postgres::Config = text.parse()?;
        let is_encrypted = match config.get_ssl_mode() {
            SslMode::Require => true,
            SslMode::Prefer if is_given => return Err(InvalidDatabaseUrl::Mode),
            _ => false,
        };
        if !is_encrypted {
            config.ssl_mode(SslMode::Disable);
        }
        Ok(Self {
            config,
            is_encrypted,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tls_is_whole_or_not_at_all() {
        let read = |mode: &str| format!("postgres://a:b@host/db{mode}").parse::<DatabaseUrl>();
        for (mode, is_encrypted) in [
            ("", false),
            ("?sslmode=disable", false),
            ("?sslmode=require", true),
            ("?connect_timeout=3&sslmode=verify-full", true),
        ] {
            let url = read(mode).expect(mode);
            assert_eq!(url.is_encrypted, is_encrypted, "{mode}");
            let expected = if is_encrypted {
                SslMode::Require
            } else {
                SslMode::Disable
            };
            assert_eq!(url.config.get_ssl_mode(), expected, "{mode}");
        }
        for mode in [
            "?sslmode=prefer",
            "?sslmode=allow",
            "?sslmode=verify-ca",
            "?sslmode=",
        ] {
            assert!(read(mode).is_err(), "{mode}");
        }
    }
}
