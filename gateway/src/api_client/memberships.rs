//! Who is in which groups, where the mirror in Redis does not know.

use serde::Serialize;
use shared::{
    ids::UserId,
    membership::{MembershipSource, MembershipsFuture, MembershipsUnknown},
    telemetry::RequestId,
};

use super::{ApiClient, Repeat};

#[derive(Serialize)]
struct WhoseMemberships {
    user_id: UserId,
}

impl MembershipSource for ApiClient {
    fn memberships(&self, user: UserId) -> MembershipsFuture<'_> {
        Box::pin(async move {
            let body = WhoseMemberships { user_id: user };
            let path = "/internal/groups/memberships";
            let request_id = RequestId::random();
            let read = self.post(path, &body, &request_id, Repeat::Safe).await;
            read.map_err(|error| MembershipsUnknown(error.to_string()))
        })
    }
}
