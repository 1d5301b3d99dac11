//! Stories of the feed.

use jiff::SignedDuration;
use serde_json::json;
use shared::clock::Clock;

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
        "type=public",
        "type=group",
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
