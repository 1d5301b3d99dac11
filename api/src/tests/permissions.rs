//! Who sees a post sees everything that hangs on it, and who does not finds none of it: every kind of post, crossed with
//! what two people can be to each other, and with what may have become of the post and of its author.

use futures_util::future::join_all;
use hyper::Method;
use serde_json::{Value, json};

use crate::app::{
    db::Connection,
    testing::{Actor, TestApp},
};

/// Where it was posted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Place {
    PublicAccount,
    PrivateAccount,
    /// The author's account is private, which means nothing in a group.
    Group {
        viewer_is_member: bool,
    },
    /// A group that is no more, of which both were members.
    DeletedGroup,
}

/// What the viewer is to the author.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Relation {
    Nobody,
    Requested,
    Follower,
    Friend,
    Blocking,
    Blocked,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Author {
    Open,
    Suspended,
    Closed,
}

#[derive(Debug, Clone, Copy)]
struct Case {
    place: Place,
    relation: Relation,
    author: Author,
    is_deleted: bool,
}

const PLACES: [Place; 5] = [
    Place::PublicAccount,
    Place::PrivateAccount,
    Place::Group {
        viewer_is_member: true,
    },
    Place::Group {
        viewer_is_member: false,
    },
    Place::DeletedGroup,
];
const RELATIONS: [Relation; 6] = [
    Relation::Nobody,
    Relation::Requested,
    Relation::Follower,
    Relation::Friend,
    Relation::Blocking,
    Relation::Blocked,
];

fn cases() -> impl Iterator<Item = Case> {
    PLACES.into_iter().flat_map(|place| {
        RELATIONS.into_iter().flat_map(move |relation| {
            let fates = [
                (Author::Open, false),
                (Author::Open, true),
                (Author::Suspended, false),
                (Author::Closed, false),
            ];
            fates.into_iter().map(move |(author, is_deleted)| Case {
                place,
                relation,
                author,
                is_deleted,
            })
        })
    })
}

impl Case {
    /// The rule, as it is told in words.
    fn is_seen(self) -> bool {
        let is_cut = matches!(self.relation, Relation::Blocking | Relation::Blocked);
        let is_there = self.author == Author::Open && !self.is_deleted && !is_cut;
        is_there
            && match self.place {
                Place::PublicAccount => true,
                Place::PrivateAccount => {
                    matches!(self.relation, Relation::Follower | Relation::Friend)
                }
                Place::Group { viewer_is_member } => viewer_is_member,
                Place::DeletedGroup => false,
            }
    }

    async fn arrange(self, db: &Connection, world: &World) {
        let (viewer, author) = (world.viewer.id().get(), world.author.id().get());
        let is_private = self.place != Place::PublicAccount;
        let (suspended, closed) = (
            self.author == Author::Suspended,
            self.author == Author::Closed,
        );
        db.execute(FORGET, &[]).await.unwrap();
        db.execute(SET_AUTHOR, &[&author, &is_private, &suspended, &closed])
            .await
            .unwrap();
        let group = match self.place {
            Place::PublicAccount | Place::PrivateAccount => None,
            Place::Group { .. } | Place::DeletedGroup => Some(world.group),
        };
        db.execute(SET_POST, &[&world.post, &group, &self.is_deleted])
            .await
            .unwrap();
        let group_is_deleted = self.place == Place::DeletedGroup;
        db.execute(SET_GROUP, &[&world.group, &group_is_deleted])
            .await
            .unwrap();
        let is_outside = self.place
            == Place::Group {
                viewer_is_member: false,
            };
        if !is_outside {
            db.execute(JOIN, &[&world.group, &viewer]).await.unwrap();
        }
        let statement = match self.relation {
            Relation::Nobody => return,
            Relation::Requested => ADD_REQUEST,
            Relation::Follower => ADD_FOLLOW,
            Relation::Friend => ADD_FRIENDSHIP,
            Relation::Blocking => ADD_BLOCK,
            Relation::Blocked => ADD_BLOCK_BACK,
        };
        db.execute(statement, &[&viewer, &author]).await.unwrap();
    }
}

const FORGET: &str = "
with follows as (delete from follows), friendships as (delete from friendships), blocks as (delete from blocks)
delete from group_members where role = 'member'";
const SET_AUTHOR: &str = "
update users
set is_private = $2,
    suspended_at = case when $3 then now() end,
    deleted_at = case when $4 then now() end,
    -- What is left of a closed account stays as it is arranged here.
    emptied_at = case when $4 then now() end
where id = $1";
const SET_POST: &str =
    "update posts set group_id = $2, deleted_at = case when $3 then now() end where id = $1";
const SET_GROUP: &str = "update groups set deleted_at = case when $2 then now() end where id = $1";
const JOIN: &str = "
insert into group_members (group_id, user_id, role, joined_at) values ($1, $2, 'member', now())";
const ADD_REQUEST: &str = "
insert into follows (follower_id, followee_id, status, created_at) values ($1, $2, 'requested', now())";
const ADD_FOLLOW: &str = "
insert into follows (follower_id, followee_id, status, created_at) values ($1, $2, 'accepted', now())";
const ADD_FRIENDSHIP: &str = "
insert into friendships (first_user_id, second_user_id, status, requested_by, since)
values (least($1::bigint, $2::bigint), greatest($1::bigint, $2::bigint), 'accepted', $1, now())";
const ADD_BLOCK: &str = "
insert into blocks (blocker_id, blocked_id, created_at) values ($1, $2, now())";
const ADD_BLOCK_BACK: &str = "
insert into blocks (blocker_id, blocked_id, created_at) values ($2, $1, now())";

struct World {
    app: TestApp,
    author: Actor,
    viewer: Actor,
    group: i64,
    post: i64,
}

impl World {
    async fn create() -> Self {
        let app = TestApp::start_with(|settings| settings.http.rate_limits = false).await;
        let (author, viewer) = (app.user("ana").await, app.user("bob").await);
        let keeper = app.user("eve").await;
        let group = keeper.post("/groups", &json!({"name": "Runners"})).await;
        let group = group.ok()["id"].as_i64().unwrap();
        let post = author.posts("hello").await;
        let comment = json!({"content": "well"});
        let path = format!("{post}/comments");
        keeper.post(&path, &comment).await.ok();
        Self {
            post: post.trim_start_matches("/posts/").parse().unwrap(),
            app,
            author,
            viewer,
            group,
        }
    }

    /// What the viewer gets of the post in each way that there is: whether it was there.
    async fn finds(&self) -> Vec<(String, bool)> {
        let post = self.post;
        let ways = [
            (Method::GET, format!("/posts/{post}"), Value::Null),
            (Method::GET, format!("/posts/{post}/comments"), Value::Null),
            (
                Method::POST,
                format!("/posts/{post}/comments"),
                json!({"content": "hi"}),
            ),
            (Method::PUT, format!("/posts/{post}/like"), json!({})),
            (Method::DELETE, format!("/posts/{post}/like"), Value::Null),
            (
                Method::PUT,
                format!("/posts/{post}/reaction"),
                json!({"emoji": "🎉"}),
            ),
        ];
        let mut found =
            join_all(ways.map(|(method, path, body)| self.ask(method, path, body))).await;
        for list in [
            format!("/users/{}/posts", self.author.id()),
            format!("/groups/{}/posts", self.group),
        ] {
            let answer = self.viewer.get(&list).await;
            found.push((list, self.is_among(&answer.json["items"])));
        }
        found.push(("room".to_owned(), self.enters().await));
        found
    }

    async fn ask(&self, method: Method, path: String, body: Value) -> (String, bool) {
        let answer = match method {
            Method::GET => self.viewer.get(&path).await,
            Method::POST => self.viewer.post(&path, &body).await,
            Method::PUT => self.viewer.put(&path, &body).await,
            _ => self.viewer.delete(&path).await,
        };
        let is_there = (200..300).contains(&answer.status);
        if !is_there {
            assert_eq!(answer.refusal(), (404, "not_found"), "{method} {path}");
        }
        (format!("{method} {path}"), is_there)
    }

    fn is_among(&self, items: &Value) -> bool {
        let mut items = items.as_array().into_iter().flatten();
        items.any(|item| item["id"] == self.post)
    }

    /// Whether the live room lets the viewer in, and whoever is in it stay, which must be the same.
    async fn enters(&self) -> bool {
        let (viewer, post) = (self.viewer.id(), self.post);
        let asked = json!({"user_id": viewer, "post_id": post});
        let entered = self.app.internal("/rooms/enter", &asked).await.ok();
        let asked = json!({"viewers": [{"user_id": viewer, "posts": [post]}]});
        let checked = self.app.internal("/rooms/check", &asked).await.ok();
        let stays = checked["viewers"][0]["posts"] == json!([post]);
        assert_eq!(entered["room"].is_object(), stays, "{entered} {checked}");
        stays
    }
}

#[tokio::test]
async fn whoever_sees_a_post_sees_all_that_hangs_on_it_and_nobody_else_any_of_it() {
    let world = World::create().await;
    let db = world.app.app().read().await.unwrap();
    let (mut seen, mut unseen) = (0, 0);
    for case in cases() {
        case.arrange(&db, &world).await;
        let expected = case.is_seen();
        let in_group = matches!(case.place, Place::Group { .. });
        for (way, is_there) in world.finds().await {
            let expected = match &*way {
                list if list.ends_with("/posts") && list.starts_with("/users") => {
                    expected && !in_group
                }
                list if list.ends_with("/posts") => expected && in_group,
                _ => expected,
            };
            assert_eq!(is_there, expected, "{way}: {case:?}");
        }
        *(if expected { &mut seen } else { &mut unseen }) += 1;
    }
    // Four of six see the public post, two the private one, and four the one in their group, while all is well.
    assert_eq!((seen, unseen), (10, 110));
}
