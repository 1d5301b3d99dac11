//! Who may kill, and what may be read.

use std::path::Path;

use super::{Head, answer, read_head, wish};
use crate::control::{Action, Request};
use crate::name::Name;

fn head(method: &str, path: &str, token: Option<&str>) -> Head {
    Head {
        method: method.to_owned(),
        path: path.to_owned(),
        token: token.map(str::to_owned),
    }
}

#[test]
fn a_head_is_read_as_far_as_it_is_looked_at() {
    let text =
        "POST /demo/control/kill/redis?x HTTP/1.1\r\nHost: a\r\nX-Dev-Token:  t \r\n\r\nbody";
    let read = read_head(text.as_bytes()).unwrap();
    assert_eq!(read, head("POST", "/demo/control/kill/redis", Some("t")));
}

#[test]
fn only_who_shows_the_token_is_heard() {
    for token in [None, Some(""), Some("other")] {
        let refused = answer(
            &head("POST", "/demo/control/kill/redis", token),
            Path::new("/"),
            "t",
        );
        assert_eq!(refused.0, "403 Forbidden");
    }
}

#[test]
fn only_the_files_of_the_page_are_served() {
    for path in ["/demo/../../.dev/secrets.json", "/demo/", "/etc/passwd", ""] {
        let refused = answer(&head("GET", path, None), Path::new("/"), "t");
        assert_eq!(refused.0, "404 Not Found", "{path}");
    }
}

#[test]
fn killing_and_starting_is_all_that_can_be_wished() {
    let kill = Request::Act {
        action: Action::Kill,
        name: Name::Gateway1,
    };
    assert_eq!(wish("/demo/control/kill/gateway-1"), Some(kill));
    for path in [
        "/demo/control/stop/redis",
        "/demo/control/kill/all",
        "/kill/redis",
    ] {
        assert_eq!(wish(path), None);
    }
}
