use hyper::{Request, header};

use crate::transport::ws::{Protocol, protocol};

#[test]
fn the_offer_of_subprotocols_is_read_whole() {
    for (offers, expected) in [
        (vec![], Protocol::Unnamed),
        (vec!["chat, superchat"], Protocol::Unnamed),
        (vec!["hubbub.v1"], Protocol::Native),
        (vec!["hubbub.v2 ,hubbub.v1"], Protocol::Native),
        (vec!["hubbub.v2", "hubbub.v1"], Protocol::Native),
        (vec!["hubbub.v1.nd"], Protocol::NativeInLines),
        (vec!["hubbub.v1.nd, hubbub.v1"], Protocol::NativeInLines),
        (vec!["hubbub.v1", "hubbub.v1.nd"], Protocol::Native),
        (
            vec!["hubbub.v2.nd", "hubbub.v1.nd"],
            Protocol::NativeInLines,
        ),
        (vec!["hubbub.v1.n"], Protocol::Unsupported),
        (vec!["hubbub.v2, chat"], Protocol::Unsupported),
    ] {
        let mut request = Request::new(());
        for offer in &offers {
            let value = header::HeaderValue::from_static(offer);
            request
                .headers_mut()
                .append(header::SEC_WEBSOCKET_PROTOCOL, value);
        }
        assert_eq!(protocol(&request), expected, "{offers:?}");
    }
}
