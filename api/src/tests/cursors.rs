//! Pages of a list neither skip nor repeat, whatever comes and goes between them.

use std::collections::BTreeSet;

use jiff::{SignedDuration, Timestamp};
use rand::{RngExt, SeedableRng, rngs::StdRng};
use serde_json::{Value, json};
use shared::credentials::Role;

use crate::app::testing::{Actor, TestApp};

/// A list that is read by cursor. Items are added and removed by statements, because only they can give two items the same
/// time, and give an item a time that has passed, as a slow transaction does.
pub(super) struct List {
    pub(super) name: &'static str,
    /// `{me}`, `{first}`, `{group}`, `{post}`, `{event}` and `{conversation}` are ids.
    path: &'static str,
    /// Adds the item number `$1` with the time `$2`, and answers its id.
    add: &'static str,
    /// Removes the item with the id `$1`; or moves it up, where that is what becomes of items.
    remove: &'static str,
}

macro_rules! me {
    () => {
        "(select id from users where username = 'ana')"
    };
}

macro_rules! person {
    () => {
        "(select id from users where username = 'p' || $1::bigint)"
    };
}

macro_rules! group {
    () => {
        "(select min(id) from groups)"
    };
}

macro_rules! add_post {
    ($group:expr) => {
        concat!(
            "insert into posts (author_id, content, created_at, group_id) values (",
            me!(),
            ", 'post ' || $1::bigint, $2::timestamptz, ",
            $group,
            ") returning id"
        )
    };
}

macro_rules! add_follow {
    ($follower:expr, $followee:expr, $status:literal, $answer:literal) => {
        concat!(
            "insert into follows (follower_id, followee_id, status, created_at) values (",
            $follower,
            ", ",
            $followee,
            ", '",
            $status,
            "', $2::timestamptz) returning ",
            $answer
        )
    };
}

macro_rules! add_friendship {
    ($status:literal) => {
        concat!(
            "insert into friendships (first_user_id, second_user_id, status, requested_by, since) select least(me, p), greatest(me, p), '",
            $status,
            "', p, $2::timestamptz from (select ",
            me!(),
            " as me, ",
            person!(),
            " as p) pair returning case when first_user_id = ",
            me!(),
            " then second_user_id else first_user_id end"
        )
    };
}

macro_rules! add_message {
    ($conversation:literal) => {
        concat!(
            "with next as (
                update conversations set last_seq = last_seq + 1 where id = ",
            $conversation,
            " returning id, last_seq
            )
            insert into messages (conversation_id, seq, sender_id, content, created_at)
            select id, last_seq, ",
            me!(),
            ", 'message ' || $1::bigint, $2::timestamptz from next returning id"
        )
    };
}

/// A conversation with a message of somebody else, and whether it is a request, and to whom.
macro_rules! add_conversation {
    ($status:literal, $to:expr) => {
        concat!(
            "with pair as (select ",
            me!(),
            " as me, ",
            person!(),
            " as p),
            opened as (
                insert into conversations
                    (kind, first_user_id, second_user_id, last_seq, last_message_id, created_at, request_status, request_to)
                select
                    'direct', least(me, p), greatest(me, p), 1, nextval('messages_id_seq'), $2::timestamptz, ",
            $status,
            ", ",
            $to,
            " from pair
                returning id, last_message_id
            ),
            members as (
                insert into conversation_members (conversation_id, user_id, joined_at)
                select opened.id, who, $2 from opened, pair, unnest(array[me, p]) as who
            )
            insert into messages (id, conversation_id, seq, sender_id, content, created_at)
            select last_message_id, id, 1, p, 'hello', $2 from opened, pair returning conversation_id"
        )
    };
}

macro_rules! remove {
    ($table:literal, $id:literal) => {
        concat!("delete from ", $table, " where ", $id, " = $1::bigint")
    };
}

const REMOVE_POST: &str = "update posts set deleted_at = now() where id = $1";
const REMOVE_FRIENDSHIP: &str =
    "delete from friendships where $1::bigint in (first_user_id, second_user_id)";
/// Messages stay, as deleted ones.
const REMOVE_MESSAGE: &str = "update messages set deleted_at = now(), content = '' where id = $1";
const ADD_DIRECT_MESSAGE: &str =
    add_message!("(select min(id) from conversations where kind = 'direct')");

pub(super) const LISTS: &[List] = &[
    // What others need comes before what may remove it: the first post, the first event, the group.
    List {
        name: "comments",
        path: "/posts/{post}/comments",
        add: concat!(
            "insert into comments (post_id, author_id, content, created_at) values (
                (select min(id) from posts), ",
            me!(),
            ", 'comment ' || $1::bigint, $2::timestamptz) returning id"
        ),
        remove: remove!("comments", "id"),
    },
    List {
        name: "feed",
        path: "/feed",
        add: add_post!("null"),
        remove: REMOVE_POST,
    },
    List {
        name: "feed, by its other name",
        path: "/posts",
        add: add_post!("null"),
        remove: REMOVE_POST,
    },
    List {
        name: "public feed",
        path: "/feed?type=public",
        add: add_post!("null"),
        remove: REMOVE_POST,
    },
    List {
        name: "posts of somebody",
        path: "/users/{me}/posts",
        add: add_post!("null"),
        remove: REMOVE_POST,
    },
    List {
        name: "feed of a group",
        path: "/feed?type=group&group_id={group}",
        add: add_post!(group!()),
        remove: REMOVE_POST,
    },
    List {
        name: "posts of a group",
        path: "/groups/{group}/posts",
        add: add_post!(group!()),
        remove: REMOVE_POST,
    },
    List {
        name: "followers",
        path: "/users/{me}/followers",
        add: add_follow!(person!(), me!(), "accepted", "follower_id"),
        remove: remove!("follows", "follower_id"),
    },
    List {
        name: "following",
        path: "/users/{me}/following",
        add: add_follow!(me!(), person!(), "accepted", "followee_id"),
        remove: remove!("follows", "followee_id"),
    },
    List {
        name: "follow requests",
        path: "/follow/requests",
        add: add_follow!(person!(), me!(), "requested", "follower_id"),
        remove: remove!("follows", "follower_id"),
    },
    List {
        name: "friends",
        path: "/friends",
        add: add_friendship!("accepted"),
        remove: REMOVE_FRIENDSHIP,
    },
    List {
        name: "friend requests",
        path: "/friends/requests",
        add: add_friendship!("requested"),
        remove: REMOVE_FRIENDSHIP,
    },
    List {
        name: "members",
        path: "/groups/{group}/members",
        add: concat!(
            "insert into group_members (group_id, user_id, role, joined_at) values (",
            group!(),
            ", ",
            person!(),
            ", 'member', $2::timestamptz) returning user_id"
        ),
        // Not the owner, who asks.
        remove: "delete from group_members where user_id = $1 and role = 'member'",
    },
    List {
        name: "requests to join",
        path: "/groups/{group}/requests",
        add: concat!(
            "insert into group_join_requests (group_id, user_id, created_at) values (",
            group!(),
            ", ",
            person!(),
            ", $2::timestamptz) returning user_id"
        ),
        remove: remove!("group_join_requests", "user_id"),
    },
    List {
        name: "attendees",
        path: "/events/{event}/attendees",
        add: concat!(
            "with joined as (
                insert into group_members (group_id, user_id, role, joined_at) values (",
            group!(),
            ", ",
            person!(),
            ", 'member', now()) on conflict do nothing
            )
            insert into group_event_rsvps (event_id, group_id, user_id, status, answered_at) values (
                (select min(id) from group_events), ",
            group!(),
            ", ",
            person!(),
            ", 'going', $2::timestamptz) returning user_id"
        ),
        remove: remove!("group_event_rsvps", "user_id"),
    },
    List {
        name: "upcoming events",
        path: "/groups/{group}/events",
        add: concat!(
            "insert into group_events (group_id, creator_id, title, description, starts_at, created_at, updated_at)
            values (",
            group!(),
            ", ",
            me!(),
            ", 'event ' || $1::bigint, '', $2::timestamptz + interval '50 years', now(), now()) returning id"
        ),
        remove: "update group_events set cancelled_at = now() where id = $1",
    },
    List {
        name: "notifications",
        path: "/notifications",
        add: concat!(
            "insert into notifications (user_id, actor_id, kind, title, message, data, created_at) values (",
            me!(),
            ", ",
            person!(),
            ", 'follow', 'New follower', 'follows you', '{}', $2::timestamptz) returning id"
        ),
        remove: remove!("notifications", "id"),
    },
    List {
        name: "messages",
        path: "/conversations/{conversation}/messages",
        add: ADD_DIRECT_MESSAGE,
        remove: REMOVE_MESSAGE,
    },
    List {
        name: "messages with somebody",
        path: "/messages?user={first}",
        add: ADD_DIRECT_MESSAGE,
        remove: REMOVE_MESSAGE,
    },
    List {
        name: "messages with somebody, by offset or cursor",
        path: "/messages/private?user={first}",
        add: ADD_DIRECT_MESSAGE,
        remove: REMOVE_MESSAGE,
    },
    List {
        name: "messages of a group",
        path: "/messages/group?group={group}",
        add: add_message!("(select min(id) from conversations where kind = 'group')"),
        remove: REMOVE_MESSAGE,
    },
    List {
        name: "conversations",
        path: "/conversations",
        add: add_conversation!("null", "null"),
        // A message moves it up: it may be missed, because it has gone by, but is not there twice.
        remove: concat!(
            "with next as (
                update conversations set last_seq = last_seq + 1, last_message_id = nextval('messages_id_seq')
                where id = $1 returning id, last_seq, last_message_id
            )
            insert into messages (id, conversation_id, seq, sender_id, content, created_at)
            select last_message_id, id, last_seq, ",
            me!(),
            ", 'more', now() from next"
        ),
    },
    List {
        name: "message requests",
        path: "/messages/requests",
        add: add_conversation!("'pending'", "me"),
        remove: "update conversations set request_status = 'rejected' where id = $1",
    },
    List {
        name: "acts of admins",
        path: "/admin/audit",
        add: concat!(
            "insert into audit (at, actor_id, act, subject, detail) values ($2::timestamptz, ",
            me!(),
            ", 'test', 'test ' || $1::bigint, '{}') returning id"
        ),
        // They stay for ever.
        remove: "select id from audit where id = $1",
    },
    List {
        name: "keys",
        path: "/admin/keys",
        add: concat!(
            "insert into service_keys (user_id, name, prefix, hash, scopes, created_at) values (",
            me!(),
            ", 'test', 'prefix' || $1::bigint, '', '{}', $2::timestamptz) returning id"
        ),
        // They stay, as revoked ones.
        remove: "update service_keys set revoked_at = now() where id = $1",
    },
    List {
        name: "sessions",
        path: "/auth/sessions",
        add: concat!(
            "insert into sessions (user_id, device, created_at, last_used_at, expires_at) values (",
            me!(),
            ", 'device ' || $1::bigint, $2::timestamptz, $2, now() + interval '1 day') returning id"
        ),
        // Not the one that asks.
        remove: "update sessions set revoked_at = now() where id = $1 and device like 'device %'",
    },
    List {
        name: "people who are found",
        path: "/search?q=wolfgang",
        // By username, by name, and by a name that is merely much like it.
        add: "insert into users (username, email, password_hash, name, created_at, updated_at) values (
                (array['wolfgang', 'z', 'z'])[1 + $1::bigint % 3] || $1, 'w' || $1 || '@example.com', '!',
                (array['', 'Wolfgang', 'Wolfgnag'])[1 + $1 % 3], $2::timestamptz, $2
            ) returning id",
        remove: "update users set suspended_at = now() where id = $1",
    },
    List {
        name: "groups",
        path: "/groups",
        add: concat!(
            "with made as (
                insert into groups (name, is_private, created_at, updated_at)
                values ('group ' || $1::bigint, false, now(), now()) returning id
            ),
            chat as (
                insert into conversations (kind, group_id, created_at) select 'group', id, now() from made
            )
            insert into group_members (group_id, user_id, role, joined_at)
            select id, ",
            me!(),
            ", 'owner', $2::timestamptz from made returning group_id"
        ),
        remove: remove!("group_members", "group_id"),
    },
];

pub(super) struct World {
    pub(super) app: TestApp,
    pub(super) me: Actor,
    ids: Vec<(&'static str, i64)>,
    time: Timestamp,
}

impl World {
    pub(super) async fn create() -> Self {
        let app = TestApp::start_with(|settings| settings.http.rate_limits = false).await;
        let me = app.user_with("ana", Role::Admin).await;
        let db = app.app().read().await.unwrap();
        let people = "insert into users (username, email, password_hash, created_at, updated_at)
            select 'p' || number, 'p' || number || '@example.com', '!', now(), now()
            from generate_series(1, 2000) as number";
        db.execute(people, &[]).await.unwrap();
        let first: i64 = db
            .query_one("select id from users where username = 'p1'", &[])
            .await
            .unwrap();
        let id = |made: Value, field: &str| made[field].as_i64().unwrap();
        let group = me.post("/groups", &json!({"name": "Runners"})).await.ok();
        let group = id(group, "id");
        let post = me.post("/posts", &json!({"content": "hello"})).await.ok();
        let event = json!({"title": "A run", "starts_at": "2099-01-01T00:00:00Z"});
        let event = me.post(&format!("/groups/{group}/events"), &event).await;
        let message = json!({"to": first, "content": "hello"});
        let message = me.post("/messages", &message).await.ok();
        let ids = vec![
            ("{me}", me.id().get()),
            ("{first}", first),
            ("{group}", group),
            ("{post}", id(post, "id")),
            ("{event}", id(event.ok(), "id")),
            ("{conversation}", id(message, "conversation_id")),
        ];
        let time = "2026-01-01T00:00:00Z".parse().unwrap();
        drop(db);
        Self { app, me, ids, time }
    }

    pub(super) fn path(&self, list: &List) -> String {
        let path = list.path.to_owned();
        let path = self
            .ids
            .iter()
            .fold(path, |path, (name, id)| path.replace(name, &id.to_string()));
        let sign = if path.contains('?') { '&' } else { '?' };
        format!("{path}{sign}limit=")
    }

    async fn page(&self, path: &str) -> (Vec<i64>, Option<String>) {
        let page = self.me.get(path).await.ok();
        let items = page["items"].as_array().unwrap().iter();
        // A request is named by its conversation.
        let id = |item: &Value| item["id"].as_i64().or(item["conversation_id"].as_i64());
        let ids = items.map(|item| id(item).unwrap_or_else(|| panic!("{item}")));
        (
            ids.collect(),
            page["next_cursor"].as_str().map(str::to_owned),
        )
    }

    /// Few times for many items, so that many of them share one.
    pub(super) async fn add(&self, list: &List, number: i64, seconds: i64) -> i64 {
        let time = self.time + SignedDuration::from_secs(seconds);
        let db = self.app.app().read().await.unwrap();
        let added = db.query_one(list.add, &[&number, &time]).await;
        added.unwrap_or_else(|error| panic!("{}: {error:?}", list.name))
    }

    async fn remove(&self, list: &List, id: i64) {
        let db = self.app.app().read().await.unwrap();
        db.execute(list.remove, &[&id]).await.unwrap();
    }
}

/// Reads the list once in pages of random lengths while items come and go.
async fn read_while_it_changes(world: &World, list: &List, numbers: &mut i64, seed: u64) {
    let mut random = StdRng::seed_from_u64(seed);
    let mut next = || {
        *numbers += 1;
        *numbers
    };
    for _ in 0..8 {
        world.add(list, next(), random.random_range(0..4)).await;
    }
    let path = world.path(list);
    let (before, _) = world.page(&format!("{path}100")).await;
    assert!(before.len() >= 8, "{}: {before:?}", list.name);
    let mut removed = BTreeSet::new();
    let (mut read, mut cursor) = (Vec::new(), String::new());
    loop {
        let limit = random.random_range(1..4);
        let (page, next_cursor) = world.page(&format!("{path}{limit}{cursor}")).await;
        assert!(page.len() <= limit, "{}: {page:?}", list.name);
        read.extend(page);
        let Some(next_cursor) = next_cursor else {
            break;
        };
        cursor = format!("&cursor={next_cursor}");
        // Among the newest, or with a time that has been read already, or that is still to be read.
        world.add(list, next(), random.random_range(0..6)).await;
        if random.random_bool(0.5) {
            let gone = before[random.random_range(0..before.len())];
            world.remove(list, gone).await;
            removed.insert(gone);
        }
        assert!(read.len() < 300, "{}: no end", list.name);
    }
    let once: BTreeSet<_> = read.iter().collect();
    let name = list.name;
    assert_eq!(
        once.len(),
        read.len(),
        "{name}, seed {seed}: {read:?} repeats"
    );
    for item in before.iter().filter(|item| !removed.contains(item)) {
        assert!(
            once.contains(item),
            "{name}, seed {seed}: {item} of {before:?} is not in {read:?}"
        );
    }
}

#[tokio::test]
async fn pages_neither_skip_nor_repeat_while_items_come_and_go() {
    let world = World::create().await;
    let mut numbers = 0;
    for (list, seed) in LISTS.iter().zip(1..) {
        read_while_it_changes(&world, list, &mut numbers, seed).await;
    }
}

#[tokio::test]
async fn every_list_with_a_cursor_is_in_the_table() {
    let document: Value =
        serde_json::from_str(&crate::app::openapi::print(crate::features())).unwrap();
    let (mut missing, mut elsewhere) = (Vec::new(), Vec::new());
    for (path, methods) in document["paths"].as_object().unwrap() {
        let has_cursor = methods["get"]["parameters"]
            .as_array()
            .is_some_and(|list| list.iter().any(|parameter| parameter["name"] == "cursor"));
        let pattern = path.split(['{', '}']).step_by(2).collect::<Vec<_>>();
        let is_here = LISTS.iter().any(|list| {
            let list = list.path.split('?').next().unwrap_or_default();
            pattern == list.split(['{', '}']).step_by(2).collect::<Vec<_>>()
        });
        if has_cursor && !is_here {
            let has_story = ELSEWHERE.contains(&&**path);
            (if has_story {
                &mut elsewhere
            } else {
                &mut missing
            })
            .push(path.clone());
        }
    }
    assert!(missing.is_empty(), "{missing:?}");
    assert_eq!(elsewhere, ELSEWHERE);
}

/// Lists with stories of their own, because no statement adds to them: what each change of anything adds to (`sync`), and who
/// is online, which Redis alone knows (`presence`).
const ELSEWHERE: &[&str] = &["/sync", "/users/online"];
