//! What a shard asks of the subscriber. The order matters: a leave that overtook a later join would leave it deaf.

use std::{cell::RefCell, collections::VecDeque};

use shared::{bus::Join, memory::GiveBack as _, wire::Channel};
use tokio::sync::Notify;

#[derive(Debug)]
pub(super) enum Request {
    Join(Join),
    Leave(Channel),
}

/// Bounded by the shard's connections: each joins and leaves its channels once.
#[derive(Debug, Default)]
pub(super) struct Requests {
    waiting: RefCell<VecDeque<Request>>,
    added: Notify,
}

impl Requests {
    pub(super) fn join(&self, join: Join) {
        self.add(Request::Join(join));
    }

    pub(super) fn leave(&self, channel: Channel) {
        self.add(Request::Leave(channel));
    }

    /// The next one, in order.
    pub(super) async fn next(&self) -> Request {
        loop {
            if let Some(request) = self.take() {
                return request;
            }
            self.added.notified().await;
        }
    }

    fn take(&self) -> Option<Request> {
        let mut waiting = self.waiting.borrow_mut();
        let request = waiting.pop_front();
        waiting.give_back();
        request
    }

    fn add(&self, request: Request) {
        self.waiting.borrow_mut().push_back(request);
        self.added.notify_one();
    }
}
