//! Who may know of, see and write to whom: every combination of what two people can be to each other, against the rule as
//! it is told in words.

use serde_json::json;
use shared::ids::{PostId, UserId};
use tokio_postgres::types::ToSql;

use super::{may_contact, may_meet, may_see};
use crate::{
    app::{db::Connection, testing::TestApp},
    posts,
};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Follow {
    No,
    Requested,
    Accepted,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Friendship {
    No,
    AskedByViewer,
    AskedByAccount,
    Accepted,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Block {
    No,
    ByViewer,
    ByAccount,
    ByBoth,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fate {
    Open,
    Suspended,
    Closed,
}

/// What a viewer and an account are to each other, and what the account is.
#[derive(Debug, Clone, Copy)]
struct Case {
    viewer_follows: Follow,
    account_follows: Follow,
    friendship: Friendship,
    block: Block,
    is_private: bool,
    fate: Fate,
}

fn cases() -> impl Iterator<Item = Case> {
    const FOLLOWS: [Follow; 3] = [Follow::No, Follow::Requested, Follow::Accepted];
    const FRIENDSHIPS: [Friendship; 4] = [
        Friendship::No,
        Friendship::AskedByViewer,
        Friendship::AskedByAccount,
        Friendship::Accepted,
    ];
    const BLOCKS: [Block; 4] = [Block::No, Block::ByViewer, Block::ByAccount, Block::ByBoth];
    const FATES: [Fate; 3] = [Fate::Open, Fate::Suspended, Fate::Closed];
    let count = FOLLOWS.len() * FOLLOWS.len() * FRIENDSHIPS.len() * BLOCKS.len() * FATES.len() * 2;
    (0..count).map(|mut number| {
        // The digits of the number, each to the base of its list.
        let mut next = |base: usize| {
            let digit = number % base;
            number /= base;
            digit
        };
        Case {
            viewer_follows: FOLLOWS[next(FOLLOWS.len())],
            account_follows: FOLLOWS[next(FOLLOWS.len())],
            friendship: FRIENDSHIPS[next(FRIENDSHIPS.len())],
            block: BLOCKS[next(BLOCKS.len())],
            fate: FATES[next(FATES.len())],
            is_private: next(2) == 1,
        }
    })
}

impl Case {
    /// There for each other: nothing else matters where this does not hold.
    fn may_meet(self) -> bool {
        self.fate == Fate::Open && self.block == Block::No
    }

    fn may_see(self) -> bool {
        let is_friend = self.friendship == Friendship::Accepted;
        let is_follower = self.viewer_follows == Follow::Accepted;
        self.may_meet() && (!self.is_private || is_follower || is_friend)
    }

    /// `None`: there is nobody to write to.
    fn may_contact(self) -> Option<bool> {
        let is_friend = self.friendship == Friendship::Accepted;
        let is_followed = self.account_follows == Follow::Accepted;
        self.may_meet()
            .then_some(!self.is_private || is_followed || is_friend)
    }

    async fn arrange(self, db: &Connection, viewer: UserId, account: UserId) {
        let (viewer, account) = (viewer.get(), account.get());
        let (suspended, closed) = (self.fate == Fate::Suspended, self.fate == Fate::Closed);
        db.execute(FORGET, &[]).await.unwrap();
        db.execute(
            SET_ACCOUNT,
            &[&account, &self.is_private, &suspended, &closed],
        )
        .await
        .unwrap();
        for (follow, (follower, followee)) in [
            (self.viewer_follows, (viewer, account)),
            (self.account_follows, (account, viewer)),
        ] {
            let status = match follow {
                Follow::No => continue,
                Follow::Requested => "requested",
                Follow::Accepted => "accepted",
            };
            let parameters: [&(dyn ToSql + Sync); 3] = [&follower, &followee, &status];
            db.execute(ADD_FOLLOW, &parameters).await.unwrap();
        }
        let friendship = match self.friendship {
            Friendship::No => None,
            Friendship::AskedByViewer => Some((viewer, "requested")),
            Friendship::AskedByAccount => Some((account, "requested")),
            Friendship::Accepted => Some((viewer, "accepted")),
        };
        if let Some((by, status)) = friendship {
            let parameters: [&(dyn ToSql + Sync); 4] = [&viewer, &account, &status, &by];
            db.execute(ADD_FRIENDSHIP, &parameters).await.unwrap();
        }
        if matches!(self.block, Block::ByViewer | Block::ByBoth) {
            db.execute(ADD_BLOCK, &[&viewer, &account]).await.unwrap();
        }
        if matches!(self.block, Block::ByAccount | Block::ByBoth) {
            db.execute(ADD_BLOCK, &[&account, &viewer]).await.unwrap();
        }
    }
}

const FORGET: &str = "
with follows as (delete from follows), friendships as (delete from friendships)
delete from blocks";
const SET_ACCOUNT: &str = "
update users
set is_private = $2,
    suspended_at = case when $3 then now() end,
    deleted_at = case when $4 then now() end,
    -- What is left of a closed account stays as it is arranged here.
    emptied_at = case when $4 then now() end
where id = $1";
const ADD_FOLLOW: &str = "
insert into follows (follower_id, followee_id, status, created_at) values ($1, $2, $3, now())";
const ADD_FRIENDSHIP: &str = "
insert into friendships (first_user_id, second_user_id, status, requested_by, since)
values (least($1::bigint, $2::bigint), greatest($1::bigint, $2::bigint), $3, $4, now())";
const ADD_BLOCK: &str = "
insert into blocks (blocker_id, blocked_id, created_at) values ($1, $2, now())";

/// What the code says: whether they may meet, whether one sees the account, whether one sees its post, and whether one may
/// write to it, if there is anybody to write to.
async fn said(
    db: &Connection,
    viewer: UserId,
    (account, post): (UserId, PostId),
) -> (bool, bool, bool, Option<bool>) {
    let contact = match may_contact(db, viewer, account).await {
        Ok(may) => Some(may),
        Err(error) => {
            assert_eq!(error.code().name(), "not_found");
            None
        }
    };
    (
        may_meet(db, viewer, account).await.unwrap(),
        may_see(db, viewer, account).await.unwrap(),
        posts::may_see(db, viewer, post).await.unwrap(),
        contact,
    )
}

#[tokio::test]
async fn who_may_do_what_crossed_with_every_relation() {
    let app = TestApp::start().await;
    let (ana, bob) = (app.user("ana").await, app.user("bob").await);
    let mut shows = Vec::new();
    for author in [&ana, &bob] {
        let path = author.posts("hello").await;
        let post = path.trim_start_matches("/posts/").parse().unwrap();
        shows.push((author.id(), post));
    }
    let db = app.app().read().await.unwrap();
    let mut count = 0;
    // Each way round: what is stored of a pair is ordered by id.
    for (viewer, shown) in [(bob.id(), shows[0]), (ana.id(), shows[1])] {
        let (account, post) = shown;
        for case in cases() {
            case.arrange(&db, viewer, account).await;
            let expected = (
                case.may_meet(),
                case.may_see(),
                case.may_see(),
                case.may_contact(),
            );
            assert_eq!(said(&db, viewer, shown).await, expected, "{case:?}");
            // Nobody is hidden from oneself, whatever others do.
            let own = posts::may_see(&db, account, post).await.unwrap();
            assert!(
                own && may_see(&db, account, account).await.unwrap(),
                "{case:?}"
            );
            count += 1;
        }
        let open = Case {
            is_private: false,
            fate: Fate::Open,
            ..cases().next().unwrap()
        };
        open.arrange(&db, viewer, account).await;
    }
    assert_eq!(count, 2 * 3 * 3 * 4 * 4 * 3 * 2);
}

#[tokio::test]
async fn whoever_is_suspended_or_has_closed_the_account_is_in_no_list_until_they_are_back() {
    let app = TestApp::start().await;
    let (ana, bob, eve) = (
        app.user("ana").await,
        app.user("bob").await,
        app.user("eve").await,
    );
    let post = ana.posts("by ana").await;
    for person in [&bob, &eve] {
        ana.befriends(person).await;
        person.follows(&ana).await;
        ana.follows(person).await;
        person.posts(person.username()).await;
        let comment = json!({ "content": person.username() });
        let path = format!("{post}/comments");
        person.post(&path, &comment).await.ok();
    }
    let (profile, posts) = (
        format!("/users/{}", bob.id()),
        format!("/users/{}/posts", bob.id()),
    );
    let db = app.app().read().await.unwrap();

    for (suspended, closed) in [(true, false), (false, true), (true, true)] {
        let parameters: [&(dyn ToSql + Sync); 4] = [&bob.id().get(), &false, &suspended, &closed];
        db.execute(SET_ACCOUNT, &parameters).await.unwrap();
        for list in [
            "/friends".to_owned(),
            format!("/users/{}/followers", ana.id()),
            format!("/users/{}/following", ana.id()),
        ] {
            assert_eq!(ana.lists(&list).await.0, ["eve"], "{list}");
        }
        assert_eq!(ana.lists("/search?q=bob").await.0, [""; 0]);
        assert_eq!(ana.reads(&format!("{post}/comments")).await.0, ["eve"]);
        // The page is as full as it would be without them.
        let (page, cursor) = ana.reads("/feed?limit=1").await;
        assert_eq!(page, ["eve"]);
        let path = format!("/feed?limit=1&cursor={}", cursor.unwrap());
        assert_eq!(ana.reads(&path).await.0, ["by ana"]);
        for path in [&profile, &posts] {
            assert_eq!(ana.get(path).await.refusal(), (404, "not_found"), "{path}");
        }
    }

    let parameters: [&(dyn ToSql + Sync); 4] = [&bob.id().get(), &false, &false, &false];
    db.execute(SET_ACCOUNT, &parameters).await.unwrap();
    assert_eq!(ana.lists("/friends").await.0, ["eve", "bob"]);
    ana.get(&profile).await.ok();
}
