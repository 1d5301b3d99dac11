//! The least that delivers Redis messages to WebSockets, on the same plan as the gateway: hyper's handshake, one subscription for
//! each channel, threads with a runtime each, frames made once and shared, one vectored write per connection and burst.
//! And nothing else: no credentials, no order, no history, no bounds on what waits, no heartbeats, no metrics.
//!
//! `bare ADDR REDIS_URL THREADS`; `GET /?channel=NAME` hears a channel, after a first frame `ready`.

use std::{
    cell::RefCell,
    collections::{HashMap, VecDeque},
    convert::Infallible,
    hash::{DefaultHasher, Hash, Hasher},
    io::{ErrorKind, IoSlice},
    net::SocketAddr,
    rc::Rc,
    sync::{Arc, OnceLock},
    thread,
};

use bytes::{Buf, BufMut, Bytes, BytesMut};
use futures_util::StreamExt;
use http_body_util::Empty;
use hyper::{
    Request, Response, StatusCode, body::Incoming, server::conn::http1, service::service_fn,
};
use hyper_util::rt::TokioIo;
use nix::sys::resource::{Resource, getrlimit, setrlimit};
use redis::aio::PubSubSink;
use slab::Slab;
use tokio::{
    net::{TcpListener, TcpStream},
    runtime::{Builder, LocalOptions},
    sync::mpsc,
    task::spawn_local,
};

/// What a shard is told at most before its tellers wait.
const INBOX: usize = 65_536;
/// Messages whose bytes go out together.
const BURST: usize = 512;
/// Frames of one write: as many slices as the system takes.
const SLICES: usize = 64;

enum Told {
    Arrived(std::net::TcpStream, String),
    Message(String, Bytes),
}

#[tokio::main]
async fn main() {
    raise_descriptors();
    let mut arguments = std::env::args().skip(1);
    let addr: SocketAddr = parse(arguments.next());
    let redis_url: String = parse(arguments.next());
    let threads: usize = parse(arguments.next());

    let shards: Vec<_> = (0..threads).map(|_| start_shard()).collect();
    let client = redis::Client::open(redis_url).expect("a Redis URL");
    let (sink, mut messages) = client.get_async_pubsub().await.expect("Redis").split();
    let (subscribe, wishes) = mpsc::channel(INBOX);
    tokio::spawn(follow(sink, wishes));

    let tellers = shards.clone();
    tokio::spawn(async move {
        while let Some(message) = messages.next().await {
            let channel = message.get_channel_name().to_owned();
            let frame = text_frame(message.get_payload_bytes());
            for shard in &tellers {
                let told = Told::Message(channel.clone(), frame.clone());
                shard.send(told).await.expect("shards do not end");
            }
        }
    });

    let listener = TcpListener::bind(addr).await.expect("a free address");
    loop {
        if let Ok((stream, _)) = listener.accept().await {
            tokio::spawn(shake_hands(stream, shards.clone(), subscribe.clone()));
        }
    }
}

fn parse<T: std::str::FromStr>(argument: Option<String>) -> T {
    let usage = "bare ADDR REDIS_URL THREADS";
    argument.and_then(|a| a.parse().ok()).expect(usage)
}

fn raise_descriptors() {
    if let Ok((_, hard)) = getrlimit(Resource::RLIMIT_NOFILE) {
        setrlimit(Resource::RLIMIT_NOFILE, hard, hard).ok();
    }
}

/// Subscribes to what is wished for, once each.
async fn follow(
    mut sink: PubSubSink,
    mut wishes: mpsc::Receiver<(String, tokio::sync::oneshot::Sender<()>)>,
) {
    let mut followed = std::collections::HashSet::new();
    let mut batch = Vec::new();
    while wishes.recv_many(&mut batch, BURST).await > 0 {
        let channels = batch.iter().map(|(channel, _)| channel);
        let new: Vec<&String> = channels.filter(|c| !followed.contains(*c)).collect();
        if !new.is_empty() {
            sink.subscribe(&new).await.expect("Redis stays");
        }
        for (channel, done) in batch.drain(..) {
            followed.insert(channel);
            done.send(()).ok();
        }
    }
}

/// Answers one upgrade request and hands the socket to its shard, once the channel is followed.
async fn shake_hands(
    stream: TcpStream,
    shards: Vec<mpsc::Sender<Told>>,
    subscribe: mpsc::Sender<(String, tokio::sync::oneshot::Sender<()>)>,
) {
    stream.set_nodelay(true).ok();
    let wanted = Arc::new(OnceLock::new());
    let found = Arc::clone(&wanted);
    let service = service_fn(move |mut request: Request<Incoming>| {
        let answer = if let Ok((response, _)) = fastwebsockets::upgrade::upgrade(&mut request) {
            let query = request.uri().query().unwrap_or_default();
            let channel = query.strip_prefix("channel=").unwrap_or_default();
            found.set(channel.to_owned()).ok();
            response
        } else {
            let mut response = Response::new(Empty::<Bytes>::new());
            *response.status_mut() = StatusCode::UPGRADE_REQUIRED;
            response
        };
        async move { Ok::<_, Infallible>(answer) }
    });
    let connection = http1::Builder::new().serve_connection(TokioIo::new(stream), service);
    let Ok(parts) = connection.without_shutdown().await else {
        return;
    };
    let Some(channel) = wanted.get().cloned() else {
        return;
    };
    let (done, subscribed) = tokio::sync::oneshot::channel();
    let wish = (channel.clone(), done);
    if subscribe.send(wish).await.is_err() || subscribed.await.is_err() {
        return;
    }
    let mut hasher = DefaultHasher::new();
    channel.hash(&mut hasher);
    let stream = parts.io.into_inner();
    // A channel of many is spread over the threads by the client's port, of which systems give out every second one.
    let port = stream.peer_addr().map_or(0, |addr| addr.port());
    let place = hasher.finish() ^ u64::from(port / 2);
    let shards_count = u64::try_from(shards.len()).expect("few");
    let shard = usize::try_from(place % shards_count).expect("few");
    if let Ok(stream) = stream.into_std() {
        let arrived = Told::Arrived(stream, channel);
        shards[shard].send(arrived).await.ok();
    }
}

struct Connection {
    stream: Rc<TcpStream>,
    channel: String,
    queue: VecDeque<Bytes>,
    waiting: bool,
    dirty: bool,
}

#[derive(Default)]
struct Shard {
    connections: Slab<Connection>,
    hearers: HashMap<String, Vec<usize>>,
    dirty: Vec<usize>,
}

type Shared = Rc<RefCell<Shard>>;

fn start_shard() -> mpsc::Sender<Told> {
    let (teller, mut inbox) = mpsc::channel(INBOX);
    thread::spawn(move || {
        let runtime = Builder::new_current_thread()
            .enable_all()
            .build_local(LocalOptions::default())
            .expect("a runtime");
        runtime.block_on(async move {
            let shard = Shared::default();
            let mut told = Vec::with_capacity(BURST);
            while inbox.recv_many(&mut told, BURST).await > 0 {
                for told in told.drain(..) {
                    match told {
                        Told::Arrived(stream, channel) => arrive(&shard, stream, channel),
                        Told::Message(channel, frame) => {
                            shard.borrow_mut().deliver(&channel, &frame);
                        }
                    }
                }
                flush(&shard);
            }
        });
    });
    teller
}

fn arrive(shard: &Shared, stream: std::net::TcpStream, channel: String) {
    let Ok(stream) = TcpStream::from_std(stream) else {
        return;
    };
    let stream = Rc::new(stream);
    let key = {
        let mut shard = shard.borrow_mut();
        let key = shard.connections.insert(Connection {
            stream: Rc::clone(&stream),
            channel: channel.clone(),
            queue: VecDeque::from([text_frame(b"ready")]),
            waiting: false,
            dirty: true,
        });
        shard.hearers.entry(channel).or_default().push(key);
        shard.dirty.push(key);
        key
    };
    // Whatever a client says is thrown away, until it leaves.
    let shard = Rc::clone(shard);
    spawn_local(async move {
        loop {
            if stream.readable().await.is_err() {
                break;
            }
            let mut scratch = [0; 1024];
            match stream.try_read(&mut scratch) {
                Ok(0) => break,
                // A close frame.
                Ok(_) if scratch[0] & 0x0f == 8 => break,
                Ok(_) => {}
                Err(error) if error.kind() == ErrorKind::WouldBlock => {}
                Err(_) => break,
            }
        }
        shard.borrow_mut().remove(key);
    });
}

impl Shard {
    fn deliver(&mut self, channel: &str, frame: &Bytes) {
        for key in self.hearers.get(channel).into_iter().flatten() {
            let connection = &mut self.connections[*key];
            connection.queue.push_back(frame.clone());
            if !connection.dirty {
                connection.dirty = true;
                self.dirty.push(*key);
            }
        }
    }

    fn remove(&mut self, key: usize) {
        let connection = self.connections.remove(key);
        if let Some(hearers) = self.hearers.get_mut(&connection.channel) {
            hearers.retain(|hearer| *hearer != key);
        }
        self.dirty.retain(|dirty| *dirty != key);
    }
}

fn flush(shared: &Shared) {
    let mut shard = shared.borrow_mut();
    let dirty = std::mem::take(&mut shard.dirty);
    for key in dirty {
        let connection = &mut shard.connections[key];
        connection.dirty = false;
        if !connection.waiting && !connection.write() {
            connection.waiting = true;
            let (shared, stream) = (Rc::clone(shared), Rc::clone(&connection.stream));
            spawn_local(async move {
                loop {
                    if stream.writable().await.is_err() {
                        return;
                    }
                    let mut shard = shared.borrow_mut();
                    let Some(connection) = shard.connections.get_mut(key) else {
                        return;
                    };
                    if !Rc::ptr_eq(&connection.stream, &stream) {
                        return;
                    }
                    if connection.write() {
                        connection.waiting = false;
                        return;
                    }
                }
            });
        }
    }
}

impl Connection {
    /// Writes what waits. False when the socket takes no more now.
    fn write(&mut self) -> bool {
        while !self.queue.is_empty() {
            let mut slices = [IoSlice::new(&[]); SLICES];
            let count = self.queue.len().min(SLICES);
            for (slice, frame) in slices.iter_mut().zip(&self.queue) {
                *slice = IoSlice::new(frame);
            }
            match self.stream.try_write_vectored(&slices[..count]) {
                Ok(written) => self.drop_written(written),
                Err(error) if error.kind() == ErrorKind::WouldBlock => return false,
                // Its reader sees the end too.
                Err(_) => self.queue.clear(),
            }
        }
        true
    }

    fn drop_written(&mut self, mut written: usize) {
        while let Some(first) = self.queue.front_mut() {
            if first.len() > written {
                first.advance(written);
                return;
            }
            written -= first.len();
            self.queue.pop_front();
        }
    }
}

/// RFC 6455, section 5.2.
fn text_frame(payload: &[u8]) -> Bytes {
    let mut frame = BytesMut::with_capacity(payload.len() + 4);
    frame.put_u8(0x81);
    match u8::try_from(payload.len()) {
        Ok(length) if length < 126 => frame.put_u8(length),
        _ => {
            frame.put_u8(126);
            frame.put_u16(u16::try_from(payload.len()).expect("short messages"));
        }
    }
    frame.put_slice(payload);
    frame.freeze()
}
