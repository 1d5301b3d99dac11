//! TLS towards the stores. Between clients and us it ends at the balancer.

use std::{fmt, io, path::Path, sync::Arc};

use rustls::{
    ClientConfig, RootCertStore,
    pki_types::{CertificateDer, ServerName, pem::PemObject},
};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio_rustls::{TlsConnector, client::TlsStream};

/// A connection that is encrypted.
pub type Encrypted<S> = TlsStream<S>;

/// Why nobody can be trusted.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    /// The file of certificate authorities is not there or not PEM.
    #[error("{path}: {reason}")]
    Authorities {
        /// The file.
        path: String,
        /// What is wrong with it.
        reason: String,
    },
    /// The system has no certificate authorities.
    #[error("the system names no certificate authorities: {0}")]
    System(String),
}

/// Opens encrypted connections to servers that show a certificate for the name that they are called by. There is no way to
/// do without.
#[derive(Clone)]
pub struct Client(TlsConnector);

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("tls::Client")
    }
}

impl Client {
    /// Trusts the authorities in `ca_file` (PEM), else the system's.
    pub fn new(ca_file: Option<&Path>) -> Result<Self, TlsError> {
        let roots = match ca_file {
            Some(path) => from_file(path)?,
            None => from_system()?,
        };
        let config = ClientConfig::builder().with_root_certificates(roots);
        Ok(Self(TlsConnector::from(Arc::new(
            config.with_no_client_auth(),
        ))))
    }

    /// Encrypts a connection to `host`, a name or an address.
    pub async fn connect<S: AsyncRead + AsyncWrite + Unpin>(
        &self,
        host: &str,
        stream: S,
    ) -> io::Result<Encrypted<S>> {
        let name = ServerName::try_from(host.to_owned()).map_err(io::Error::other)?;
        self.0.connect(name, stream).await
    }
}

fn from_file(path: &Path) -> Result<RootCertStore, TlsError> {
    let wrong = |reason: String| TlsError::Authorities {
        path: path.display().to_string(),
        reason,
    };
    let certificates =
        CertificateDer::pem_file_iter(path).map_err(|error| wrong(error.to_string()))?;
    let mut roots = RootCertStore::empty();
    for certificate in certificates {
        let certificate = certificate.map_err(|error| wrong(error.to_string()))?;
        roots
            .add(certificate)
            .map_err(|error| wrong(error.to_string()))?;
    }
    if roots.is_empty() {
        return Err(wrong("holds no certificate".to_owned()));
    }
    Ok(roots)
}

fn from_system() -> Result<RootCertStore, TlsError> {
    let loaded = rustls_native_certs::load_native_certs();
    let mut roots = RootCertStore::empty();
    let (added, _) = roots.add_parsable_certificates(loaded.certs);
    if added == 0 {
        return Err(TlsError::System(format!("{:?}", loaded.errors)));
    }
    Ok(roots)
}
