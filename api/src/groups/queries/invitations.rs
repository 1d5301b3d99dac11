//! Who was invited, and who has asked.

use shared::ids::{GroupId, UserId};

use crate::{
    app::{
        db::{Connection, Parameters},
        error::Error,
        http::place::Place,
        time::Time,
    },
    groups::group::RequestView,
    users::person_columns,
};

pub(super) const INSERT_INVITATION: &str = "
insert into group_invitations (group_id, user_id, inviter_id, created_at)
values ($1, $2, $3, $4)
on conflict on constraint group_invitation_unique do nothing";

/// Invites; false if somebody has before.
pub(in crate::groups) async fn insert_invitation(
    db: &Connection,
    group: GroupId,
    (invited, inviter): (UserId, UserId),
    now: Time,
) -> Result<bool, Error> {
    let parameters: Parameters<'_> = &[&group.get(), &invited.get(), &inviter.get(), &now.0];
    Ok(db.execute(INSERT_INVITATION, parameters).await? == 1)
}

pub(super) const DELETE_INVITATION: &str = "
delete from group_invitations where group_id = $1 and user_id = $2";

/// Ends an invitation; false if there is none.
pub(in crate::groups) async fn delete_invitation(
    db: &Connection,
    group: GroupId,
    invited: UserId,
) -> Result<bool, Error> {
    let parameters: Parameters<'_> = &[&group.get(), &invited.get()];
    Ok(db.execute(DELETE_INVITATION, parameters).await? == 1)
}

pub(super) const INSERT_REQUEST: &str = "
insert into group_join_requests (group_id, user_id, created_at)
values ($1, $2, $3)
on conflict on constraint group_join_request_unique do nothing";

/// Asks to join; false if the user has before.
pub(in crate::groups) async fn insert_request(
    db: &Connection,
    group: GroupId,
    user: UserId,
    now: Time,
) -> Result<bool, Error> {
    let parameters: Parameters<'_> = &[&group.get(), &user.get(), &now.0];
    Ok(db.execute(INSERT_REQUEST, parameters).await? == 1)
}

pub(super) const DELETE_REQUEST: &str = "
delete from group_join_requests where group_id = $1 and user_id = $2";

/// Ends a request; false if there is none.
pub(in crate::groups) async fn delete_request(
    db: &Connection,
    group: GroupId,
    user: UserId,
) -> Result<bool, Error> {
    let parameters: Parameters<'_> = &[&group.get(), &user.get()];
    Ok(db.execute(DELETE_REQUEST, parameters).await? == 1)
}

pub(super) const LIST_REQUESTS: &str = concat!(
    "
select request.created_at as since, ",
    person_columns!(),
    "
from group_join_requests request
join users account on account.id = request.user_id
where request.group_id = $1 and (request.created_at, request.user_id) < ($2, $3)
order by request.created_at desc, request.user_id desc
limit $4"
);

/// Who asks to join, the newest first.
pub(in crate::groups) async fn list_requests(
    db: &Connection,
    group: GroupId,
    place: Place,
    rows: i64,
) -> Result<Vec<RequestView>, Error> {
    let parameters: Parameters<'_> = &[&group.get(), &place.time.0, &place.id, &rows];
    db.query(LIST_REQUESTS, parameters).await
}
