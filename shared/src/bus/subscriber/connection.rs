//! A Pub/Sub connection: bytes in, frames out.

use std::io;

use bytes::{Buf, BytesMut};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, ReadHalf, WriteHalf};

use super::resp::{self, Frame};

/// Room for one read.
const READ_BYTES: usize = 64 << 10;

/// Who we are to Redis.
#[derive(Debug, Clone, Default)]
pub(super) struct Login {
    pub(super) username: Option<String>,
    pub(super) password: Option<String>,
}

/// Reads and writes at once, so that neither side waits for the other with full buffers.
#[derive(Debug)]
pub(super) struct Connection<S> {
    reader: ReadHalf<S>,
    writer: WriteHalf<S>,
    incoming: BytesMut,
    outgoing: BytesMut,
}

impl<S: AsyncRead + AsyncWrite> Connection<S> {
    /// Agrees on RESP3 and logs in.
    pub(super) async fn open(stream: S, login: &Login) -> io::Result<Self> {
        let (reader, writer) = tokio::io::split(stream);
        let mut connection = Self {
            reader,
            writer,
            incoming: BytesMut::new(),
            outgoing: BytesMut::new(),
        };
        let mut hello = vec!["HELLO", "3"];
        if let Some(password) = &login.password {
            let username = login.username.as_deref().unwrap_or("default");
            hello.extend(["AUTH", username, password]);
        }
        connection.send(&hello);
        match connection.frame().await? {
            Frame::Reply => Ok(connection),
            Frame::Error(text) => Err(io::Error::other(String::from_utf8_lossy(&text))),
            _ => Err(io::Error::other(
                "something else came before the answer to HELLO",
            )),
        }
    }

    /// Queues a command; [`Connection::frame`] writes it.
    pub(super) fn send<W: AsRef<[u8]>>(&mut self, words: &[W]) {
        let out = &mut self.outgoing;
        out.extend_from_slice(format!("*{}\r\n", words.len()).as_bytes());
        for word in words {
            let word = word.as_ref();
            out.extend_from_slice(format!("${}\r\n", word.len()).as_bytes());
            out.extend_from_slice(word);
            out.extend_from_slice(b"\r\n");
        }
    }

    /// A frame that has been read already.
    pub(super) fn buffered_frame(&mut self) -> io::Result<Option<Frame>> {
        resp::next_frame(&mut self.incoming).map_err(io::Error::other)
    }

    /// The next frame; meanwhile what was queued is written. May be dropped and called again at any point.
    pub(super) async fn frame(&mut self) -> io::Result<Frame> {
        loop {
            if let Some(frame) = self.buffered_frame()? {
                return Ok(frame);
            }
            self.incoming.reserve(READ_BYTES);
            tokio::select! {
                read = self.reader.read_buf(&mut self.incoming) => if read? == 0 {
                    return Err(io::ErrorKind::UnexpectedEof.into());
                },
                written = self.writer.write(&self.outgoing), if !self.outgoing.is_empty() => {
                    self.outgoing.advance(written?);
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::DuplexStream;

    use super::*;

    async fn opened() -> (Connection<DuplexStream>, DuplexStream) {
        let (near, mut far) = tokio::io::duplex(64);
        let login = Login {
            username: None,
            password: Some("secret".into()),
        };
        let server = async {
            let hello =
                b"*5\r\n$5\r\nHELLO\r\n$1\r\n3\r\n$4\r\nAUTH\r\n$7\r\ndefault\r\n$6\r\nsecret\r\n";
            let mut asked = vec![0; hello.len()];
            far.read_exact(&mut asked).await.unwrap();
            assert_eq!(asked, hello);
            far.write_all(b"%1\r\n+proto\r\n:3\r\n").await.unwrap();
            far
        };
        let (connection, far) = tokio::join!(Connection::open(near, &login), server);
        (connection.unwrap(), far)
    }

    #[tokio::test]
    async fn a_wrong_password_is_an_error() {
        let (near, mut far) = tokio::io::duplex(1024);
        far.write_all(b"-WRONGPASS no\r\n").await.unwrap();
        let error = Connection::open(near, &Login::default()).await.unwrap_err();
        assert_eq!(error.to_string(), "WRONGPASS no");
    }

    #[tokio::test]
    async fn it_reads_while_it_writes() {
        let (mut connection, far) = opened().await;
        // More than the pipe holds in both directions: one that wrote first and read later would hang.
        let words = vec!["x".repeat(50); 20];
        connection.send(&words);
        let (mut far_reader, mut far_writer) = tokio::io::split(far);
        let push = format!(
            ">3\r\n$9\r\nsubscribe\r\n$200\r\n{}\r\n:1\r\n",
            "y".repeat(200)
        );
        let write = async { far_writer.write_all(push.as_bytes()).await.unwrap() };
        let read = async {
            let mut sent = vec![0; 20 * 57 + 5];
            far_reader.read_exact(&mut sent).await.unwrap();
            assert!(sent.starts_with(b"*20\r\n$50\r\nxxx"));
        };
        let frames = async {
            let frame = connection.frame().await.unwrap();
            assert!(matches!(frame, Frame::Subscribed(channel) if channel.len() == 200));
            connection.frame().await.unwrap_err()
        };
        tokio::select! {
            _ = frames => panic!("the connection has not ended"),
            () = async { tokio::join!(write, read); } => {}
        }
    }
}
