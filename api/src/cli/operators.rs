//! What operators do from a terminal: the first admin has nobody to ask.

use shared::{config::Reader, credentials::Role};

use crate::{
    app::{
        boot::{self, StartError},
        config::Settings,
    },
    auth::moderation,
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
        moderation::set_role(&mut tx, user, role).await?;
        tx.commit().await
    })
    .await
}

pub(super) async fn suspend(account: Account) -> Result<(), StartError> {
    boot::act(account.settings, async |app| {
        let mut tx = app.begin().await?;
        let user = moderation::find_by_name(&tx, &account.username).await?;
        moderation::suspend(&mut tx, user).await?;
        tx.commit().await
    })
    .await
}

pub(super) async fn unsuspend(account: Account) -> Result<(), StartError> {
    boot::act(account.settings, async |app| {
        let tx = app.begin().await?;
        let user = moderation::find_by_name(&tx, &account.username).await?;
        moderation::unsuspend(&tx, user).await?;
        tx.commit().await
    })
    .await
}
