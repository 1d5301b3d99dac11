//! A TCP proxy that can be shut: bytes go in and do not come out, as in a network partition; or cut: nobody is there.

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

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Open,
    Shut,
    Cut,
}

/// Stands between a program and a server. Dropped, it cuts every connection.
pub struct Valve {
    addr: SocketAddr,
    state: watch::Sender<State>,
    accepting: JoinHandle<()>,
}

impl Valve {
    /// An open valve in front of `target`.
    pub async fn before(target: SocketAddr) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let addr = listener
            .local_addr()
            .expect("a bound listener has an address");
        let (state, seen) = watch::channel(State::Open);
        let accepting = tokio::spawn(accept(listener, target, seen));
        Self {
            addr,
            state,
            accepting,
        }
    }

    /// Where the program should connect to.
    pub fn addr(&self) -> SocketAddr {
        self.addr
    }

    /// From now on nothing comes through, in neither direction. Connections stay; what is sent is held.
    pub fn shut(&self) {
        self.state.send_replace(State::Shut);
    }

    /// From now on connections are closed, those that are there and those that come.
    pub fn cut(&self) {
        self.state.send_replace(State::Cut);
    }

    /// What was held and what comes flows again.
    pub fn open(&self) {
        self.state.send_replace(State::Open);
    }
}

impl Drop for Valve {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}

async fn accept(listener: TcpListener, target: SocketAddr, state: watch::Receiver<State>) {
    // Owned here, so that the pipes end with the valve.
    let mut pipes = tokio::task::JoinSet::new();
    while let Ok((inside, _)) = listener.accept().await {
        if *state.borrow() == State::Cut {
            continue;
        }
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
    mut state: watch::Receiver<State>,
) -> io::Result<()> {
    let mut buffer = vec![0; 64 * 1024];
    loop {
        let count = tokio::select! {
            count = from.read(&mut buffer) => count?,
            _ = state.wait_for(|state| *state == State::Cut) => return Ok(()),
        };
        let now = state.wait_for(|state| *state != State::Shut).await;
        if now.is_ok_and(|now| *now == State::Cut) {
            return Ok(());
        }
        if count == 0 {
            return to.shutdown().await;
        }
        to.write_all(&buffer[..count]).await?;
    }
}
