//! A transaction that stays open until the answer to its request is known.
//!
//! An answer that must be stored together with the change that it tells of cannot be stored by the handler, which commits
//! before it answers. So somebody outside opens the transaction, lends it to whoever begins one inside, gets it back
//! instead of a commit, and commits it with the answer in it. Handlers do not notice, unless they read on another
//! connection what they believe to be committed.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::Tx;

tokio::task_local! {
    static HELD: Held;
}

/// A transaction between its owner and the handler that it is lent to.
#[derive(Clone)]
pub(in crate::app) struct Held(Arc<Mutex<Option<Tx>>>);

impl Held {
    /// To be lent to what runs in [`Held::during`].
    pub(in crate::app) fn new(tx: Tx) -> Self {
        Self(Arc::new(Mutex::new(Some(tx))))
    }

    /// Runs something that begins this transaction whenever it begins one; two at a time are two.
    pub(in crate::app) async fn during<F: Future>(&self, inside: F) -> F::Output {
        HELD.scope(self.clone(), inside).await
    }

    /// Whether what runs here runs within somebody's transaction already.
    pub(in crate::app) fn is_lent() -> bool {
        HELD.try_with(|_| ()).is_ok()
    }

    /// The transaction with everything that was committed to it; `None` if it was begun and given up, and so rolled back.
    pub(in crate::app) fn take(&self) -> Option<Tx> {
        self.lock().take()
    }

    /// The transaction that this task begins instead of a new one, with the place where it goes back to.
    pub(super) fn borrow() -> Option<(Tx, Self)> {
        let held = HELD.try_with(Self::clone).ok()?;
        Some((held.take()?, held))
    }

    pub(super) fn give_back(&self, tx: Tx) {
        *self.lock() = Some(tx);
    }

    fn lock(&self) -> MutexGuard<'_, Option<Tx>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
