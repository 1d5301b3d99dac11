//! WebSockets by themselves, for `examples/websocket_echo.rs`.

use std::{
    cell::RefCell,
    convert::Infallible,
    io::{self, ErrorKind, IoSlice, Write},
    ops::ControlFlow,
    rc::Rc,
};

use bytes::Bytes;
use http_body_util::Full;
use hyper::{Request, Response, StatusCode, server::conn::http1, service::service_fn};
use hyper_util::rt::TokioIo;
use shared::wire::CloseReason;
use tokio::{
    net::{TcpListener, TcpStream},
    task::{JoinSet, LocalSet},
};

use crate::{
    codec::{Deflater, Frame, Window},
    session::Room,
    transport::{
        self, Item, Queue, Written,
        ws::{self, Inflater, Limits, Message, Parser, Protocol},
    },
};

const SCRATCH_BYTES: usize = 64 * 1024;
const CONNECTIONS_MAX: usize = 1000;
/// What is read in one go may be answered in one go.
const UNBOUNDED: Room = Room {
    frames: usize::MAX,
    bytes: usize::MAX,
};

/// Accepts connections and echoes their messages, text and binary, of at most `message_bytes_max` bytes. Ends only with
/// an error of the listener.
pub async fn serve(listener: TcpListener, message_bytes_max: usize) -> io::Result<()> {
    let shard = Rc::new(Shard {
        scratch: RefCell::new(vec![0; SCRATCH_BYTES].into()),
        // Everything is compressed where it was agreed: it is there to be tested.
        deflater: RefCell::new(Deflater::new(0)),
        inflater: RefCell::default(),
        message_bytes_max,
    });
    LocalSet::new()
        .run_until(async move {
            let mut connections = JoinSet::new();
            loop {
                let (stream, _) = listener.accept().await?;
                while connections.try_join_next().is_some() {}
                if connections.len() < CONNECTIONS_MAX {
                    let shard = Rc::clone(&shard);
                    connections.spawn_local(async move { shard.connection(stream).await });
                }
            }
        })
        .await
}

/// What the connections share.
struct Shard {
    scratch: RefCell<Box<[u8]>>,
    deflater: RefCell<Deflater>,
    inflater: RefCell<Inflater>,
    message_bytes_max: usize,
}

/// One connection, after its handshake.
struct Connection {
    stream: TcpStream,
    parser: Parser,
    queue: Queue,
    window: Option<Window>,
}

impl Shard {
    async fn connection(&self, stream: TcpStream) {
        let Some((stream, unread, window)) = upgrade(stream).await else {
            return;
        };
        let limits = Limits {
            message_bytes_max: self.message_bytes_max,
            compressed: window.is_some(),
        };
        let mut connection = Connection {
            stream,
            parser: Parser::new(limits),
            queue: Queue::default(),
            window,
        };
        let mut heard = self.hear(&mut connection, &mut unread.to_vec());
        while heard.is_continue() && connection.write().await {
            heard = self.read(&mut connection).await;
        }
        if connection.write().await {
            transport::end(&connection.stream);
            // Until the client leaves: unread bytes would turn the end into a reset.
            while self.take_in(&connection.stream, |_| ()).await.is_some() {}
        }
    }

    /// Waits for bytes, once. `Break`: nothing follows.
    async fn read(&self, connection: &mut Connection) -> ControlFlow<()> {
        let Connection {
            stream,
            parser,
            queue,
            window,
        } = connection;
        let hear = |bytes: &mut [u8]| self.echo(parser, queue, *window, bytes);
        let heard = self.take_in(stream, hear).await;
        heard.unwrap_or(ControlFlow::Break(()))
    }

    /// Waits for bytes and hands them on, once; `None` when nothing follows.
    async fn take_in<T>(&self, stream: &TcpStream, hear: impl FnOnce(&mut [u8]) -> T) -> Option<T> {
        loop {
            stream.readable().await.ok()?;
            let mut scratch = self.scratch.borrow_mut();
            match stream.try_read(&mut scratch) {
                Ok(0) => return None,
                Ok(count) => return Some(hear(&mut scratch[..count])),
                Err(error) if error.kind() == ErrorKind::WouldBlock => {}
                Err(_) => return None,
            }
        }
    }

    fn hear(&self, connection: &mut Connection, bytes: &mut [u8]) -> ControlFlow<()> {
        let Connection {
            parser,
            queue,
            window,
            ..
        } = connection;
        self.echo(parser, queue, *window, bytes)
    }

    /// Queues the answers to what was said.
    fn echo(
        &self,
        parser: &mut Parser,
        queue: &mut Queue,
        window: Option<Window>,
        bytes: &mut [u8],
    ) -> ControlFlow<()> {
        let mut is_over = false;
        let fed = parser.feed(bytes, &mut self.inflater.borrow_mut(), |message| {
            let frame = match message {
                Message::Text(text) => Frame::text(text.as_bytes()),
                Message::Binary(bytes) => Frame::binary(bytes),
                Message::Ping(payload) => Frame::pong(payload),
                Message::Pong(_) => return ControlFlow::Continue(()),
                Message::Close(code) => {
                    is_over = true;
                    Frame::close_echo(code)
                }
            };
            push(queue, &self.deflater.borrow_mut().frame_for(window, &frame));
            if is_over {
                ControlFlow::Break(())
            } else {
                ControlFlow::Continue(())
            }
        });
        if let Err(violation) = fed {
            let reason: CloseReason = violation.close_reason();
            push(queue, &Frame::close(reason, None));
            is_over = true;
        }
        if is_over {
            ControlFlow::Break(())
        } else {
            ControlFlow::Continue(())
        }
    }
}

impl Connection {
    /// Writes everything that is queued; false when the connection is gone.
    async fn write(&mut self) -> bool {
        loop {
            let (written, _) =
                transport::write(Ready(&self.stream), &mut self.queue, false, |_| {});
            match written {
                Written::Everything => return true,
                Written::Broken => return false,
                Written::Blocked if self.stream.writable().await.is_err() => return false,
                Written::Blocked => {}
            }
        }
    }
}

/// A socket that takes what it can take now.
struct Ready<'a>(&'a TcpStream);

impl Write for Ready<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.try_write(bytes)
    }

    fn write_vectored(&mut self, slices: &[IoSlice<'_>]) -> io::Result<usize> {
        self.0.try_write_vectored(slices)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

fn push(queue: &mut Queue, frame: &Frame) {
    let item = Item::frame(frame.bytes().clone());
    queue.push(item, UNBOUNDED, |_, _| {});
}

/// The stream after the upgrade, what the client sent already, and the window if compression was agreed.
async fn upgrade(stream: TcpStream) -> Option<(TcpStream, Bytes, Option<Window>)> {
    let granted = RefCell::new(None);
    let service = service_fn(|mut request: Request<_>| {
        let response = match ws::accept(&mut request, Protocol::Unnamed) {
            Ok((response, window)) => {
                granted.replace(Some(window));
                response
            }
            Err(error) => {
                let mut response = Response::new(Full::from(error.to_string()));
                *response.status_mut() = StatusCode::BAD_REQUEST;
                response
            }
        };
        async move { Ok::<_, Infallible>(response) }
    });
    let served = http1::Builder::new()
        .keep_alive(false)
        .serve_connection(TokioIo::new(stream), service)
        .without_shutdown()
        .await;
    let http1::Parts { io, read_buf, .. } = served.ok()?;
    let window = granted.into_inner()?;
    Some((io.into_inner(), read_buf, window))
}
