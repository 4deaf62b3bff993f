//! STARTTLS as a server: the certificate and its key, read once.
//!
//! What it proves is ours to say only as a server: nobody is asked for a certificate of theirs. Tests: `tests/relay.rs`.

use rustls::ServerConfig;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use std::io;
use std::path::Path;
use std::sync::Arc;
use tokio_rustls::TlsAcceptor;

/// Reads a chain and its key, both PEM.
///
/// # Errors
/// When a file cannot be read, or the two do not belong together; the text names the file.
pub(super) fn acceptor(certificate: &Path, key: &Path) -> io::Result<TlsAcceptor> {
    let fault = |path: &Path, why: String| io::Error::other(format!("{}: {why}", path.display()));
    let chain = CertificateDer::pem_file_iter(certificate)
        .and_then(Iterator::collect::<Result<Vec<_>, _>>)
        .map_err(|error| fault(certificate, error.to_string()))?;
    let secret = PrivateKeyDer::from_pem_file(key).map_err(|error| fault(key, error.to_string()))?;
    let config = ServerConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
        .with_safe_default_protocol_versions()
        .and_then(|builder| builder.with_no_client_auth().with_single_cert(chain, secret))
        .map_err(|error| fault(certificate, error.to_string()))?;
    Ok(TlsAcceptor::from(Arc::new(config)))
}
