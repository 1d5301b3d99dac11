//! Requests for a session of Engine.IO that another node has: handed to that node as they are, and its answer back.
//!
//! A session's name begins with its node's. Where the node is found says Redis ([`shared::addresses`]); a token says to it that a
//! node asks, so that nothing is handed on twice. Whatever goes wrong before the request was handed over is a session that
//! nobody has.

use std::{
    io::{self, Write as _},
    sync::Arc,
    time::Duration,
};

use hyper::{
    Request,
    body::Incoming,
    header::{self, HeaderName, HeaderValue},
};
use shared::{
    addresses::Addresses,
    connections::Name,
    credentials::{Purpose, Role, Tokens},
    ids::{SessionId, UserId},
};
use tokio::{
    io::{AsyncRead, AsyncWrite, AsyncWriteExt, copy},
    net::TcpStream,
    sync::{OwnedSemaphorePermit, Semaphore},
    time::timeout,
};

use crate::{
    body::{self, Unread},
    listener::notice_silence,
};

/// For the way to the owner: it is near, or away.
const CONNECT_TIME_MAX: Duration = Duration::from_secs(1);
/// Bears the token. What a client writes there is not handed on.
const HEADER: HeaderName = HeaderName::from_static("x-hubbub-node");
const TOKEN_LIFETIME: Duration = Duration::from_mins(1);
/// Between the node's name and the rest of a session's.
const SEPARATOR: char = '.';

/// Which nodes there are, and how many requests are under way to them.
pub(crate) struct Relay {
    pub(crate) addresses: Addresses,
    tokens: Tokens,
    places: Arc<Semaphore>,
}

/// A request that waits for the stream of its client.
pub(crate) struct Relayed {
    owner: TcpStream,
    request: Vec<u8>,
    _place: OwnedSemaphorePermit,
}

/// Why a request is not handed on.
#[derive(Debug, thiserror::Error)]
pub(crate) enum NotRelayed {
    /// The name is not one of other nodes'.
    #[error("it is no name of another node's session")]
    Name,
    #[error("it was handed on already")]
    Again,
    #[error("nobody knows the node")]
    Unknown,
    #[error("too many requests are handed on")]
    Full,
    #[error("the owner is away: {0}")]
    Away(#[from] io::Error),
    #[error(transparent)]
    Body(#[from] Unread),
}

impl NotRelayed {
    /// Whether there is a node of that name.
    pub(crate) fn knows_node(&self) -> bool {
        !matches!(self, Self::Name | Self::Unknown)
    }
}

impl Relay {
    /// At most `most` requests, and sessions that go on by a WebSocket, are handed on at a time.
    pub(crate) fn new(addresses: Addresses, tokens: Tokens, most: usize) -> Self {
        Self {
            addresses,
            tokens,
            places: Arc::new(Semaphore::new(most)),
        }
    }

    /// A name for a session of this node.
    pub(crate) fn new_sid(&self) -> String {
        let random = rand::random::<u128>();
        format!("{}{SEPARATOR}{random:032x}", self.addresses.name())
    }

    /// Finds the owner of a session that this node does not have, and connects to it.
    pub(crate) async fn hand_on(
        &self,
        request: &mut Request<Incoming>,
        sid: &str,
        body_bytes_max: usize,
    ) -> Result<Relayed, NotRelayed> {
        let node = sid.split_once(SEPARATOR).map(|(node, _)| node.parse());
        let Some(Ok(node)) = node else {
            return Err(NotRelayed::Name);
        };
        if node == self.addresses.name() {
            return Err(NotRelayed::Name);
        }
        let address = self.find(node).await.ok_or(NotRelayed::Unknown)?;
        if self.is_handed_on(request) {
            return Err(NotRelayed::Again);
        }
        // Whoever is slow to say it holds nothing of the owner's meanwhile, and no place on the way there.
        let body = body::read(request, body_bytes_max).await?;
        let place = Arc::clone(&self.places).try_acquire_owned();
        let place = place.map_err(|_| NotRelayed::Full)?;
        let connecting = timeout(CONNECT_TIME_MAX, TcpStream::connect(address));
        let owner = connecting.await.map_err(io::Error::from)??;
        owner.set_nodelay(true)?;
        notice_silence(&owner)?;
        Ok(Relayed {
            owner,
            request: self.written(request, &body),
            _place: place,
        })
    }

    async fn find(&self, node: Name) -> Option<String> {
        let found = self.addresses.of(node).await;
        found.unwrap_or_else(|error| {
            tracing::warn!(%error, "the owner of a session cannot be looked up");
            None
        })
    }

    fn is_handed_on(&self, request: &Request<Incoming>) -> bool {
        let token = request.headers().get(HEADER);
        let token = token.and_then(|token| token.to_str().ok());
        token.is_some_and(|token| self.tokens.verify(Purpose::Internal, token).is_ok())
    }

    fn token(&self) -> String {
        let user = UserId::new(1).expect("1 is an id");
        let session = SessionId::new(1).expect("1 is an id");
        let who = (user, session, Role::Service);
        self.tokens.mint(Purpose::Internal, who, TOKEN_LIFETIME).0
    }

    /// As it is sent to the owner: what concerns only the way to here is left out.
    fn written(&self, request: &Request<Incoming>, body: &[u8]) -> Vec<u8> {
        let mut written =
            format!("{} {} HTTP/1.1\r\n", request.method(), request.uri()).into_bytes();
        let is_upgrade = request.headers().contains_key(header::UPGRADE);
        let way = [
            HEADER,
            header::CONNECTION,
            header::CONTENT_LENGTH,
            header::TRANSFER_ENCODING,
            header::EXPECT,
        ];
        for (name, value) in request.headers() {
            if !way.contains(name) {
                push(&mut written, name, value.as_bytes());
            }
        }
        let connection: &[u8] = if is_upgrade { b"upgrade" } else { b"close" };
        push(&mut written, &header::CONNECTION, connection);
        push(&mut written, &HEADER, self.token().as_bytes());
        let length = HeaderValue::from(body.len());
        push(&mut written, &header::CONTENT_LENGTH, length.as_bytes());
        written.extend_from_slice(b"\r\n");
        written.extend_from_slice(body);
        written
    }
}

fn push(head: &mut Vec<u8>, name: &HeaderName, value: &[u8]) {
    write!(head, "{name}: ").expect("a Vec takes any bytes");
    head.extend_from_slice(value);
    head.extend_from_slice(b"\r\n");
}

impl Relayed {
    /// Carries both ways until one side has ended. The owner bounds it, as if the client had come there.
    pub(crate) async fn run(mut self, mut client: TcpStream, unread: Vec<u8>) {
        self.request.extend(unread);
        let (from_client, to_client) = client.split();
        let (from_owner, to_owner) = self.owner.split();
        let up = (from_client, to_owner, self.request);
        let down = (from_owner, to_client, Vec::new());
        carry(up, down).await;
    }
}

/// Carries both ways, what waits first, until one side has ended; each learns of the other's end.
pub(crate) async fn carry(
    (mut from_client, mut to_owner, first_up): (
        impl AsyncRead + Unpin,
        impl AsyncWrite + Unpin,
        Vec<u8>,
    ),
    (mut from_owner, mut to_client, first_down): (
        impl AsyncRead + Unpin,
        impl AsyncWrite + Unpin,
        Vec<u8>,
    ),
) {
    let up = async {
        to_owner.write_all(&first_up).await?;
        copy(&mut from_client, &mut to_owner).await
    };
    let down = async {
        to_client.write_all(&first_down).await?;
        copy(&mut from_owner, &mut to_client).await
    };
    let ended = tokio::select! {
        ended = up => ended,
        ended = down => ended,
    };
    if let Err(error) = ended {
        tracing::debug!(%error, "a session broke off on its way");
    }
    to_owner.shutdown().await.ok();
    to_client.shutdown().await.ok();
}
