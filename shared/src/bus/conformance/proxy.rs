//! Something between a node and Redis that can make connections deaf without ending them.

use std::net::SocketAddr;

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    sync::watch,
    task::{JoinHandle, JoinSet},
};

/// Passes bytes on, until its connections are told to swallow what Redis says.
pub(super) struct Proxy {
    pub(super) addr: SocketAddr,
    deafened: watch::Sender<()>,
    task: JoinHandle<()>,
}

impl Proxy {
    pub(super) async fn before(server: SocketAddr) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let addr = listener.local_addr().unwrap();
        let deafened = watch::Sender::new(());
        let deafen = deafened.clone();
        let task = tokio::spawn(async move {
            let mut connections = JoinSet::new();
            while let Ok((near, _)) = listener.accept().await {
                connections.spawn(pass(near, server, deafen.subscribe()));
            }
        });
        Self {
            addr,
            deafened,
            task,
        }
    }

    /// Every connection that is open now stays open, and brings nothing any more.
    pub(super) fn deafen(&self) {
        self.deafened.send_replace(());
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn pass(near: TcpStream, server: SocketAddr, mut deafened: watch::Receiver<()>) {
    let far = TcpStream::connect(server).await.unwrap();
    let (mut near_reader, mut near_writer) = near.into_split();
    let (mut far_reader, mut far_writer) = far.into_split();
    let there = tokio::io::copy(&mut near_reader, &mut far_writer);
    let back = async {
        tokio::select! {
            _ = tokio::io::copy(&mut far_reader, &mut near_writer) => {}
            _ = deafened.changed() => {
                let mut swallowed = [0; 4096];
                while matches!(far_reader.read(&mut swallowed).await, Ok(1..)) {}
            }
        }
        near_writer.shutdown().await.ok();
    };
    tokio::select! {
        _ = there => {}
        () = back => {}
    }
}
