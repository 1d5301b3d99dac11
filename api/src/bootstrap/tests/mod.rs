mod kinds;
mod writers;

use super::reference::{Client, State};
use crate::app::testing::Actor;

/// Clients that know everything that there is now.
async fn meet<const N: usize>(people: [&Actor; N]) -> Vec<Client> {
    let mut clients = Vec::new();
    for actor in people {
        clients.push(Client::new(actor, State::fetch_all(actor).await));
    }
    clients
}
