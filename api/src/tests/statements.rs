//! A request runs a number of statements that has nothing to do with the length of what it answers.

use super::cursors::{LISTS, World};

/// The session's; the one that lists; and some have to ask first whether there is such a list, or how much is unread.
const LIST_MAX: u64 = 4;

/// How many statements the pod has run for requests.
fn statements(world: &World) -> u64 {
    let text = world.app.app().metrics().registry.render().unwrap();
    let text = String::from_utf8(text).unwrap();
    let lines = text.lines();
    let counts = lines.filter(|line| line.contains("http_request_statements_total{"));
    let counts = counts.map(|line| line.rsplit(' ').next().unwrap().parse::<u64>().unwrap());
    counts.sum()
}

/// What reading this takes, once its statements are prepared.
async fn count(world: &World, path: &str) -> u64 {
    world.me.get(path).await.ok();
    let before = statements(world);
    world.me.get(path).await.ok();
    statements(world) - before
}

#[tokio::test]
async fn a_page_takes_as_many_statements_as_an_item() {
    let world = World::create().await;
    let mut number = 0;
    for list in LISTS {
        let path = format!("{}100", world.path(list));
        let mut counts = Vec::new();
        for items in [1, 12] {
            for _ in 0..items {
                number += 1;
                world.add(list, number, number % 4).await;
            }
            counts.push(count(&world, &path).await);
        }
        let name = list.name;
        assert_eq!(counts[0], counts[1], "{name}");
        assert!((2..=LIST_MAX).contains(&counts[0]), "{name}: {counts:?}");
    }
}

#[tokio::test]
async fn single_things_and_whole_screens_take_as_many_statements_as_ever() {
    let world = World::create().await;
    let named = |name: &str| LISTS.iter().find(|list| list.name == name).unwrap();
    let post = world.path(named("comments"));
    let post = post.split("/comments").next().unwrap();
    let mut number = 0;
    let mut counts = Vec::new();
    for _ in 0..2 {
        let paths = [post, "/conversations?limit=100", "/bootstrap"];
        let mut taken = Vec::new();
        for path in paths {
            taken.push(count(&world, path).await);
        }
        counts.push(taken);
        for list in [
            "comments",
            "feed",
            "groups",
            "messages",
            "notifications",
            "followers",
        ] {
            for _ in 0..8 {
                number += 1;
                world.add(named(list), number, number % 4).await;
            }
        }
    }
    assert_eq!(counts[0], counts[1]);
    // The session, and the post with its author and all counts.
    assert_eq!(counts[0][0], 2);
    assert_eq!(counts[0][1], 2);
    assert!(counts[0][2] <= 16, "{counts:?}");
}
