use std::time::Duration;

use jiff::{SignedDuration, Timestamp};

use super::*;
use crate::{
    clock::Clock,
    ids::{SessionId, UserId},
};

const MINUTE: Duration = Duration::from_mins(1);

fn secret(letter: &str) -> Secret {
    letter.repeat(32).parse().unwrap()
}

fn ana() -> (UserId, SessionId, Role) {
    (
        UserId::new(1).unwrap(),
        SessionId::new(10).unwrap(),
        Role::User,
    )
}

#[test]
fn a_token_is_good_for_its_purpose_until_it_ends() {
    let clock = Clock::manual(Timestamp::from_second(1_000_000).unwrap());
    let tokens = Tokens::new(&[secret("a")], clock.clone());
    let (token, expires_at) = tokens.mint(Purpose::Access, ana(), MINUTE);
    assert_eq!(expires_at, 1_000_060);

    let identity = tokens.verify(Purpose::Access, &token).unwrap();
    assert_eq!(
        (identity.user_id, identity.session_id, identity.role),
        ana()
    );
    for purpose in [Purpose::Resume, Purpose::Ticket, Purpose::Internal] {
        assert_eq!(
            tokens.verify(purpose, &token),
            Err(TokenError::Invalid),
            "{purpose:?}"
        );
    }

    clock.advance(SignedDuration::from_secs(60));
    assert_eq!(
        tokens.verify(Purpose::Access, &token),
        Err(TokenError::Expired)
    );
}

#[test]
fn secrets_rotate_without_logging_anybody_out() {
    let old = Tokens::new(&[secret("a")], Clock::System);
    let both = Tokens::new(&[secret("b"), secret("a")], Clock::System);
    let new = Tokens::new(&[secret("b")], Clock::System);
    let (from_old, _) = old.mint(Purpose::Access, ana(), MINUTE);
    let (from_both, _) = both.mint(Purpose::Access, ana(), MINUTE);
    assert!(both.verify(Purpose::Access, &from_old).is_ok());
    assert!(new.verify(Purpose::Access, &from_both).is_ok());
    assert_eq!(
        new.verify(Purpose::Access, &from_old),
        Err(TokenError::Invalid)
    );
}

#[test]
fn forged_tokens_are_refused() {
    let tokens = Tokens::new(&[secret("a")], Clock::System);
    let (token, _) = tokens.mint(Purpose::Access, ana(), MINUTE);
    let [header, claims, signature]: [&str; 3] =
        token.split('.').collect::<Vec<_>>().try_into().unwrap();
    // {"alg":"none"}
    let unsigned = format!("eyJhbGciOiJub25lIn0.{claims}.");
    let cut = format!("{header}.{claims}");
    let swapped = format!(
        "{header}.{claims}.{}",
        signature.chars().rev().collect::<String>()
    );
    for forged in [unsigned.as_str(), &cut, &swapped, "", "a.b.c", "\0"] {
        assert_eq!(
            tokens.verify(Purpose::Access, forged),
            Err(TokenError::Invalid),
            "{forged:?}"
        );
    }
}

#[test]
fn a_session_cookie_survives_the_browser() {
    let cookie = SessionCookie::generate(SessionId::new(7).unwrap());
    let read: SessionCookie = cookie.to_value().parse().unwrap();
    assert_eq!(
        (read.session_id, read.hash()),
        (cookie.session_id, cookie.hash())
    );
    for value in [
        "",
        "7",
        "7.",
        "7.AAAA",
        "x.AAAA",
        &format!("{}A", cookie.to_value()),
    ] {
        assert!(value.parse::<SessionCookie>().is_err(), "{value:?}");
    }
}

#[test]
fn cookies_are_found_by_name() {
    for (header, expected) in [
        ("session=a", Some("a")),
        ("x=1; session=a; session=b", Some("a")),
        ("xsession=1;session=a", Some("a")),
        ("x=1", None),
        ("session", None),
        ("", None),
    ] {
        assert_eq!(cookie_value(header, SESSION_COOKIE), expected, "{header}");
    }
}

#[test]
fn secrets_are_not_shown() {
    assert_eq!(format!("{:?}", secret("s")), "Secret(…)");
}
