//! `join_post`, once the room's channel is heard: whether they may come in, and how things stand.

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use shared::{
    ids::{GroupId, PostId, UserId},
    telemetry::RequestId,
    wire::{Command, Problem, said::RoomOfPost},
};

use super::{Caller, forward, read};
use crate::{
    api_client::Repeat,
    node::Node,
    session::{Entrance, Hidden},
};

#[derive(Serialize)]
struct Enter {
    user_id: UserId,
    post_id: PostId,
}

#[derive(Deserialize)]
#[serde(rename_all = "snake_case")]
enum Entry {
    Room(Room),
    Problem(Problem),
}

#[derive(Deserialize)]
struct Room {
    counts: Box<RawValue>,
    author_id: UserId,
    group_id: Option<GroupId>,
    hidden: Option<Vec<UserId>>,
}

pub(super) async fn enter(
    node: &Node,
    caller: Caller,
    command: &Command,
) -> Result<Entrance, Box<Problem>> {
    let RoomOfPost { post_id } = read(command)?;
    let body = Enter {
        user_id: caller.who.user_id,
        post_id,
    };
    let path = "/internal/rooms/enter";
    let request_id = RequestId::random();
    let entry = node.api.post(path, &body, &request_id, Repeat::Safe).await;
    match entry {
        Ok(Entry::Room(room)) => Ok(Entrance {
            author: room.author_id,
            group: room.group_id,
            hidden: Hidden::new(room.hidden),
            counts: room.counts,
        }),
        Ok(Entry::Problem(problem)) => Err(Box::new(problem)),
        Err(error) => {
            tracing::warn!(%error, %request_id, "a room cannot be entered");
            Err(Box::new(forward::problem(&error, &request_id)))
        }
    }
}
