//! Stories of profiles.

use serde_json::{Value, json};
use shared::ids::UserId;

use super::{find_people, find_person, may_contact, may_see};
use crate::app::testing::{Actor, TestApp};

fn usernames(page: &Value) -> Vec<&str> {
    let items = page["items"].as_array().unwrap();
    items
        .iter()
        .map(|item| item["username"].as_str().unwrap())
        .collect()
}

#[tokio::test]
async fn a_profile_is_seen_by_others_without_what_is_private() {
    let app = TestApp::start().await;
    let (ana, bo) = (app.user("ana").await, app.private_user("bo").await);
    let profile = ana.get(&format!("/users/{}", bo.id())).await.ok();
    insta::assert_json_snapshot!(profile, {".created_at" => "[time]"}, @r#"
    {
      "avatar": null,
      "bio": "",
      "created_at": "[time]",
      "id": 2,
      "is_private": true,
      "name": "Bo",
      "username": "bo"
    }
    "#);
    assert_eq!(
        app.visitor().get("/users/1").await.refusal(),
        (401, "unauthenticated")
    );
}

#[tokio::test]
async fn a_change_touches_what_it_names_and_text_stays_as_it_was_given() {
    let app = TestApp::start().await;
    let ana = app.user("ana").await;
    let bio = "<script>alert('hi')</script> ' \" \\ \u{202e} 👩‍👩‍👧";
    let change = json!({"bio": bio, "avatar": "https://example.com/a.png"});
    let changed = ana.patch("/users/me", &change).await.ok();
    assert_eq!(
        (&changed["bio"], &changed["name"]),
        (&json!(bio), &json!("Ana"))
    );

    let changed = ana
        .patch("/users/me", &json!({"name": "", "avatar": null}))
        .await
        .ok();
    assert_eq!(changed["avatar"], Value::Null);
    assert_eq!(
        (&changed["bio"], &changed["name"]),
        (&json!(bio), &json!(""))
    );
    let unchanged = ana.patch("/users/me", &json!({})).await.ok();
    assert_eq!(unchanged, changed);
}

#[tokio::test]
async fn every_field_of_a_change_that_is_too_long_is_named() {
    let app = TestApp::start().await;
    let ana = app.user("ana").await;
    let change = json!({"name": "ä".repeat(101), "bio": "ä".repeat(501)});
    let refused = ana.patch("/users/me", &change).await;
    assert_eq!(refused.refusal(), (422, "validation_failed"));
    assert_eq!(refused.json["errors"][0]["field"], "name");
    assert_eq!(refused.json["errors"][1]["field"], "bio");
    let fits = json!({"name": "ä".repeat(100), "bio": "ä".repeat(500)});
    ana.patch("/users/me", &fits).await.ok();
}

#[tokio::test]
async fn people_are_found_by_the_beginning_of_either_name_page_by_page() {
    let app = TestApp::start().await;
    let ana = app.user("ana").await;
    for name in ["anders", "anneke", "ben_an", "bert"] {
        app.user(name).await;
    }
    let ben = app.user("ben").await;
    ben.patch("/users/me", &json!({"name": "Änne An"}))
        .await
        .ok();

    let found = ana.get("/search?q=AN").await.ok();
    assert_eq!(usernames(&found), ["ana", "anders", "anneke"]);
    let first = ana.get("/search?q=an&limit=2").await.ok();
    assert_eq!(usernames(&first), ["ana", "anders"]);
    let cursor = first["next_cursor"].as_str().unwrap();
    let second = ana
        .get(&format!("/search?q=an&limit=2&cursor={cursor}"))
        .await
        .ok();
    assert_eq!(usernames(&second), ["anneke"]);
    assert_eq!(second["next_cursor"], Value::Null);
    let by_name = ana.get("/search?q=%C3%A4nn").await.ok();
    assert_eq!(usernames(&by_name), ["ben"]);
    let one = &by_name["items"][0];
    assert_eq!(
        *one,
        json!({"id": ben.id(), "username": "ben", "name": "Änne An", "avatar": null})
    );
}

#[tokio::test]
async fn a_letter_that_is_wrong_or_missing_does_no_harm() {
    let app = TestApp::start().await;
    let (ana, max) = (app.user("ana").await, app.private_user("maximilian").await);
    app.user("katharina").await;
    let name = json!({ "name": "Sebastian Maier" });
    max.patch("/users/me", &name).await.ok();
    for query in [
        "maximilian",
        "maximilan",
        "maxmilian",
        "sebastain",
        "sebstian%20maier",
    ] {
        let found = ana.get(&format!("/search?q={query}")).await.ok();
        assert_eq!(usernames(&found), ["maximilian"], "{query}");
    }
    let found = ana.get("/search?q=kathrina").await.ok();
    assert_eq!(usernames(&found), ["katharina"]);
    assert_eq!(
        usernames(&ana.get("/search?q=wolfgang").await.ok()),
        [""; 0]
    );
}

/// Everybody who is found, page by page.
async fn found(who: &Actor, query: &str, limit: usize) -> Vec<String> {
    let (mut people, mut cursor) = (Vec::new(), String::new());
    loop {
        let path = format!("/search?q={query}&limit={limit}{cursor}");
        let page = who.get(&path).await.ok();
        people.extend(usernames(&page).into_iter().map(str::to_owned));
        match page["next_cursor"].as_str() {
            Some(next) => cursor = format!("&cursor={next}"),
            None => return people,
        }
    }
}

#[tokio::test]
async fn who_is_called_so_comes_before_who_begins_so_and_they_before_who_is_merely_alike() {
    let app = TestApp::start().await;
    let ana = app.user("ana").await;
    for name in [
        "martha", "martina", "marta_z", "marta", "marta_k", "zoe", "yann",
    ] {
        app.user(name).await;
    }
    let secret = app.private_user("quentin").await;
    for (who, name) in [
        ("zoe", "Marta Zauber"),
        ("yann", "MARTA"),
        ("quentin", "Marta Q"),
    ] {
        let named = [who, name];
        let db = app.app().read().await.unwrap();
        let rename = "update users set name = $2 where username = $1";
        db.execute(rename, &[&named[0], &named[1]]).await.unwrap();
    }
    let told = json!({"bio": "Walpurgisnacht"});
    secret.patch("/users/me", &told).await.ok();
    let expected = [
        "marta", "marta_k", "marta_z", "yann", "quentin", "zoe", "martha", "martina",
    ];
    for limit in [1, 2, 3, 100] {
        assert_eq!(found(&ana, "Marta", limit).await, expected, "{limit}");
    }
    assert_eq!(found(&ana, "walpurgisnacht", 20).await, [""; 0]);
}

#[tokio::test]
async fn whom_one_may_not_know_of_is_not_found_by_any_spelling() {
    let app = TestApp::start().await;
    let ana = app.user("ana").await;
    let names = [
        "wolfgang_a",
        "wolfgang_b",
        "wolfgang_c",
        "wolfgang_d",
        "wolfgang",
    ];
    let mut people = Vec::new();
    for name in names {
        people.push(app.user(name).await);
    }
    ana.blocks(&people[0]).await;
    people[1].blocks(&ana).await;
    let db = app.app().read().await.unwrap();
    let suspend = "update users set suspended_at = now() where username = 'wolfgang_c'";
    db.execute(suspend, &[]).await.unwrap();
    people[3].delete("/users/me").await;
    people[4].blocks(&ana).await;
    for query in ["wolfgang", "wolfgang_a", "wolf", "wolfgnag", "volfgang"] {
        assert_eq!(found(&ana, query, 20).await, [""; 0], "{query}");
    }
    ana.delete(&format!("/users/{}/block", people[0].id()))
        .await;
    assert_eq!(found(&ana, "wolfgang", 20).await, ["wolfgang_a"]);
}

#[tokio::test]
async fn what_means_something_in_a_pattern_is_searched_as_it_stands() {
    let app = TestApp::start().await;
    let ana = app.user("ana").await;
    app.user("ben_an").await;
    app.user("benxan").await;
    assert_eq!(usernames(&ana.get("/search?q=ben_").await.ok()), ["ben_an"]);
    for query in ["%25", "%5C", "_", "a%25"] {
        let found = ana.get(&format!("/search?q={query}")).await.ok();
        assert_eq!(found["items"], json!([]), "{query}");
    }
    for query in [
        "",
        "?q=",
        "?q=%20",
        "?q=%00",
        &format!("?q={}", "x".repeat(101)),
    ] {
        let refused = ana.get(&format!("/search{query}")).await;
        assert!(
            matches!(refused.status, 400 | 422),
            "{query}: {}",
            refused.json
        );
    }
}

async fn follows(follower: &Actor, followee: &Actor) {
    let path = format!("/users/{}/follow", followee.id());
    follower.put(&path, &json!({})).await.ok();
}

#[tokio::test]
async fn one_may_write_to_public_accounts_and_to_private_ones_that_follow_back() {
    let app = TestApp::start().await;
    let (ana, bo) = (app.user("ana").await, app.private_user("bo").await);
    let read = app.app().read().await.unwrap();
    assert!(may_contact(&read, bo.id(), ana.id()).await.unwrap());
    assert!(!may_contact(&read, ana.id(), bo.id()).await.unwrap());
    follows(&ana, &bo).await;
    assert!(
        !may_contact(&read, ana.id(), bo.id()).await.unwrap(),
        "asking is not enough"
    );
    follows(&bo, &ana).await;
    assert!(may_contact(&read, ana.id(), bo.id()).await.unwrap());
    let nobody = UserId::new(4711).unwrap();
    let refused = may_contact(&read, ana.id(), nobody).await.unwrap_err();
    assert_eq!(refused.code().name(), "not_found");
}

#[tokio::test]
async fn a_private_account_is_seen_by_itself_and_accepted_followers() {
    let app = TestApp::start().await;
    let (ana, bo) = (app.user("ana").await, app.private_user("bo").await);
    let read = app.app().read().await.unwrap();
    assert!(may_see(&read, bo.id(), ana.id()).await.unwrap());
    assert!(may_see(&read, bo.id(), bo.id()).await.unwrap());
    follows(&ana, &bo).await;
    assert!(!may_see(&read, ana.id(), bo.id()).await.unwrap());
    let accept = json!({"action": "accept"});
    bo.post(&format!("/follow/requests/{}", ana.id()), &accept)
        .await
        .ok();
    assert!(may_see(&read, ana.id(), bo.id()).await.unwrap());
    assert!(
        !may_see(&read, ana.id(), UserId::new(4711).unwrap())
            .await
            .unwrap()
    );
}

#[tokio::test]
async fn people_are_looked_up_one_by_one_or_together() {
    let app = TestApp::start().await;
    let (ana, bo) = (app.user("ana").await, app.user("bo").await);
    let read = app.app().read().await.unwrap();
    assert_eq!(
        find_person(&read, ana.id()).await.unwrap().display_name(),
        "Ana"
    );
    let nobody = UserId::new(4711).unwrap();
    assert!(find_person(&read, nobody).await.is_err());
    let people = find_people(&read, &[ana.id(), bo.id(), nobody])
        .await
        .unwrap();
    assert_eq!(people.len(), 2);
}
