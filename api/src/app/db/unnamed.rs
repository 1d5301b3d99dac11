//! Statements behind a pooler that gives every transaction another connection: nothing may stay prepared.
//!
//! A statement and its parameters then go out at once and without a name, for which the driver must know the types of
//! parameters beforehand. The server tells them, once for each statement, on a connection around the pooler.

use std::{
    collections::HashMap,
    sync::{Arc, PoisonError, RwLock},
};

use tokio::sync::Mutex;
use tokio_postgres::{
    Client,
    types::{ToSql, Type},
};

use super::{connection::Parameters, direct};
use crate::app::config::DatabaseSettings;

/// What statements take, as far as that was asked. Statements are `'static`, so there is an end to it.
pub(super) struct ParameterTypes {
    settings: DatabaseSettings,
    known: RwLock<HashMap<&'static str, Arc<[Type]>>>,
    client: Mutex<Option<Client>>,
}

impl ParameterTypes {
    pub(super) fn new(settings: DatabaseSettings) -> Self {
        Self {
            settings,
            known: RwLock::default(),
            client: Mutex::default(),
        }
    }

    /// A statement's parameters with their types; of one with another number of them the server tells what is wrong.
    pub(super) async fn typed<'a>(
        &self,
        statement: &'static str,
        parameters: Parameters<'a>,
    ) -> Result<Vec<(&'a (dyn ToSql + Sync), Type)>, tokio_postgres::Error> {
        let types = match self.known(statement) {
            Some(types) => types,
            // Boxed, since connecting is rare and large, and would be part of every statement's future.
            None => Box::pin(self.ask(statement)).await?,
        };
        let values = parameters.iter().copied();
        Ok(values.zip(types.iter().cloned()).collect())
    }

    fn known(&self, statement: &'static str) -> Option<Arc<[Type]>> {
        let known = self.known.read().unwrap_or_else(PoisonError::into_inner);
        known.get(statement).cloned()
    }

    async fn ask(&self, statement: &'static str) -> Result<Arc<[Type]>, tokio_postgres::Error> {
        let mut client = self.client.lock().await;
        let client = match &mut *client {
            Some(client) if !client.is_closed() => client,
            client => client.insert(direct::connect(&self.settings, "hubbub-api types").await?),
        };
        let prepared = client.prepare(statement).await?;
        let types: Arc<[Type]> = prepared.params().into();
        let mut known = self.known.write().unwrap_or_else(PoisonError::into_inner);
        known.insert(statement, Arc::clone(&types));
        Ok(types)
    }
}
