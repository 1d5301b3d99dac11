//! What the answers to notifications do: each feature registers handlers for its own notification types.

use std::{collections::HashMap, pin::Pin, sync::Arc};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use shared::{ids::UserId, wire::Code};

use super::{db::Tx, error::Error};

/// What somebody says to a notification that asks something.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Answer {
    /// Yes.
    Accept,
    /// No; invitations call it "decline".
    #[serde(alias = "decline")]
    Reject,
}

/// A notification that was answered, as the feature that wrote it knows it.
#[derive(Debug)]
pub struct Answered {
    /// Who answers: whoever was told.
    pub recipient: UserId,
    /// Whose act it told of.
    pub actor: UserId,
    /// What it is about.
    pub related_id: Option<i64>,
    /// What the feature put beside that.
    pub data: Value,
    /// What was said.
    pub answer: Answer,
}

/// What a handler returns: boxed, because it borrows the transaction.
pub type Done<'a> = Pin<Box<dyn Future<Output = Result<(), Error>> + Send + 'a>>;

type Handler = for<'a> fn(&'a mut Tx, Answered) -> Done<'a>;

/// What the answers to one notification type do.
///
/// The handler runs in the transaction that marks the notification as answered. It does the same as the feature's own
/// route, by the same function, and refuses with `not_found` what is not asked any more.
#[derive(Debug, Clone, Copy)]
pub struct NotificationAction {
    kind: &'static str,
    handler: Handler,
}

impl NotificationAction {
    /// `NotificationAction::new("follow_request", |tx, answered| Box::pin(answer(tx, answered)))`.
    pub const fn new(kind: &'static str, handler: Handler) -> Self {
        Self { kind, handler }
    }
}

/// The handlers of all features, by notification type.
#[derive(Debug, Clone)]
pub struct Actions(Arc<HashMap<&'static str, Handler>>);

impl Actions {
    /// A type that two features answer is a defect that shows at the first start, so it ends it.
    pub(in crate::app) fn new(actions: impl IntoIterator<Item = NotificationAction>) -> Self {
        let mut handlers = HashMap::new();
        for action in actions {
            let before = handlers.insert(action.kind, action.handler);
            assert!(before.is_none(), "two features answer {}", action.kind);
        }
        Self(Arc::new(handlers))
    }

    /// Does what the answer means.
    ///
    /// # Errors
    ///
    /// `no_action` for a type that asks nothing, and whatever the feature refuses.
    pub async fn run(&self, tx: &mut Tx, kind: &str, answered: Answered) -> Result<(), Error> {
        let handler = self.0.get(kind).ok_or_else(|| {
            let detail = format!("a notification of the type {kind} asks nothing");
            Error::new(Code::NoAction, detail)
        })?;
        handler(tx, answered).await
    }
}
