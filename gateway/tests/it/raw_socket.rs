//! A socket that can do what no well-behaved client does.

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpSocket, TcpStream},
    time::timeout,
};

use crate::harness::{Gateway, PATIENCE};

pub(crate) struct RawSocket(TcpStream);

/// One frame from the server.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct RawFrame {
    pub(crate) opcode: u8,
    pub(crate) compressed: bool,
    pub(crate) payload: Vec<u8>,
}

impl RawSocket {
    /// Upgrades, with a small receive buffer; reads nothing after the answer's head.
    pub(crate) async fn open(gateway: &Gateway, token: &str) -> Self {
        let mut socket = Self::connect(gateway).await;
        socket.upgrade(token).await;
        socket
    }

    pub(crate) async fn connect(gateway: &Gateway) -> Self {
        Self::connect_to(&gateway.base).await
    }

    pub(crate) async fn connect_to(base: &str) -> Self {
        let addr = base.trim_start_matches("http://").parse().unwrap();
        let socket = TcpSocket::new_v4().unwrap();
        socket.set_recv_buffer_size(4096).unwrap();
        Self(socket.connect(addr).await.unwrap())
    }

    pub(crate) async fn upgrade(&mut self, token: &str) {
        self.upgrade_with(token, "").await;
    }

    /// With these header lines besides; returns the answer's head.
    pub(crate) async fn upgrade_with(&mut self, token: &str, headers: &str) -> String {
        self.ask_for_upgrade(&format!("Authorization: Bearer {token}\r\n{headers}"))
            .await
    }

    async fn ask_for_upgrade(&mut self, headers: &str) -> String {
        self.upgrade_at("/ws", headers).await
    }

    /// At this address, with these header lines; returns the answer's head.
    pub(crate) async fn upgrade_at(&mut self, target: &str, headers: &str) -> String {
        let request = format!(
            "GET {target} HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n\
             Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n{headers}\r\n"
        );
        self.send(request.as_bytes()).await;
        let head = self.head().await;
        assert!(head.starts_with("HTTP/1.1 101 "), "{head}");
        // The example of RFC 6455 §1.3.
        assert!(head.contains("s3pPLMBiTxaQ9kYGzzhZRbK+xOo="), "{head}");
        head
    }

    /// The head of the next answer, as it is.
    pub(crate) async fn head(&mut self) -> String {
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            let byte = timeout(PATIENCE, self.0.read_u8()).await;
            head.push(byte.expect("a head in time").unwrap());
        }
        String::from_utf8(head).unwrap()
    }

    /// The first frame would say who it is.
    pub(crate) async fn upgrade_without_credentials(&mut self) {
        self.ask_for_upgrade("").await;
    }

    /// All that comes until the server ends the connection, as text.
    pub(crate) async fn answer(mut self) -> String {
        let mut answer = Vec::new();
        let read = timeout(PATIENCE, self.0.read_to_end(&mut answer)).await;
        read.expect("an end in time").unwrap();
        String::from_utf8_lossy(&answer).into_owned()
    }

    /// Reads whatever comes until the server ends the connection.
    pub(crate) async fn ends(&mut self) {
        let mut ignored = Vec::new();
        let read = timeout(PATIENCE, self.0.read_to_end(&mut ignored)).await;
        // A reset is an end too.
        read.expect("an end in time").ok();
    }

    pub(crate) async fn send(&mut self, bytes: &[u8]) {
        self.0.write_all(bytes).await.unwrap();
    }

    /// The next frame; `None` at the end.
    pub(crate) async fn frame(&mut self) -> Option<RawFrame> {
        timeout(PATIENCE, self.read_frame())
            .await
            .expect("something in time")
    }

    async fn read_frame(&mut self) -> Option<RawFrame> {
        let first = self.0.read_u8().await.ok()?;
        assert_eq!(first & 0xb0, 0x80, "unfragmented, no reserved bits");
        let length = match self.0.read_u8().await.ok()? {
            126 => u64::from(self.0.read_u16().await.ok()?),
            127 => self.0.read_u64().await.ok()?,
            short => u64::from(short),
        };
        let mut payload = vec![0; usize::try_from(length).unwrap()];
        self.0.read_exact(&mut payload).await.ok()?;
        Some(RawFrame {
            opcode: first & 0x0f,
            compressed: first & 0x40 != 0,
            payload,
        })
    }

    /// The code of the close frame, after which the server must end the connection; other frames are passed over.
    pub(crate) async fn close_code(&mut self) -> Option<u16> {
        loop {
            let frame = self.frame().await?;
            if frame.opcode == 8 {
                assert_eq!(self.frame().await, None, "nothing follows a close");
                return frame
                    .payload
                    .first_chunk()
                    .map(|code| u16::from_be_bytes(*code));
            }
        }
    }

    pub(crate) async fn read_to_close(mut self) -> Option<u16> {
        self.close_code().await
    }
}

/// A masked frame, as clients send them.
pub(crate) fn masked(first_byte: u8, payload: &[u8]) -> Vec<u8> {
    let mask = [0x12, 0x34, 0x56, 0x78];
    let mut frame = vec![first_byte];
    match payload.len() {
        short @ 0..=125 => frame.push(0x80 | u8::try_from(short).unwrap()),
        medium @ 126..=0xffff => {
            frame.push(0xfe);
            frame.extend(u16::try_from(medium).unwrap().to_be_bytes());
        }
        long => {
            frame.push(0xff);
            frame.extend((long as u64).to_be_bytes());
        }
    }
    frame.extend(mask);
    frame.extend(
        payload
            .iter()
            .zip(mask.iter().cycle())
            .map(|(byte, mask)| byte ^ mask),
    );
    frame
}
