//! One Redis server: where it is, and who we are there.

use std::{fmt, path::Path};

use redis::{Client, ConnectionAddr, ConnectionInfo, TlsCertificates};

use crate::bus::BusError;

/// A server's address with everything that a connection to it needs. Two are the same if their addresses are.
#[derive(Clone)]
pub(in crate::bus) struct Server {
    info: ConnectionInfo,
    name: String,
}

impl Server {
    /// From `redis://[user:password@]host:port` or `rediss://…`, which is believed if the system's certificate authorities
    /// vouch for it, or those in `ca`, a PEM file's content.
    pub(super) fn parse(url: &str, ca: Option<&[u8]>) -> Result<Self, BusError> {
        let configuration = |error: &dyn fmt::Display| BusError::Configuration(error.to_string());
        let client = Client::open(url).map_err(|error| configuration(&error))?;
        let client = match (client.get_connection_info().addr(), ca) {
            (ConnectionAddr::Tcp(..), _) | (ConnectionAddr::TcpTls { .. }, None) => client,
            (ConnectionAddr::TcpTls { .. }, Some(ca)) => {
                let certificates = TlsCertificates {
                    client_tls: None,
                    root_cert: Some(ca.to_vec()),
                };
                let info = client.get_connection_info().clone();
                Client::build_with_tls(info, certificates).map_err(|error| configuration(&error))?
            }
            _ => return Err(configuration(&"a socket file is not served; use host:port")),
        };
        Ok(Self::new(client.get_connection_info().clone()))
    }

    fn new(info: ConnectionInfo) -> Self {
        Self {
            name: info.addr().to_string(),
            info,
        }
    }

    /// Another server with the same credentials.
    pub(super) fn at(&self, host: &str, port: u16) -> Self {
        let host = host.to_owned();
        let addr = match self.info.addr() {
            ConnectionAddr::TcpTls {
                insecure,
                tls_params,
                ..
            } => ConnectionAddr::TcpTls {
                host,
                port,
                insecure: *insecure,
                tls_params: tls_params.clone(),
            },
            _ => ConnectionAddr::Tcp(host, port),
        };
        Self::new(self.info.clone().set_addr(addr))
    }

    /// `host:port`.
    pub(in crate::bus) fn name(&self) -> &str {
        &self.name
    }

    /// For the redis crate.
    pub(in crate::bus) fn info(&self) -> ConnectionInfo {
        self.info.clone()
    }

    /// Host and port, and whether by TLS.
    pub(in crate::bus) fn addr(&self) -> (&str, u16, bool) {
        match self.info.addr() {
            ConnectionAddr::Tcp(host, port) => (host, *port, false),
            ConnectionAddr::TcpTls { host, port, .. } => (host, *port, true),
            // Refused by `parse`.
            _ => ("", 0, false),
        }
    }

    pub(in crate::bus) fn username(&self) -> Option<&str> {
        self.info.redis_settings().username()
    }

    pub(in crate::bus) fn password(&self) -> Option<&str> {
        self.info.redis_settings().password()
    }
}

impl PartialEq for Server {
    fn eq(&self, other: &Self) -> bool {
        self.name == other.name
    }
}

impl Eq for Server {}

impl fmt::Debug for Server {
    /// Without the password.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.name)
    }
}

/// The content of `REDIS_CA_FILE`.
pub(super) fn read_ca(path: &Path) -> Result<Vec<u8>, BusError> {
    std::fs::read(path)
        .map_err(|error| BusError::Configuration(format!("{}: {error}", path.display())))
}
