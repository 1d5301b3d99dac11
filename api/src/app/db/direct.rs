//! A connection of its own, that nobody shares.

use tokio_postgres::Client;

use super::tls::Tls;
use crate::app::config::DatabaseSettings;

/// Opens one, around the pooler if there is one, and without the pool's timeouts. It ends when the client is dropped.
pub(super) async fn connect(
    settings: &DatabaseSettings,
    what_for: &'static str,
) -> Result<Client, tokio_postgres::Error> {
    let mut config = settings.direct_url().config.clone();
    config
        .application_name(what_for)
        .connect_timeout(settings.connect_timeout);
    let (client, connection) = config.connect(Tls(settings.tls.clone())).await?;
    tokio::spawn(async move {
        if let Err(error) = connection.await {
            tracing::warn!(%error, what_for, "a direct connection was lost");
        }
    });
    Ok(client)
}
