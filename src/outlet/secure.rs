//! The protected road: TLS of at least 1.2 with a certificate that was verified, or nothing at all is said.
//!
//! *What it is*: how a [`super::smtp::Hop`] is to be protected ([`Security`]), and what the handshake gave ([`TlsFacts`]),
//! which is the evidence of how a mail travelled. *What it never does*: fall back to plain text on a forced road, or
//! speak anything older than TLS 1.2, which rustls does not have. *Start reading at* [`Security`]. *Tests*:
//! `tests/outlet.rs`, against a server that speaks TLS, one that does not, and one with another name.

use super::wire::Wire;
use rustls::client::WebPkiServerVerifier;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, ring};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{ClientConfig, DigitallySignedStruct, ProtocolVersion, RootCertStore, SignatureScheme};
use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use tokio_rustls::TlsConnector;

/// How the way to a hop is to be protected.
#[derive(Clone)]
pub struct Security(Kind);

#[derive(Clone)]
enum Kind {
    Never,
    IfOffered(Arc<RootCertStore>),
    Forced(Arc<ClientConfig>),
}

impl Security {
    /// In the clear: for a hop on this machine, where TLS would guard nothing.
    pub fn never() -> Self {
        Self(Kind::Never)
    }

    /// TLS where the hop offers it (RFC 3207), whoever it is. What was verified is told in the facts.
    pub fn if_offered() -> Self {
        Self(Kind::IfOffered(Arc::new(public_roots())))
    }

    /// TLS with a certificate for the hop's name from a CA that is trusted: those of the PEM file, and no others, or the
    /// public ones.
    ///
    /// # Errors
    /// When the file cannot be read, or has no certificate.
    pub fn forced(trust: Option<&Path>) -> Result<Self, SecureError> {
        let roots = trust.map_or_else(|| Ok(public_roots()), roots_of)?;
        let config = ClientConfig::builder_with_provider(provider())
            .with_safe_default_protocol_versions()?
            .with_root_certificates(roots)
            .with_no_client_auth();
        Ok(Self(Kind::Forced(Arc::new(config))))
    }

    /// Whether nothing may be said without TLS.
    pub fn is_forced(&self) -> bool {
        matches!(self.0, Kind::Forced(_))
    }

    /// Whether TLS is begun when it is offered.
    pub(super) fn wants_tls(&self) -> bool {
        !matches!(self.0, Kind::Never)
    }

    /// Shakes hands as the client. `host` is the name that the certificate must carry.
    pub(super) async fn shake(&self, wire: Wire, host: &str) -> Result<(Wire, TlsFacts), SecureError> {
        let name = ServerName::try_from(host.to_owned()).map_err(|_| SecureError::Name)?;
        let seen = Arc::new(AtomicBool::new(self.is_forced()));
        let config = match &self.0 {
            Kind::Forced(config) => Arc::clone(config),
            Kind::Never => return Err(SecureError::Name),
            Kind::IfOffered(roots) => {
                let strict = WebPkiServerVerifier::builder_with_provider(Arc::clone(roots), provider())
                    .build()
                    .map_err(|error| SecureError::Tls(rustls::Error::General(error.to_string())))?;
                let lenient = Lenient { strict, verified: Arc::clone(&seen) };
                let config = ClientConfig::builder_with_provider(provider())
                    .with_safe_default_protocol_versions()?
                    .dangerous()
                    .with_custom_certificate_verifier(Arc::new(lenient))
                    .with_no_client_auth();
                Arc::new(config)
            }
        };
        let stream = TlsConnector::from(config).connect(name, wire).await.map_err(SecureError::Handshake)?;
        let (_, connection) = stream.get_ref();
        let protocol = match connection.protocol_version() {
            Some(ProtocolVersion::TLSv1_3) => "TLSv1.3",
            Some(ProtocolVersion::TLSv1_2) => "TLSv1.2",
            Some(_) | None => return Err(SecureError::Version),
        };
        let cipher = connection.negotiated_cipher_suite().and_then(|suite| suite.suite().as_str());
        let facts = TlsFacts {
            protocol,
            cipher: cipher.unwrap_or("unknown"),
            peer: host.to_owned(),
            verified: seen.load(Ordering::SeqCst),
        };
        Ok((Box::new(stream), facts))
    }
}

impl fmt::Debug for Security {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(match self.0 {
            Kind::Never => "never",
            Kind::IfOffered(_) => "if offered",
            Kind::Forced(_) => "forced",
        })
    }
}

/// How a mail travelled: the evidence of a protected road.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TlsFacts {
    /// `TLSv1.2` or `TLSv1.3`.
    pub protocol: &'static str,
    /// The cipher suite, as rustls calls it.
    pub cipher: &'static str,
    /// The name that was asked for.
    pub peer: String,
    /// Whether the certificate carried that name and came from a CA that is trusted. Without it anybody may have been at
    /// the other end.
    pub verified: bool,
}

/// Why there is no TLS.
#[derive(Debug, thiserror::Error)]
pub enum SecureError {
    /// The file of CAs.
    #[error("the CA file {path} cannot be used: {why}")]
    Trust {
        /// Which.
        path: PathBuf,
        /// Why.
        why: String,
    },
    /// The hop's name is no name that a certificate can carry.
    #[error("the hop's name is none that a certificate can carry")]
    Name,
    /// The handshake: a certificate that is not trusted or not for this name, or no TLS of ours.
    #[error("no TLS with a certificate that holds: {0}")]
    Handshake(std::io::Error),
    /// Another version than was asked for.
    #[error("neither TLS 1.2 nor 1.3")]
    Version,
    /// The settings.
    #[error("TLS cannot be set up: {0}")]
    Tls(#[from] rustls::Error),
}

/// Takes any certificate, and remembers whether it was one to trust. The peer still has to prove that it has its key.
#[derive(Debug)]
struct Lenient {
    strict: Arc<WebPkiServerVerifier>,
    verified: Arc<AtomicBool>,
}

impl ServerCertVerifier for Lenient {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        server_name: &ServerName<'_>,
        ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        let strict =
            self.strict.verify_server_cert(end_entity, intermediates, server_name, ocsp_response, now);
        self.verified.store(strict.is_ok(), Ordering::SeqCst);
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        self.strict.verify_tls12_signature(message, certificate, signed)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        self.strict.verify_tls13_signature(message, certificate, signed)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.strict.supported_verify_schemes()
    }
}

fn provider() -> Arc<CryptoProvider> {
    Arc::new(ring::default_provider())
}

fn public_roots() -> RootCertStore {
    webpki_roots::TLS_SERVER_ROOTS.iter().cloned().collect()
}

fn roots_of(path: &Path) -> Result<RootCertStore, SecureError> {
    let fault = |why: String| SecureError::Trust { path: path.to_owned(), why };
    let mut roots = RootCertStore::empty();
    for certificate in CertificateDer::pem_file_iter(path).map_err(|error| fault(error.to_string()))? {
        let certificate = certificate.map_err(|error| fault(error.to_string()))?;
        roots.add(certificate).map_err(|error| fault(error.to_string()))?;
    }
    if roots.is_empty() {
        return Err(fault("there is no certificate in it".to_owned()));
    }
    Ok(roots)
}
