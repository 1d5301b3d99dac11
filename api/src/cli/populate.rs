//! A large population for load tests: `./dev bench api` asks for one.

use serde_json::json;
use shared::{
    config::Reader,
    credentials::{Purpose, Role},
};

use super::{
    population::{self, Sizes},
    say,
};
use crate::{
    app::{
        boot::{self, StartError},
        config::Settings,
    },
    auth,
};

/// How large, and how many of them may ask for something.
pub(super) struct Plan {
    settings: Settings,
    sizes: Sizes,
    online: i64,
}

pub(super) fn read(reader: &mut Reader) -> Option<Plan> {
    let people = reader.with_default("PEOPLE", "100000", "accounts, that cannot log in");
    let follows = reader.with_default("FOLLOWS", "5000000", "follows, about: none is there twice");
    let posts = reader.with_default("POSTS", "1000000", "posts");
    let likes = reader.with_default("LIKES", "2000000", "likes, about: none is there twice");
    let comments = reader.with_default("COMMENTS", "500000", "comments");
    let online = reader.with_default("ONLINE", "1000", "people who get a session");
    let settings = Settings::read(reader);
    Some(Plan {
        settings: settings?,
        sizes: Sizes {
            people: people?,
            follows: follows?,
            posts: posts?,
            likes: likes?,
            comments: comments?,
        },
        online: online?,
    })
}

/// Makes them, and prints access tokens, and which posts there are.
pub(super) async fn populate(plan: Plan) -> Result<(), StartError> {
    boot::act(plan.settings, async |app| {
        let made = population::populate(&app.read().await?, &plan.sizes, app.now()).await?;
        let sessions = auth::open_sessions(app, &made.people(plan.online)).await?;
        let lifetime = app.settings().auth.session_lifetime;
        let tokens = sessions.iter().map(|(user, session)| {
            let whose = (*user, *session, Role::User);
            app.tokens().mint(Purpose::Access, whose, lifetime).0
        });
        let tokens: Vec<_> = tokens.collect();
        say(&format!(
            "{}\n",
            json!({"first_post": made.first_post, "posts": made.posts, "tokens": tokens})
        ));
        Ok(())
    })
    .await
}
