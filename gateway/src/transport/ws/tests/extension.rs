use hyper::{HeaderMap, header};

use crate::transport::ws::extension::agree;

const BARE: &str = "permessage-deflate; server_no_context_takeover; client_no_context_takeover";

/// The window and the answer's parameters after those that are always there.
fn answer(offers: &[&'static str], agent: &'static str) -> Option<(u8, String)> {
    let mut headers = HeaderMap::new();
    headers.insert(header::USER_AGENT, header::HeaderValue::from_static(agent));
    for offer in offers {
        let value = header::HeaderValue::from_static(offer);
        headers.append(header::SEC_WEBSOCKET_EXTENSIONS, value);
    }
    let (window, answer) = agree(&headers)?;
    let rest = answer.to_str().unwrap().strip_prefix(BARE).unwrap();
    Some((window.bits(), rest.to_owned()))
}

#[test]
fn an_offer_is_taken_or_left_by_its_parameters() {
    let fifteen = Some((15, "; server_max_window_bits=15".to_owned()));
    let nine = Some((9, "; server_max_window_bits=9".to_owned()));
    let bare = Some((15, String::new()));
    for (offers, expected) in [
        (&["permessage-deflate"][..], &bare),
        (&["permessage-deflate; client_max_window_bits"], &bare),
        (&["permessage-deflate; client_max_window_bits=8"], &bare),
        (
            &["permessage-deflate;server_no_context_takeover ;client_no_context_takeover"],
            &bare,
        ),
        (&["permessage-deflate; server_max_window_bits=15"], &fifteen),
        (&["permessage-deflate; server_max_window_bits=9"], &nine),
        (
            &[r#"permessage-deflate; server_max_window_bits = "9""#],
            &nine,
        ),
        (&["x-webkit-deflate-frame, permessage-deflate"], &bare),
        (&["x-webkit-deflate-frame", "permessage-deflate"], &bare),
        // The first one that can be taken counts.
        (
            &["permessage-deflate; unheard_of, permessage-deflate; server_max_window_bits=9"],
            &nine,
        ),
        (
            &["permessage-deflate; server_max_window_bits=9, permessage-deflate"],
            &nine,
        ),
        (&[], &None),
        (&[""], &None),
        (&["permessage-bzip2"], &None),
        (&["permessage-deflate-more"], &None),
        (&["permessage-deflate; server_max_window_bits"], &None),
        (&["permessage-deflate; server_max_window_bits=7"], &None),
        (&["permessage-deflate; server_max_window_bits=16"], &None),
        (&["permessage-deflate; server_max_window_bits=09"], &None),
        (&["permessage-deflate; server_max_window_bits=+9"], &None),
        (&["permessage-deflate; client_max_window_bits=7"], &None),
        (&["permessage-deflate; client_max_window_bits="], &None),
        (&["permessage-deflate; server_no_context_takeover=1"], &None),
        (
            &["permessage-deflate; client_max_window_bits; client_max_window_bits"],
            &None,
        ),
        (&["permessage-deflate; "], &None),
    ] {
        assert_eq!(&answer(offers, "test"), expected, "{offers:?}");
    }
}

#[test]
fn a_browser_that_cannot_forget_is_sent_nothing_compressed() {
    let safari = |version: &str| {
        let agent = format!(
            "Mozilla/5.0 (Macintosh) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/{version} Safari/605.1.15"
        );
        answer(&["permessage-deflate"], agent.leak()).is_some()
    };
    for (version, is_taken) in [
        ("15.0", false),
        ("15.3", false),
        ("15.4", true),
        ("16.0", true),
    ] {
        assert_eq!(safari(version), is_taken, "{version}");
    }
}
