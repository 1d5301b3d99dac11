//! The last that is said on a stream that did not become a connection.

use std::{io, time::Duration};

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    time::timeout,
};

/// How long whoever is refused may take to say goodbye.
const GOODBYE_TIME_MAX: Duration = Duration::from_secs(2);

/// Says it, closes, and waits a little for the client to take note. A client that is gone already hears nothing.
pub(crate) async fn last_words(mut stream: TcpStream, words: &[u8]) {
    let goodbye = async {
        stream.write_all(words).await?;
        stream.shutdown().await?;
        // Reading on keeps unread bytes from turning our close into a reset that swallows what was said.
        let mut ignored = [0; 1024];
        while stream.read(&mut ignored).await? > 0 {}
        io::Result::Ok(())
    };
    if let Ok(Err(error)) = timeout(GOODBYE_TIME_MAX, goodbye).await {
        tracing::debug!(%error, "a refused client left early");
    }
}
