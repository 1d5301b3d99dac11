//! Registering, logging in and out, and the sessions one has.

use axum::{
    Json as Answer,
    extract::State,
    http::{HeaderMap, header},
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use shared::{ids::SessionId, wire::Code};

use super::{
    account::AccountView,
    passwords,
    queries::{self, NewUser, SessionRow},
    sessions::{self, CredentialsView},
    throttle,
};
use crate::app::{
    App,
    error::Error,
    http::{
        ClientAddress, Path, SignedIn, Visitor,
        answer::{Created, NoContent},
        clear_session_cookie,
        json::{Input, Json, Wrong, one_of},
        page::{Page, PageQuery},
        set_session_cookie,
    },
    time::Time,
};

const NAME_LENGTH_MAX: usize = 100;
const USERNAME_LENGTH: std::ops::RangeInclusive<usize> = 3..=30;
const EMAIL_LENGTH_MAX: usize = 254;
/// As [`is_email`] says it, for the document.
const EMAIL: &str = r"^[^\s\u0000-\u001f\u007f-\u009f@]+@[^\s\u0000-\u001f\u007f-\u009f@.]+(\.[^\s\u0000-\u001f\u007f-\u009f@.]+)*$";
const DEVICE_LENGTH_MAX: usize = 200;

#[derive(Deserialize, JsonSchema)]
pub(super) struct Register {
    #[schemars(length(min = *USERNAME_LENGTH.start(), max = *USERNAME_LENGTH.end()), regex(pattern = "^(?!deleted_)[a-z0-9_]+$"), example = &"ana_lima")]
    username: String,
    #[schemars(length(min = 1, max = EMAIL_LENGTH_MAX), regex(pattern = EMAIL), example = &"ana@example.com")]
    email: String,
    #[schemars(length(min = *passwords::LENGTH.start(), max = *passwords::LENGTH.end()), example = &"correct horse battery")]
    password: String,
    #[serde(default)]
    #[schemars(length(max = NAME_LENGTH_MAX), example = &"Ana Lima")]
    name: String,
}

impl Input for Register {
    fn check(&self, wrong: &mut Wrong) {
        let valid = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_';
        if !USERNAME_LENGTH.contains(&self.username.len()) || !self.username.bytes().all(valid) {
            let message = "3 to 30 characters of a-z, 0-9 and _";
            wrong.field("username", "invalid_username", message);
        }
        // What closed accounts are called.
        if self.username.starts_with("deleted_") {
            wrong.field("username", "invalid_username", "another beginning");
        }
        if !is_email(&self.email) {
            wrong.field("email", "invalid_email", "an address like ana@example.com");
        }
        wrong.unless_length("password", &self.password, passwords::LENGTH);
        wrong.unless_length("name", &self.name, 0..=NAME_LENGTH_MAX);
    }
}

/// As much as can be known without writing to it.
fn is_email(text: &str) -> bool {
    let printable = |character: char| !character.is_whitespace() && !character.is_control();
    text.chars().count() <= EMAIL_LENGTH_MAX
        && text.chars().all(printable)
        && text
            .split_once('@')
            .is_some_and(|(local, domain)| !local.is_empty() && is_domain(domain))
}

fn is_domain(text: &str) -> bool {
    !text.contains('@') && text.split('.').all(|label| !label.is_empty())
}

pub(super) async fn register(
    State(app): State<App>,
    _: Visitor,
    headers: HeaderMap,
    Json(input): Json<Register>,
) -> Result<(HeaderMap, Created<CredentialsView>), Error> {
    let password_hash = passwords::hash(&app, input.password).await?;
    let user = NewUser {
        username: &input.username,
        email: &input.email,
        password_hash: &password_hash,
        name: &input.name,
    };
    let tx = app.begin().await?;
    let user = queries::insert_user(&tx, &user, app.now()).await?;
    let (credentials, cookie) = sessions::begin(&app, &tx, user, &device(&headers)).await?;
    tx.commit().await?;
    count(&app, "register", "ok");
    let cookie = set_session_cookie(&app, &cookie)?;
    Ok((cookie, Created(credentials)))
}

#[derive(Deserialize, JsonSchema)]
#[schemars(extend("oneOf" = one_of(&["username", "email"])))]
pub(super) struct LogIn {
    username: Option<String>,
    email: Option<String>,
    password: String,
}

impl Input for LogIn {
    fn check(&self, wrong: &mut Wrong) {
        if self.username.is_some() == self.email.is_some() {
            wrong.field("username", "required", "either username or email");
        }
    }
}

pub(super) async fn log_in(
    State(app): State<App>,
    _: Visitor,
    ClientAddress(address): ClientAddress,
    headers: HeaderMap,
    Json(input): Json<LogIn>,
) -> Result<(HeaderMap, Answer<CredentialsView>), Error> {
    let login = input.username.or(input.email).unwrap_or_default();
    let login = login.to_lowercase();
    let attempt = throttle::admit(&app, &login, address).await?;
    let found = queries::find_credentials(&app.read().await?, &login).await?;
    let stored = found.as_ref().map(|found| found.password_hash.clone());
    let is_right = passwords::verify(&app, input.password, stored).await?;
    let Some(found) = found.filter(|_| is_right) else {
        count(&app, "login", "refused");
        let detail = "no account has this name and this password";
        return Err(Error::new(Code::InvalidCredentials, detail));
    };
    attempt.succeeded(&app).await?;
    if found.is_suspended {
        return Err(Error::new(
            Code::AccountSuspended,
            "the account is suspended",
        ));
    }
    let tx = app.begin().await?;
    let user = queries::find_account(&tx, found.user_id).await?;
    let (credentials, cookie) = sessions::begin(&app, &tx, user, &device(&headers)).await?;
    tx.commit().await?;
    count(&app, "login", "ok");
    Ok((set_session_cookie(&app, &cookie)?, Answer(credentials)))
}

/// What the user will know the session by in the list.
fn device(headers: &HeaderMap) -> String {
    let agent = headers.get(header::USER_AGENT);
    let agent = agent
        .and_then(|agent| agent.to_str().ok())
        .unwrap_or("unknown");
    agent.chars().take(DEVICE_LENGTH_MAX).collect()
}

pub(super) async fn log_out(
    State(app): State<App>,
    caller: SignedIn,
) -> Result<(HeaderMap, NoContent), Error> {
    let mut tx = app.begin().await?;
    sessions::revoke(&mut tx, caller.user_id, Some(caller.session_id), None).await?;
    tx.commit().await?;
    Ok((clear_session_cookie(&app)?, NoContent))
}

#[derive(Deserialize, JsonSchema)]
pub(super) struct Refresh {
    refresh_token: String,
}

impl Input for Refresh {}

pub(super) async fn refresh(
    State(app): State<App>,
    _: Visitor,
    Json(input): Json<Refresh>,
) -> Result<Answer<CredentialsView>, Error> {
    let refreshed = sessions::refresh(&app, &input.refresh_token).await;
    let result = if refreshed.is_ok() { "ok" } else { "refused" };
    count(&app, "refresh", result);
    refreshed.map(Answer)
}

pub(super) async fn find_me(
    State(app): State<App>,
    caller: SignedIn,
) -> Result<Answer<AccountView>, Error> {
    let account = queries::find_account(&app.read().await?, caller.user_id).await?;
    Ok(Answer(account))
}

#[derive(Deserialize, JsonSchema)]
pub(super) struct ChangePassword {
    current_password: String,
    #[schemars(length(min = *passwords::LENGTH.start(), max = *passwords::LENGTH.end()), example = &"staple of batteries")]
    new_password: String,
}

impl Input for ChangePassword {
    fn check(&self, wrong: &mut Wrong) {
        wrong.unless_length("new_password", &self.new_password, passwords::LENGTH);
    }
}

/// Ends the other sessions: whoever knew the old password is out.
pub(super) async fn change_password(
    State(app): State<App>,
    caller: SignedIn,
    ClientAddress(address): ClientAddress,
    Json(input): Json<ChangePassword>,
) -> Result<NoContent, Error> {
    let login = format!("user {}", caller.user_id);
    let attempt = throttle::admit(&app, &login, address).await?;
    let stored = queries::find_password_hash(&app.read().await?, caller.user_id).await?;
    if !passwords::verify(&app, input.current_password, Some(stored)).await? {
        let detail = "the current password is another one";
        return Err(Error::new(Code::InvalidCredentials, detail));
    }
    attempt.succeeded(&app).await?;
    let password_hash = passwords::hash(&app, input.new_password).await?;
    let mut tx = app.begin().await?;
    queries::update_password(&tx, caller.user_id, &password_hash).await?;
    sessions::revoke(&mut tx, caller.user_id, None, Some(caller.session_id)).await?;
    tx.commit().await?;
    Ok(NoContent)
}

#[derive(Serialize, JsonSchema)]
pub(super) struct SessionView {
    id: SessionId,
    device: String,
    created_at: Time,
    last_used_at: Time,
    expires_at: Time,
    /// Whether it is the one that asks.
    is_current: bool,
}

pub(super) async fn list_sessions(
    State(app): State<App>,
    caller: SignedIn,
    page: PageQuery,
) -> Result<Answer<Page<SessionView>>, Error> {
    let before = page.after::<[i64; 1]>()?.map(|[id]| id);
    let connection = app.read().await?;
    let user_id = caller.user_id;
    let sessions =
        queries::list_sessions(&connection, user_id, app.now(), before, page.rows()).await?;
    let page = page.page(sessions, |session| [session.id.get()]);
    Ok(Answer(page.map(|session| view(session, caller))))
}

fn view(session: SessionRow, caller: SignedIn) -> SessionView {
    SessionView {
        is_current: session.id == caller.session_id,
        id: session.id,
        device: session.device,
        created_at: session.created_at,
        last_used_at: session.last_used_at,
        expires_at: session.expires_at,
    }
}

pub(super) async fn revoke_session(
    State(app): State<App>,
    caller: SignedIn,
    Path(id): Path<SessionId>,
) -> Result<NoContent, Error> {
    let mut tx = app.begin().await?;
    let revoked = sessions::revoke(&mut tx, caller.user_id, Some(id), None).await?;
    if revoked == 0 {
        return Err(Error::not_found("session"));
    }
    tx.commit().await?;
    Ok(NoContent)
}

/// All of them, the caller's own too.
pub(super) async fn revoke_all_sessions(
    State(app): State<App>,
    caller: SignedIn,
) -> Result<(HeaderMap, NoContent), Error> {
    let mut tx = app.begin().await?;
    sessions::revoke(&mut tx, caller.user_id, None, None).await?;
    tx.commit().await?;
    Ok((clear_session_cookie(&app)?, NoContent))
}

fn count(app: &App, action: &str, result: &str) {
    let counter = &app.metrics().auth;
    counter.with_label_values(&[action, result]).inc();
}
