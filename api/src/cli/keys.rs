//! Keys of service accounts from a terminal. What is printed is JSON, a line each: scripts read it.

use serde::Serialize;
use serde_json::json;
use shared::{config::Reader, ids::ServiceKeyId};

use super::say;
use crate::{
    app::{
        boot::{self, StartError},
        config::Settings,
        error::Error,
        http::json::parse,
    },
    auth::moderation,
    service_keys::acts,
};

/// Keys that are read at once.
const PAGE: i64 = 100;

/// Prints all of them, the newest first.
pub(super) async fn list(settings: Settings) -> Result<(), StartError> {
    boot::act(settings, async |app| {
        let db = app.read().await?;
        let mut before = None;
        loop {
            let keys = acts::list(&db, before, PAGE).await?;
            for key in &keys {
                print(key)?;
            }
            let Some(last) = keys.last() else {
                return Ok(());
            };
            before = Some(last.id.get());
        }
    })
    .await
}

/// A key to be.
pub(super) struct Wish {
    settings: Settings,
    username: String,
    name: String,
    scopes: String,
}

pub(super) fn read_wish(reader: &mut Reader) -> Option<Wish> {
    let username = reader.required("ACCOUNT", "the username of a service account");
    let name = reader.required("KEY_NAME", "what the key is for");
    let scopes = reader.required("KEY_SCOPES", "such as publish:users,publish:room");
    let settings = Settings::read(reader);
    Some(Wish {
        settings: settings?,
        username: username?,
        name: name?,
        scopes: scopes?,
    })
}

/// Makes it, and prints it with its secret.
pub(super) async fn create(wish: Wish) -> Result<(), StartError> {
    boot::act(wish.settings, async |app| {
        let tx = app.begin().await?;
        let account = moderation::find_by_name(&tx, &wish.username).await?;
        let scopes: Vec<&str> = wish.scopes.split(',').map(str::trim).collect();
        let input = json!({"user_id": account, "name": wish.name, "scopes": scopes});
        let key = acts::create(&tx, None, &parse(input.to_string().as_bytes())?).await?;
        tx.commit().await?;
        print(&key)
    })
    .await
}

/// Which key, and for how long its secret holds beside a new one.
pub(super) struct Which {
    settings: Settings,
    key: ServiceKeyId,
    overlap_seconds: u32,
}

pub(super) fn read_which(reader: &mut Reader) -> Option<Which> {
    let key = reader.required("KEY_ID", "as `api admin keys` shows it");
    let settings = Settings::read(reader);
    Some(Which {
        settings: settings?,
        key: key?,
        overlap_seconds: 0,
    })
}

pub(super) fn read_rotation(reader: &mut Reader) -> Option<Which> {
    let help = "for how long the secret so far holds beside the new one";
    let overlap_seconds = reader.with_default("OVERLAP_SECONDS", "3600", help);
    let which = read_which(reader);
    Some(Which {
        overlap_seconds: overlap_seconds?,
        ..which?
    })
}

/// Gives it another secret, and prints that.
pub(super) async fn rotate(which: Which) -> Result<(), StartError> {
    boot::act(which.settings, async |app| {
        let input = json!({"overlap_seconds": which.overlap_seconds});
        let input = parse(input.to_string().as_bytes())?;
        let tx = app.begin().await?;
        let key = acts::rotate(&tx, None, which.key, &input).await?;
        tx.commit().await?;
        print(&key)
    })
    .await
}

/// Ends it at once.
pub(super) async fn revoke(which: Which) -> Result<(), StartError> {
    boot::act(which.settings, async |app| {
        let tx = app.begin().await?;
        acts::revoke(&tx, None, which.key).await?;
        tx.commit().await
    })
    .await
}

fn print(value: &impl Serialize) -> Result<(), Error> {
    let line = serde_json::to_string(value).map_err(Error::internal)?;
    say(&format!("{line}\n"));
    Ok(())
}
