//! What operators do from a terminal: the first admin has nobody to ask.

use serde_json::json;
use shared::{config::Reader, credentials::Role};

use super::say;
use crate::{
    app::{
        boot::{self, StartError},
        config::Settings,
        http::json::parse,
        time::Time,
    },
    auth::moderation,
    broadcast::acts as broadcasts,
    operators::acts,
};

/// Whose account it is about.
pub(super) struct Account {
    settings: Settings,
    username: String,
}

pub(super) fn read_account(reader: &mut Reader) -> Option<Account> {
    let username = reader.required("ACCOUNT", "the username");
    let settings = Settings::read(reader);
    Some(Account {
        settings: settings?,
        username: username?,
    })
}

pub(super) fn read_role(reader: &mut Reader) -> Option<(Account, Role)> {
    let name: Option<String> = reader.required("ROLE", "user, admin or service");
    let role = name.as_deref().and_then(|name| match name {
        "user" => Some(Role::User),
        "admin" => Some(Role::Admin),
        "service" => Some(Role::Service),
        _ => None,
    });
    if name.is_some() && role.is_none() {
        reader.reject("ROLE", "user, admin or service");
    }
    let account = read_account(reader);
    Some((account?, role?))
}

pub(super) async fn set_role((account, role): (Account, Role)) -> Result<(), StartError> {
    boot::act(account.settings, async |app| {
        let mut tx = app.begin().await?;
        let user = moderation::find_by_name(&tx, &account.username).await?;
        acts::set_role(&mut tx, None, user, role).await?;
        tx.commit().await
    })
    .await
}

pub(super) async fn suspend(account: Account) -> Result<(), StartError> {
    boot::act(account.settings, async |app| {
        let mut tx = app.begin().await?;
        let user = moderation::find_by_name(&tx, &account.username).await?;
        acts::suspend(&mut tx, None, user).await?;
        tx.commit().await
    })
    .await
}

pub(super) async fn unsuspend(account: Account) -> Result<(), StartError> {
    boot::act(account.settings, async |app| {
        let tx = app.begin().await?;
        let user = moderation::find_by_name(&tx, &account.username).await?;
        acts::unsuspend(&tx, None, user).await?;
        tx.commit().await
    })
    .await
}

/// A line for each connection: its id, its gateway, since when.
pub(super) async fn connections(account: Account) -> Result<(), StartError> {
    boot::act(account.settings, async |app| {
        let tx = app.begin().await?;
        let user = moderation::find_by_name(&tx, &account.username).await?;
        for open in acts::connections(app, user).await? {
            let since = Time::from_millisecond(open.opened_at_ms);
            let since = since.map_or_else(|| "-".to_owned(), |since| since.to_string());
            say(&format!("{} {} {since}\n", open.name, open.node));
        }
        Ok(())
    })
    .await
}

pub(super) async fn disconnect(account: Account) -> Result<(), StartError> {
    boot::act(account.settings, async |app| {
        let mut tx = app.begin().await?;
        let user = moderation::find_by_name(&tx, &account.username).await?;
        acts::disconnect(&mut tx, None, user, None).await?;
        tx.commit().await
    })
    .await
}

/// What everybody shall hear.
pub(super) struct Word {
    settings: Settings,
    content: String,
}

pub(super) fn read_word(reader: &mut Reader) -> Option<Word> {
    let content = reader.required("CONTENT", "what everybody shall hear");
    let settings = Settings::read(reader);
    Some(Word {
        settings: settings?,
        content: content?,
    })
}

pub(super) async fn broadcast(word: Word) -> Result<(), StartError> {
    boot::act(word.settings, async |app| {
        let said = json!({"content": word.content});
        let said = parse(said.to_string().as_bytes())?;
        let mut tx = app.begin().await?;
        broadcasts::broadcast(&mut tx, None, &said).await?;
        tx.commit().await
    })
    .await
}
