//! Stories of the feed.

use jiff::SignedDuration;
use serde_json::{Value, json};
use shared::{clock::Clock, ids::PostId, wire::Channel};

use super::{
    queries::Recent,
    readers::{self, BOUNDS, Bounds},
};
use crate::app::testing::{Actor, TestApp};

impl Actor {
    /// Contents of all pages of the feed, read with this limit; `between` runs after each page.
    async fn pages_through_feed(&self, limit: u8, mut between: impl AsyncFnMut()) -> Vec<String> {
        let mut contents = Vec::new();
        let mut path = format!("/feed?limit={limit}");
        loop {
            let (page, cursor) = self.reads(&path).await;
            assert!(page.len() <= usize::from(limit), "{page:?}");
            contents.extend(page);
            let Some(cursor) = cursor else {
                return contents;
            };
            path = format!("/feed?limit={limit}&cursor={cursor}");
            between().await;
        }
    }
}

/// Stands still: the events of these stories are logged by the database's clock, which is not far.
fn manual_clock() -> Clock {
    Clock::manual(Clock::System.now())
}

#[tokio::test]
async fn the_feed_is_what_one_follows_and_oneself_the_newest_first() {
    let app = TestApp::start().await;
    let (ana, bo, eve) = (
        app.user("ana").await,
        app.user("bob").await,
        app.user("eve").await,
    );
    ana.follows(&bo).await;
    bo.posts("from bob").await;
    eve.posts("from eve").await;
    ana.posts("from ana").await;

    for path in ["/feed", "/feed?type=following", "/posts"] {
        assert_eq!(ana.reads(path).await.0, ["from ana", "from bob"], "{path}");
    }

    ana.follows(&eve).await;
    ana.delete(&format!("/users/{}/follow", bo.id())).await.ok();
    assert_eq!(ana.reads("/feed").await.0, ["from ana", "from eve"]);
}

#[tokio::test]
async fn a_request_opens_no_feed_until_it_is_accepted() {
    let app = TestApp::start().await;
    let (ana, bo) = (app.user("ana").await, app.private_user("bob").await);
    bo.posts("secret").await;

    ana.follows(&bo).await;
    assert_eq!(ana.reads("/feed").await.0, [""; 0]);

    let path = format!("/follow/requests/{}", ana.id());
    bo.post(&path, &json!({ "action": "accept" })).await.ok();
    assert_eq!(ana.reads("/feed").await.0, ["secret"]);
}

#[tokio::test]
async fn an_item_shows_author_counts_and_one_s_own_like() {
    let app = TestApp::start().await;
    let (ana, bo) = (app.user("ana").await, app.user("bob").await);
    ana.follows(&bo).await;
    let post = bo.posts("hello").await;
    ana.put(&format!("{post}/like"), &json!(null)).await.ok();

    let item = ana.get("/feed").await.ok()["items"][0].clone();
    assert_eq!(item, ana.get(&post).await.ok());
    assert_eq!(item["author"]["username"], "bob");
    assert_eq!(
        (&item["like_count"], &item["liked_by_me"]),
        (&json!(1), &json!(true))
    );
}

#[tokio::test]
async fn paging_neither_skips_nor_repeats_while_posts_come_in() {
    let clock = manual_clock();
    let app = TestApp::start_at(clock.clone(), |_| {}).await;
    let (ana, bo, eve) = (
        app.user("ana").await,
        app.user("bob").await,
        app.user("eve").await,
    );
    ana.follows(&bo).await;
    ana.follows(&eve).await;
    // Three at each point in time: the id decides where the time does not.
    let mut expected = Vec::new();
    for number in 0..5 {
        for author in [&ana, &bo, &eve] {
            let content = format!("{} {number}", author.username());
            author.posts(&content).await;
            expected.insert(0, content);
        }
        clock.advance(SignedDuration::from_secs(1));
    }

    for limit in [1, 2, 7, 15, 16, 100] {
        let read = ana.pages_through_feed(limit, async || {}).await;
        assert_eq!(read, expected, "limit {limit}");
    }
    let read = ana
        .pages_through_feed(4, async || {
            bo.posts("meanwhile").await;
        })
        .await;
    assert_eq!(read, expected);
}

#[tokio::test]
async fn a_post_that_is_deleted_between_pages_moves_no_other() {
    let app = TestApp::start_at(manual_clock(), |_| {}).await;
    let ana = app.user("ana").await;
    let mut posts = Vec::new();
    for number in 0..4 {
        posts.push(ana.posts(&number.to_string()).await);
    }

    let (first, cursor) = ana.reads("/feed?limit=2").await;
    assert_eq!(first, ["3", "2"]);
    // The post that the cursor stands on, and one before it.
    for post in &posts[2..] {
        assert_eq!(ana.delete(post).await.status, 204);
    }
    let next = format!("/feed?limit=2&cursor={}", cursor.unwrap());
    assert_eq!(
        ana.reads(&next).await,
        (vec!["1".to_owned(), "0".to_owned()], None)
    );
}

#[tokio::test]
async fn wrong_questions_are_told_so() {
    let app = TestApp::start().await;
    let ana = app.user("ana").await;

    for query in [
        "type=group",
        "type=group&group_id=0",
        "group_id=x",
        "type=private",
        "type=",
        "limit=0",
        "limit=101",
        "limit=x",
    ] {
        let answer = ana.get(&format!("/feed?{query}")).await;
        assert_eq!(answer.refusal(), (422, "validation_failed"), "{query}");
    }
    for cursor in ["x", "MQ", "LTEuNw", "MS4y.LjM", "%00"] {
        let answer = ana.get(&format!("/feed?cursor={cursor}")).await;
        assert_eq!(answer.refusal(), (400, "invalid_request"), "{cursor}");
    }
    assert_eq!(
        app.visitor().get("/feed").await.refusal(),
        (401, "unauthenticated")
    );
}

#[tokio::test]
async fn the_public_feed_is_what_everybody_may_see() {
    let app = TestApp::start().await;
    let (ana, bo) = (app.user("ana").await, app.user("bob").await);
    let (eve, max) = (app.user("eve").await, app.private_user("max").await);
    bo.posts("from bob").await;
    eve.posts("from eve").await;
    // Also for those who may see it: this feed is the same for everybody, but for blocks.
    max.posts("secret").await;
    max.follows(&ana).await;
    let public = "/feed?type=public";
    assert_eq!(ana.reads(public).await.0, ["from eve", "from bob"]);
    eve.put(&format!("/users/{}/block", ana.id()), &json!(null))
        .await
        .ok();
    for (reader, expected) in [
        (&ana, vec!["from bob"]),
        (&bo, vec!["from eve", "from bob"]),
    ] {
        assert_eq!(reader.reads(public).await.0, expected);
    }
    let (first, cursor) = bo.reads(&format!("{public}&limit=1")).await;
    let next = format!("{public}&limit=1&cursor={}", cursor.unwrap());
    assert_eq!(
        (first, bo.reads(&next).await),
        (
            vec!["from eve".to_owned()],
            (vec!["from bob".to_owned()], None)
        )
    );
}

#[tokio::test]
async fn what_is_posted_in_a_group_is_for_its_members() {
    let app = TestApp::start().await;
    let (ana, bo, eve) = (
        app.user("ana").await,
        app.user("bob").await,
        app.user("eve").await,
    );
    bo.follows(&ana).await;
    eve.follows(&ana).await;
    let group = ana
        .post(
            "/groups",
            &json!({ "name": "Runners", "is_private": false }),
        )
        .await
        .ok()["id"]
        .clone();
    bo.post(&format!("/groups/{group}/join"), &json!({}))
        .await
        .ok();
    let path = format!("/groups/{group}/posts");
    let written = ana.post(&path, &json!({ "content": "for members" })).await;
    assert_eq!((written.status, &written.json["group_id"]), (201, &group));
    bo.post("/posts", &json!({ "content": "me too", "group_id": group }))
        .await
        .ok();
    let post = format!("/posts/{}", written.json["id"]);
    let feed = format!("/feed?type=group&group_id={group}");
    for reader in [&ana, &bo] {
        assert_eq!(reader.reads(&path).await.0, ["me too", "for members"]);
        assert_eq!(reader.reads(&feed).await.0, ["me too", "for members"]);
        assert_eq!(reader.get(&post).await.status, 200);
    }
    // Following the author, and the author's account being public, make nobody a member.
    for path in [&path, &feed, &post] {
        assert_eq!(eve.get(path).await.refusal(), (404, "not_found"), "{path}");
    }
    let intruder = json!({ "content": "hi", "group_id": group });
    assert_eq!(
        eve.post("/posts", &intruder).await.refusal(),
        (404, "not_found")
    );
    for feed in [
        "/feed",
        "/feed?type=public",
        &format!("/users/{}/posts", ana.id()),
    ] {
        assert_eq!(eve.reads(feed).await.0, [""; 0], "{feed}");
        assert_eq!(bo.reads(feed).await.0, [""; 0], "{feed}");
    }
    bo.post(&format!("/groups/{group}/leave"), &json!({})).await;
    assert_eq!(bo.get(&post).await.refusal(), (404, "not_found"));
}

#[tokio::test]
async fn new_posts_are_announced_folded_to_those_in_whose_feed_they_are() {
    let app = TestApp::start().await;
    let (ana, bo) = (app.user("ana").await, app.user("bob").await);
    let (eve, max) = (app.private_user("eve").await, app.user("max").await);
    app.ears().join(Channel::Broadcast).await;
    ana.follows(&bo).await;
    let heard = ana.hears("feed_update_available").await;
    assert_eq!(
        heard.data(),
        &json!({ "kind": "following", "group_id": null })
    );
    ana.follows(&eve).await;
    let accept = json!({ "action": "accept" });
    let path = format!("/follow/requests/{}", ana.id());
    eve.post(&path, &accept).await.ok();
    ana.hears("feed_update_available").await;
    let group = json!({ "name": "Runners", "is_private": true });
    let group = bo.post("/groups", &group).await.ok()["id"].clone();
    let channel = Channel::Group(group.to_string().parse().unwrap());
    app.ears().join(channel).await;

    bo.posts("first").await;
    eve.posts("secret").await;
    let last = bo.posts("last").await;
    let for_group = json!({ "content": "for members", "group_id": group });
    let for_group = bo.post("/posts", &for_group).await.ok()["id"].clone();

    // Whether the second ended in between or not: the counts add up, and the last notice tells of the last post.
    let last = json!(last.trim_start_matches("/posts/").parse::<i64>().unwrap());
    for (channel, feed_type, count) in [
        (ana.channel(), "following", 3),
        (Channel::Broadcast, "public", 2),
    ] {
        let mut told = 0;
        while told < count {
            let heard = app.ears().hear(channel, "new_posts_available").await;
            assert_eq!(heard.event.position, None);
            assert_eq!(heard.data()["feed_type"], feed_type);
            told += heard.data()["count"].as_i64().unwrap();
            if told == count {
                assert_eq!(heard.data()["latest_post_id"], last);
            }
        }
        assert_eq!(told, count, "{feed_type}");
    }
    let heard = app.ears().hear(channel, "new_posts_available").await;
    let expected = json!({
        "count": 1, "latest_post_id": for_group, "feed_type": "group", "group_id": group
    });
    assert_eq!(heard.data(), &expected);
    for nobody in [&bo, &eve, &max] {
        let unheard = nobody.unheard();
        assert!(!unheard.iter().any(|kind| kind == "new_posts_available"));
    }
}

async fn joins(who: &Actor, group: &Value) {
    let path = format!("/groups/{group}/join");
    who.post(&path, &json!({})).await.ok();
}

#[tokio::test]
async fn a_new_post_is_told_to_those_whose_feed_it_enters() {
    let app = TestApp::start().await;
    let (bo, dan) = (app.user("bob").await, app.private_user("dan").await);
    let (ana, eve) = (app.user("ana").await, app.user("eve").await);
    for reader in [&ana, &eve] {
        reader.follows(&bo).await;
        // Dan accepts Ana alone.
        reader.follows(&dan).await;
    }
    let accept = json!({ "action": "accept" });
    let path = format!("/follow/requests/{}", ana.id());
    dan.post(&path, &accept).await.ok();
    let group = json!({ "name": "Runners", "is_private": false });
    let group = bo.post("/groups", &group).await.ok()["id"].clone();
    joins(&ana, &group).await;
    joins(&eve, &group).await;

    let secret = dan.posts("secret").await;
    let heard = ana.hears("new_post").await;
    assert_eq!(heard.data(), &ana.get(&secret).await.ok());
    assert_eq!(heard.event.position, None, "it is not kept");
    assert_eq!(heard.body["from_user_id"], json!(dan.id()));

    // A block ends following, and not being in the same group.
    let block = format!("/users/{}/block", bo.id());
    eve.put(&block, &Value::Null).await.ok();
    let for_group = json!({ "content": "for members", "group_id": group });
    bo.post("/posts", &for_group).await.ok();
    let heard = ana.hears("new_post").await;
    assert_eq!(heard.data()["group_id"], group);
    bo.posts("for followers").await;
    assert_eq!(
        ana.hears("new_post").await.data()["content"],
        "for followers"
    );

    // Nothing came to Eve before this, nor to whoever wrote the others.
    eve.follows(&ana).await;
    bo.follows(&ana).await;
    ana.posts("the last").await;
    for reader in [&eve, &bo] {
        let heard = reader.hears("new_post").await;
        assert_eq!(heard.data()["content"], "the last");
    }
    assert!(!ana.unheard().contains(&"new_post".to_owned()));
}

/// A post that the job does not look so far back for.
async fn old_post(app: &TestApp, author: &Actor, number: i64) -> Recent {
    let insert = "
        insert into posts (author_id, content, created_at)
        values ($1, $2, now() - interval '1 hour')
        returning id";
    let db = app.app().read().await.unwrap();
    let content = format!("number {number}");
    let id: PostId = db
        .query_one(insert, &[&author.id().get(), &content])
        .await
        .unwrap();
    Recent {
        id,
        author: author.id(),
        group: None,
        is_public: true,
    }
}

#[tokio::test]
async fn past_the_bounds_readers_hear_only_that_there_is_something() {
    let app = TestApp::start().await;
    let bo = app.user("bob").await;
    let mut readers = Vec::new();
    for name in ["ana", "dan", "eve", "kim"] {
        let reader = app.user(name).await;
        reader.follows(&bo).await;
        readers.push(reader);
    }
    let tell =
        async |news: &[Recent], bounds| readers::tell(app.app(), news, bounds).await.unwrap();
    let news = [old_post(&app, &bo, 1).await, old_post(&app, &bo, 2).await];
    // Room for two posts to each of two readers, and for one more to hear of them.
    let few = Bounds {
        posts: 5,
        notices: 3,
        ..BOUNDS
    };
    tell(&news, few).await;
    // More at once than anybody reads as they come.
    let mut many = Vec::new();
    for number in 3..=8 {
        many.push(old_post(&app, &bo, number).await);
    }
    tell(&many, BOUNDS).await;
    // Nobody but one is looked at.
    let one = Bounds { looks: 1, ..BOUNDS };
    tell(&[old_post(&app, &bo, 9).await], one).await;
    let last = old_post(&app, &bo, 10).await;
    let (last_id, latest) = (json!(last.id), json!(many[5].id));
    tell(&[last], BOUNDS).await;

    let mut told = Vec::new();
    for reader in &readers {
        let (mut posts, mut notices) = (Vec::new(), Vec::new());
        while posts.last() != Some(&last_id) {
            posts.push(reader.hears("new_post").await.data()["id"].clone());
        }
        while notices.last() != Some(&last_id) {
            let heard = reader.hears("new_posts_available").await;
            notices.push(heard.data()["latest_post_id"].clone());
            if notices.last() == Some(&latest) {
                assert_eq!(heard.data()["count"], 6);
            }
        }
        told.push((posts.len(), notices.len()));
    }
    // Two and the last, the notice of many for everybody; one of the four has the ninth, and its notice.
    let looked_at = told.iter().position(|(posts, _)| [2, 4].contains(posts));
    let looked_at = looked_at.expect("one of them");
    told[looked_at].0 -= 1;
    told[looked_at].1 -= 1;
    assert_eq!(told, [(3, 3), (3, 3), (1, 3), (1, 2)]);
}
