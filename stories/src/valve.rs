//! A TCP proxy that can be shut: bytes go in and do not come out, as in a network partition.

use std::{io, net::SocketAddr};

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{
        TcpListener, TcpStream,
        tcp::{OwnedReadHalf, OwnedWriteHalf},
    },
    sync::watch,
    task::JoinHandle,
};

/// Stands between a program and a server. Dropped, it cuts every connection.
pub struct Valve {
    addr: SocketAddr,
    open: watch::Sender<bool>,
    accepting: JoinHandle<()>,
}

impl Valve {
    /// An open valve in front of `target`.
    pub async fn before(target: SocketAddr) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let addr = listener
            .local_addr()
            .expect("a bound listener has an address");
        let (open, state) = watch::channel(true);
        let accepting = tokio::spawn(accept(listener, target, state));
        Self {
            addr,
            open,
            accepting,
        }
    }

    /// Where the program should connect to.
    pub fn addr(&self) -> SocketAddr {
        self.addr
    }

    /// From now on nothing comes through, in neither direction. Connections stay; what is sent is held.
    pub fn shut(&self) {
        self.open.send_replace(false);
    }

    /// What was held and what comes flows again.
    pub fn open(&self) {
        self.open.send_replace(true);
    }
}

impl Drop for Valve {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}

async fn accept(listener: TcpListener, target: SocketAddr, state: watch::Receiver<bool>) {
    // Owned here, so that the pipes end with the valve.
    let mut pipes = tokio::task::JoinSet::new();
    while let Ok((inside, _)) = listener.accept().await {
        let Ok(outside) = TcpStream::connect(target).await else {
            continue;
        };
        let (inside_read, inside_write) = inside.into_split();
        let (outside_read, outside_write) = outside.into_split();
        pipes.spawn(pipe(inside_read, outside_write, state.clone()));
        pipes.spawn(pipe(outside_read, inside_write, state.clone()));
    }
}

async fn pipe(
    mut from: OwnedReadHalf,
    mut to: OwnedWriteHalf,
    mut state: watch::Receiver<bool>,
) -> io::Result<()> {
    let mut buffer = vec![0; 64 * 1024];
    loop {
        let count = from.read(&mut buffer).await?;
        if state.wait_for(|open| *open).await.is_err() || count == 0 {
            return to.shutdown().await;
        }
        to.write_all(&buffer[..count]).await?;
    }
}
