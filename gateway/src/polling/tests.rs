use super::{
    payload::{InvalidPayload, Packets, to_frames},
    session::Refused,
    *,
};
use crate::{codec::Frame, transport::ws::Limits};
use shared::wire::CloseReason;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpListener,
    time::timeout,
};

/// A post that comes whole.
async fn post(session: &PollSession, body: &str) -> Result<(), Refused> {
    session.posting()?.finish(body).await
}

#[test]
fn a_payload_becomes_frames() {
    assert_eq!(
        to_frames("4hi\u{1e}bAQID").unwrap(),
        [
            &[0x81, 0x83, 0, 0, 0, 0][..],
            b"4hi",
            &[0x82, 0x83, 0, 0, 0, 0, 1, 2, 3]
        ]
        .concat()
    );
    for bad in ["", "abc", "4hi\u{1e}", "\u{1e}4hi", "b!", "7"] {
        assert_eq!(to_frames(bad), Err(InvalidPayload), "{bad:?}");
    }
}

#[test]
fn frames_become_a_payload() {
    let long = "4".repeat(300);
    let mut buffer = [
        Frame::text(b"4hi").bytes(),
        Frame::binary(&[1, 2, 3]).bytes(),
        Frame::text(long.as_bytes()).bytes(),
    ]
    .map(|bytes| bytes.to_vec())
    .concat();
    let cut = buffer.split_off(buffer.len() - 1);
    let packets = Packets::take(&mut buffer, 1000);
    assert_eq!(packets.body, "4hi\u{1e}bAQID");
    assert!(!packets.is_last);
    buffer.extend(cut);
    buffer.extend(Frame::close_echo(Some(1000)).bytes());
    let packets = Packets::take(&mut buffer, 10);
    assert_eq!(packets.body, long);
    let packets = Packets::take(&mut buffer, 10);
    assert_eq!((&*packets.body, packets.is_last), ("1", true));
    assert!(buffer.is_empty());

    buffer.extend_from_slice(Frame::text(b"41").bytes());
    buffer.extend_from_slice(Frame::close_echo(Some(1000)).bytes());
    for expected in [("41", false), ("1", true)] {
        let packets = Packets::take(&mut buffer, 1000);
        assert_eq!((&*packets.body, packets.is_last), expected);
    }
}

#[tokio::test]
async fn two_polls_at_once_end_the_session() {
    let polls = Polls::new();
    let (session, _far) = polls.open("a".to_owned()).unwrap();
    let (first, second) = tokio::join!(session.poll(), session.poll());
    assert_eq!(first.unwrap().body, "1");
    assert_eq!(second, Err(Refused::Overlap));
}

/// A post looks whether the connection has ended, and so does the sweep.
#[tokio::test]
async fn who_only_looks_is_no_second_poll() {
    let polls = Polls::new();
    let (session, mut far) = polls.open("a".to_owned()).unwrap();
    let looking = session.down.lock().await;
    let (told, ()) = tokio::join!(session.poll(), async {
        drop(looking);
        far.write_all(Frame::text(b"4hi").bytes()).await.unwrap();
    });
    assert_eq!(told.map(|told| told.body), Ok("4hi".to_owned()));
}

#[tokio::test]
async fn a_goodbye_lets_go_of_the_poll_that_waits() {
    let polls = Polls::new();
    let (session, _far) = polls.open("a".to_owned()).unwrap();
    let (told, said) = tokio::join!(session.poll(), post(&session, "1"));
    assert_eq!(
        told.map(|told| (told.body, told.is_last)),
        Ok(("6".to_owned(), true))
    );
    assert_eq!(said, Ok(()));
    assert_eq!(session.poll().await, Err(Refused::Ended));
}

#[tokio::test]
async fn two_posts_at_once_end_the_session() {
    let polls = Polls::new();
    let (session, _far) = polls.open("a".to_owned()).unwrap();
    // More than the socket takes: the first is under way when the second comes.
    let long = format!("4{}", "a".repeat(1 << 20));
    let (first, second) = tokio::join!(
        timeout(Duration::from_millis(1), post(&session, &long)),
        post(&session, "4hi")
    );
    assert!(first.is_err());
    assert_eq!(second, Err(Refused::Overlap));
    assert!(session.is_over());
}

#[tokio::test]
async fn who_never_answered_a_ping_is_not_told_what_waits() {
    let polls = Polls::new();
    for (reason, told) in [
        (CloseReason::HeartbeatMissed, Err(Refused::Ended)),
        (CloseReason::GoingAway, Ok(())),
    ] {
        let (session, mut far) = polls.open("a".to_owned()).unwrap();
        far.write_all(Frame::text(b"4hi").bytes()).await.unwrap();
        let close = Frame::close(reason, None);
        far.write_all(close.bytes()).await.unwrap();
        session.down.lock().await.from.readable().await.unwrap();
        assert_eq!(post(&session, "4hi").await, told);
        assert_eq!(session.poll().await.map(|_| ()), told);
    }
}

#[tokio::test]
async fn the_end_of_the_connection_is_told() {
    let polls = Polls::new();
    let (session, far) = polls.open("a".to_owned()).unwrap();
    post(&session, "4hi").await.unwrap();
    drop(far);
    assert!(session.poll().await.unwrap().is_last);
    assert_eq!(post(&session, "4hi").await, Err(Refused::Ended));
}

#[tokio::test]
async fn a_session_whose_connection_has_ended_is_let_go_with_what_it_had_to_tell() {
    let polls = Polls::new();
    let (ended, mut far) = polls.open("ended".to_owned()).unwrap();
    let (_, _far) = polls.open("alive".to_owned()).unwrap();
    far.write_all(Frame::text(b"4hi").bytes()).await.unwrap();
    drop(far);
    let closed = async {
        while !ended.down.lock().await.is_closed() {
            tokio::task::yield_now().await;
        }
    };
    timeout(Duration::from_secs(20), closed).await.unwrap();
    polls.sweep();
    assert!(
        polls.find("ended").is_some(),
        "its client may be on its way"
    );
    polls.sweep();
    assert!(polls.find("ended").is_none());
    assert!(polls.find("alive").is_some());
}

#[tokio::test]
async fn a_post_that_breaks_off_ends_the_session() {
    let polls = Polls::new();
    let (session, _far) = polls.open("a".to_owned()).unwrap();
    drop(session.posting().unwrap());
    assert!(session.is_over());
    polls.sweep();
    assert!(polls.find("a").is_none());
}

#[tokio::test]
async fn what_was_taken_in_and_not_fetched_goes_to_the_websocket_first() {
    let polls = Polls::new();
    let (session, mut far) = polls.open("a".to_owned()).unwrap();
    let [probed, before, after] = [&b"3probe"[..], b"4before", b"4after"].map(Frame::text);
    far.write_all(before.bytes()).await.unwrap();
    session.down.lock().await.from.readable().await.unwrap();
    post(&session, "4hi").await.unwrap();
    assert!(!session.down.lock().await.buffer.is_empty(), "taken in");

    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let client = TcpStream::connect(listener.local_addr().unwrap()).await;
    let (mut client, mut server) = (client.unwrap(), listener.accept().await.unwrap().0);
    let words = to_frames("2probe\u{1e}5").unwrap();
    client.write_all(&words).await.unwrap();
    let limits = Limits {
        message_bytes_max: 100,
        compressed: false,
    };
    let changed = session.change_over(&mut server, Vec::new(), limits).await;
    let told = async {
        far.write_all(after.bytes()).await.unwrap();
        let expected = [probed, before, after].map(|frame| frame.bytes().to_vec());
        let expected = expected.concat();
        let mut heard = vec![0; expected.len()];
        client.read_exact(&mut heard).await.unwrap();
        assert_eq!(heard, expected);
        drop(client);
    };
    tokio::join!(session.carry(server, changed.unwrap()), told);
    assert_eq!(session.poll().await, Err(Refused::Upgraded));
}
