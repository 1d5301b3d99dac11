//! Socket commands: handlers by name, called by gateways through the internal route.
//!
//! A command and its HTTP route call the same inner function, so that both give the same answer and the same error codes.

mod endpoint;
#[cfg(test)]
mod tests;

use std::{collections::HashMap, future::Future, pin::Pin, sync::Arc};

use bytes::Bytes;
use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::{Serialize, de::DeserializeOwned};
use serde_json::value::RawValue;
use shared::{flags::Flag, wire::Code};

pub(in crate::app) use endpoint::routes;

use super::{
    App,
    error::Error,
    http::{
        SignedIn,
        json::{self, Input},
    },
};

type Answer = Pin<Box<dyn Future<Output = Result<Box<RawValue>, Error>> + Send>>;
type Handler = Arc<dyn Fn(App, SignedIn, Bytes) -> Answer + Send + Sync>;

/// A handler under the name that clients put into `type`.
#[derive(Clone)]
pub struct Command {
    name: &'static str,
    handler: Handler,
    fields: fn(&mut SchemaGenerator) -> Schema,
    answer: fn(&mut SchemaGenerator) -> Schema,
    flag: Option<&'static Flag>,
}

impl Command {
    /// A command whose fields are read into `I` and whose answer becomes the acknowledgement's `data`.
    pub fn new<I, O, F, A>(name: &'static str, handler: F) -> Self
    where
        I: Input + DeserializeOwned + JsonSchema,
        O: Serialize + JsonSchema,
        F: Fn(App, SignedIn, I) -> A + Clone + Send + Sync + 'static,
        A: Future<Output = Result<O, Error>> + Send,
    {
        let handler: Handler = Arc::new(move |app, caller, payload| {
            let handler = handler.clone();
            Box::pin(async move {
                let input = json::parse::<I>(&payload)?;
                let output = handler(app, caller, input).await?;
                serde_json::value::to_raw_value(&output).map_err(Error::internal)
            })
        });
        Self {
            name,
            handler,
            fields: I::json_schema,
            answer: O::json_schema,
            flag: None,
        }
    }

    /// For those only who have the flag; to others it is `feature_unavailable`.
    #[must_use]
    pub fn behind(mut self, flag: &'static Flag) -> Self {
        self.flag = Some(flag);
        self
    }

    /// The schema of its fields.
    pub(in crate::app) fn fields(&self, generator: &mut SchemaGenerator) -> Schema {
        (self.fields)(generator)
    }

    /// The schema of what it is acknowledged with.
    pub(in crate::app) fn answer(&self, generator: &mut SchemaGenerator) -> Schema {
        (self.answer)(generator)
    }

    /// What clients call it.
    pub fn name(&self) -> &'static str {
        self.name
    }
}

/// All commands of all features.
pub(in crate::app) struct Registry(HashMap<&'static str, Command>);

impl Registry {
    /// A name that is taken twice is a defect that shows at the first start, so it ends it.
    pub(in crate::app) fn new(commands: impl IntoIterator<Item = Command>) -> Self {
        let mut handlers = HashMap::new();
        for command in commands {
            let name = command.name;
            let before = handlers.insert(name, command);
            assert!(before.is_none(), "two commands are called {name}");
        }
        Self(handlers)
    }

    async fn run(
        &self,
        app: App,
        caller: SignedIn,
        name: &str,
        payload: Bytes,
    ) -> Result<Box<RawValue>, Error> {
        let Some(command) = self.0.get(name) else {
            return Err(Error::new(Code::UnknownType, "no such command"));
        };
        if let Some(flag) = command.flag {
            app.flags().require(flag, caller.user_id).await?;
        }
        (command.handler)(app, caller, payload).await
    }
}
