//! Where a PostgreSQL register is: `postgres://USER@HOST/DATABASE?sslmode=require&sslrootcert=/etc/brevdue/ca.pem`.

use super::StoreError;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;
use tokio_postgres::Config;
use tokio_postgres::config::{Host, SslMode, TargetSessionAttrs};

/// A server, and how it is reached. Shows no password.
#[derive(Clone, PartialEq, Eq)]
pub struct ServerUrl {
    config: Config,
    /// `sslrootcert`: whose certificates are believed instead of the public ones.
    root: Option<PathBuf>,
}

/// Why a URL names no server.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct BadUrl(String);

impl ServerUrl {
    /// Reads it. Without `sslmode` TLS is required, but for a server of this machine.
    ///
    /// # Errors
    /// When it is none, or asks for TLS where there is any (`sslmode=prefer`): the register must not travel in the clear
    /// because somebody else said so.
    pub fn parse(text: &str) -> Result<Self, BadUrl> {
        let (text, root) = take_root(text);
        let asks = text.contains("sslmode=");
        let mut config: Config = text.parse().map_err(|error: tokio_postgres::Error| {
            let why = std::error::Error::source(&error).map(ToString::to_string);
            BadUrl(why.unwrap_or_else(|| "it cannot be read".to_owned()))
        })?;
        if config.get_hosts().is_empty() {
            return Err(BadUrl("it names no host".to_owned()));
        }
        if config.get_dbname().is_none() {
            return Err(BadUrl("it names no database".to_owned()));
        }
        match (asks, config.get_ssl_mode()) {
            (true, SslMode::Require | SslMode::Disable) => {}
            (false, _) if config.get_hosts().iter().all(is_here) => {
                config.ssl_mode(SslMode::Disable);
            }
            (false, _) => {
                config.ssl_mode(SslMode::Require);
            }
            (true, _) => return Err(BadUrl("sslmode is to be require or disable".to_owned())),
        }
        // Of several servers one is the primary, and a standby answers with what was. A single one that is read-only for a while
        // can still be read.
        if config.get_hosts().len() > 1 && !text.contains("target_session_attrs=") {
            config.target_session_attrs(TargetSessionAttrs::ReadWrite);
        }
        Ok(Self { config, root })
    }

    pub(super) fn config(&self) -> &Config {
        &self.config
    }

    /// What is believed of its certificate; `None` where there is no TLS.
    pub(super) fn tls(&self) -> Result<Option<Arc<rustls::ClientConfig>>, StoreError> {
        if self.config.get_ssl_mode() == SslMode::Disable {
            return Ok(None);
        }
        let mut roots = rustls::RootCertStore::empty();
        if let Some(path) = &self.root {
            let bad = |error: &dyn fmt::Display| StoreError::Server(format!("{}: {error}", path.display()));
            let certificates = CertificateDer::pem_file_iter(path).map_err(|error| bad(&error))?;
            for certificate in certificates {
                roots.add(certificate.map_err(|error| bad(&error))?).map_err(|error| bad(&error))?;
            }
        } else {
            roots.extend(webpki_roots::TLS_SERVER_ROOTS.iter().cloned());
        }
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let config = rustls::ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .map_err(|error| StoreError::Server(error.to_string()))?;
        Ok(Some(Arc::new(config.with_root_certificates(roots).with_no_client_auth())))
    }
}

impl fmt::Debug for ServerUrl {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{self}")
    }
}

/// Without who logs in and how.
impl fmt::Display for ServerUrl {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let host = |host: &Host| match host {
            Host::Tcp(name) => name.clone(),
            Host::Unix(path) => path.display().to_string(),
        };
        let hosts: Vec<String> = self.config.get_hosts().iter().map(host).collect();
        write!(out, "postgres://{}/{}", hosts.join(","), self.config.get_dbname().unwrap_or_default())
    }
}

/// The client knows no `sslrootcert`, as libpq does: it is taken out.
fn take_root(text: &str) -> (String, Option<PathBuf>) {
    let Some((before, query)) = text.split_once('?') else { return (text.to_owned(), None) };
    let mut root = None;
    let rest: Vec<&str> = query
        .split('&')
        .filter(|part| match part.strip_prefix("sslrootcert=") {
            Some(path) => {
                root = Some(PathBuf::from(path));
                false
            }
            None => true,
        })
        .collect();
    let query = if rest.is_empty() { String::new() } else { format!("?{}", rest.join("&")) };
    (format!("{before}{query}"), root)
}

/// Whether a host is this machine.
fn is_here(host: &Host) -> bool {
    match host {
        Host::Unix(_) => true,
        Host::Tcp(name) => {
            name == "localhost" || name.parse::<std::net::IpAddr>().is_ok_and(|address| address.is_loopback())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_url_is_a_server_with_tls_or_a_clear_no() {
        let mode = |text: &str| ServerUrl::parse(text).map(|url| url.config.get_ssl_mode());
        assert_eq!(mode("postgres://b@db.example/brevdue"), Ok(SslMode::Require));
        assert_eq!(mode("postgres://b@127.0.0.1:5433/brevdue"), Ok(SslMode::Disable));
        assert_eq!(mode("postgresql:///brevdue?host=/run/postgresql&user=b"), Ok(SslMode::Disable));
        assert_eq!(mode("postgres://b@localhost/brevdue?sslmode=require"), Ok(SslMode::Require));
        assert!(mode("postgres://b@db.example/brevdue?sslmode=prefer").is_err());
        assert!(mode("postgres://b@db.example").is_err() && mode("postgres:///x").is_err());
        let url =
            ServerUrl::parse("postgres://b:hemmelig@db.example/brevdue?sslrootcert=/etc/ca.pem").unwrap();
        assert_eq!(url.root, Some(PathBuf::from("/etc/ca.pem")));
        assert_eq!(format!("{url:?}"), "postgres://db.example/brevdue");
    }
}
