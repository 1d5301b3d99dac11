//! Passwords: argon2id, computed a few at a time off the runtime's threads.

use argon2::{
    Algorithm, Argon2, Params, PasswordHash, PasswordHasher, PasswordVerifier, Version,
    password_hash,
};
use tokio::time::Instant;

use crate::app::{App, config::HashSettings, error::Error};

/// Characters of a password.
pub(super) const LENGTH: std::ops::RangeInclusive<usize> = 8..=128;

/// The hash to store, as a PHC string that carries its own parameters.
pub(super) async fn hash(app: &App, password: String) -> Result<String, Error> {
    let hasher = hasher(&app.settings().auth.hash)?;
    compute(app, move || hash_with(&hasher, &password)).await?
}

/// Whether the password is the one that was hashed. Without a hash, because there is no such account, it takes just as
/// long and is false.
pub(super) async fn verify(
    app: &App,
    password: String,
    stored: Option<String>,
) -> Result<bool, Error> {
    let hasher = hasher(&app.settings().auth.hash)?;
    compute(app, move || match stored {
        Some(stored) => matches(&hasher, &password, &stored),
        None => hash_with(&hasher, &password).map(|_| false),
    })
    .await?
}

/// Argon2id with the configured cost.
pub(super) fn hasher(settings: &HashSettings) -> Result<Argon2<'static>, Error> {
    let params = Params::new(settings.memory_kib, settings.passes, 1, None);
    let params = params.map_err(Error::internal)?;
    Ok(Argon2::new(Algorithm::Argon2id, Version::V0x13, params))
}

/// Hashes on the calling thread.
pub(super) fn hash_with(hasher: &Argon2<'_>, password: &str) -> Result<String, Error> {
    let hash: PasswordHash = hasher
        .hash_password(password.as_bytes())
        .map_err(Error::internal)?;
    Ok(hash.to_string())
}

fn matches(hasher: &Argon2<'_>, password: &str, stored: &str) -> Result<bool, Error> {
    let stored = PasswordHash::new(stored).map_err(Error::internal)?;
    match hasher.verify_password(password.as_bytes(), &stored) {
        Ok(()) => Ok(true),
        Err(password_hash::Error::PasswordInvalid) => Ok(false),
        Err(error) => Err(Error::internal(error)),
    }
}

async fn compute<T: Send + 'static>(
    app: &App,
    compute: impl FnOnce() -> T + Send + 'static,
) -> Result<T, Error> {
    let asked = Instant::now();
    let computed = app.workers().run(compute).await;
    let seconds = asked.elapsed().as_secs_f64();
    app.metrics().hash_seconds.observe(seconds);
    computed
}
