//! Whose presence whom concerns, where the mirror in Redis does not know; and who was last seen when.

use serde::{Deserialize, Serialize};
use shared::{
    ids::UserId,
    presence::{ContactSource, ContactsAt, ContactsFuture, ContactsUnknown, LastSeen},
    telemetry::RequestId,
};

use super::{ApiClient, ApiError, Repeat};

#[derive(Serialize)]
struct WhoseContacts {
    user_ids: Vec<UserId>,
}

#[derive(Deserialize)]
struct FoundContacts {
    contacts: Vec<ContactsAt>,
}

impl ContactSource for ApiClient {
    fn contacts(&self, people: Vec<UserId>) -> ContactsFuture<'_> {
        Box::pin(async move {
            let body = WhoseContacts { user_ids: people };
            let path = "/internal/presence/contacts";
            let request_id = RequestId::random();
            let read = self.post(path, &body, &request_id, Repeat::Safe).await;
            let read = read.map_err(|error| ContactsUnknown(error.to_string()))?;
            let FoundContacts { contacts } = read;
            Ok(contacts)
        })
    }
}

impl ApiClient {
    /// Has `api` write down when these people were last seen; twice does no harm.
    pub(crate) async fn report_last_seen(&self, seen: &[LastSeen]) -> Result<(), ApiError> {
        #[derive(Serialize)]
        struct Body<'a> {
            seen: &'a [LastSeen],
        }
        #[derive(Deserialize)]
        struct Done {}
        let path = "/internal/presence/last-seen";
        let done = self
            .post(path, &Body { seen }, &RequestId::random(), Repeat::Safe)
            .await;
        done.map(|Done {}| ())
    }
}
