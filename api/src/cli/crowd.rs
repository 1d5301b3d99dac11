//! A large group for load tests: `./dev bench group` asks for one.

use serde_json::json;
use shared::{
    config::Reader,
    credentials::{Purpose, Role},
};

use super::say;
use crate::{
    app::{
        boot::{self, StartError},
        config::Settings,
    },
    auth, groups,
};

/// How large, and whose it is.
pub(super) struct Crowd {
    settings: Settings,
    owner: String,
    members: i64,
    online: usize,
}

pub(super) fn read(reader: &mut Reader) -> Option<Crowd> {
    let owner = reader.required("ACCOUNT", "the username of the group's owner");
    let members = reader.with_default("MEMBERS", "10000", "people who are made for it");
    let online = reader.with_default("ONLINE", "2000", "those of them who get a session");
    let settings = Settings::read(reader);
    Some(Crowd {
        settings: settings?,
        owner: owner?,
        members: members?,
        online: online?,
    })
}

/// Makes the group, and prints it with the access tokens of those who have a session.
pub(super) async fn gather(crowd: Crowd) -> Result<(), StartError> {
    boot::act(crowd.settings, async |app| {
        let tx = app.begin().await?;
        let owner = auth::moderation::find_by_name(&tx, &crowd.owner).await?;
        drop(tx);
        let (group, people) = groups::gather_crowd(app, owner, crowd.members).await?;
        let online = &people[..crowd.online.min(people.len())];
        let sessions = auth::open_sessions(app, online).await?;
        let lifetime = app.settings().auth.session_lifetime;
        let online = sessions.iter().map(|(user, session)| {
            let whose = (*user, *session, Role::User);
            let (token, _) = app.tokens().mint(Purpose::Access, whose, lifetime);
            json!({"user_id": user, "token": token})
        });
        let online: Vec<_> = online.collect();
        say(&format!(
            "{}\n",
            json!({"group_id": group, "online": online})
        ));
        Ok(())
    })
    .await
}
