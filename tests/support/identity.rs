//! A server's certificate for one test, from a private CA of its own; made in memory, good for nothing else.

use std::sync::Arc;

use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair};
use rustls::ServerConfig;
use rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};

use super::Trouble;

/// A certificate with its key, made for one test, and the private CA that vouches for it.
#[derive(Debug, Clone)]
pub(crate) struct Identity {
    config: Arc<ServerConfig>,
    ca_pem: String,
}

impl Identity {
    /// An identity for this DNS name. Two calls have two CAs that know nothing of each other.
    pub(crate) fn for_name(name: &str) -> Result<Self, Trouble> {
        Self::made_for(name).map_err(|error| Trouble::new(format!("a certificate for {name}: {error}")))
    }

    /// What a client must trust to accept this identity, as PEM.
    pub(crate) fn ca_pem(&self) -> &str {
        &self.ca_pem
    }

    /// What a server of this identity speaks TLS with: 1.2 and 1.3.
    pub(crate) fn into_server_config(self) -> Arc<ServerConfig> {
        self.config
    }

    fn made_for(name: &str) -> Result<Self, Box<dyn std::error::Error>> {
        let mut ca = CertificateParams::default();
        // A name unlike the leaf's, or the leaf looks self-signed.
        ca.distinguished_name.push(DnType::CommonName, "the test's own CA");
        ca.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let ca_key = KeyPair::generate()?;
        let ca_pem = ca.self_signed(&ca_key)?.pem();
        let key = KeyPair::generate()?;
        let leaf =
            CertificateParams::new(vec![name.to_owned()])?.signed_by(&key, &Issuer::new(ca, ca_key))?;
        let key = PrivateKeyDer::from(PrivatePkcs8KeyDer::from(key.serialize_der()));
        let config = ServerConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
            .with_safe_default_protocol_versions()?
            .with_no_client_auth()
            .with_single_cert(vec![leaf.der().clone()], key)?;
        Ok(Self { config: Arc::new(config), ca_pem })
    }
}
