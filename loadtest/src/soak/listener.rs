//! A client as it should be: it keeps its positions, comes back with jitter, and resumes.

use std::{
    net::SocketAddr,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use shared::testing::{Connect, Received, WireClient};
use tokio::{sync::Notify, time::sleep};

use super::ledger::Ledger;

const RECONNECT_DELAY_MIN: Duration = Duration::from_millis(500);
const RECONNECT_DELAY_MAX: Duration = Duration::from_secs(8);
/// Somebody who goes away is away for that long at most.
const ABSENCE_MAX: Duration = Duration::from_secs(5);

/// Somebody who listens.
#[derive(Debug)]
pub(super) struct Listener {
    pub(super) user_id: u64,
    pub(super) token: String,
    ledger: Mutex<Ledger>,
    go_away: Notify,
}

impl Listener {
    pub(super) fn new(user_id: u64, token: String) -> Self {
        Self {
            user_id,
            token,
            ledger: Mutex::default(),
            go_away: Notify::new(),
        }
    }

    pub(super) fn ledger(&self) -> MutexGuard<'_, Ledger> {
        self.ledger.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Closes the connection without a word, for a while.
    pub(super) fn goes_away(&self) {
        self.go_away.notify_one();
    }

    /// Listens until the process ends.
    pub(super) async fn listen(self: Arc<Self>, gateways: Arc<[SocketAddr]>) {
        let mut delay = RECONNECT_DELAY_MIN;
        loop {
            let gateway = gateways[rand::random_range(0..gateways.len())];
            let mut connect = Connect::bearer(&format!("http://{gateway}"), &self.token);
            connect.resume = self.ledger().positions();
            if let Ok(socket) = WireClient::connect(&connect).await {
                let went_away = self.follow(socket).await;
                delay = RECONNECT_DELAY_MIN;
                if went_away {
                    sleep(rand::random_range(Duration::ZERO..ABSENCE_MAX)).await;
                    continue;
                }
            }
            sleep(rand::random_range(Duration::ZERO..delay)).await;
            delay = (delay * 2).min(RECONNECT_DELAY_MAX);
        }
    }

    /// Until the connection ends; whether by this client's own wish.
    async fn follow(&self, mut socket: WireClient) -> bool {
        loop {
            tokio::select! {
                () = self.go_away.notified() => return true,
                received = socket.next() => match received {
                    Received::Frame(frame) => self.ledger().hear(&frame),
                    Received::Closed(..) => return false,
                },
            }
        }
    }
}
