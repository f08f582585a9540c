//! The one TLS configuration of the process, shared by REST and the links.

use std::{path::PathBuf, sync::Arc};

use rustls::{
    ClientConfig, RootCertStore,
    pki_types::{CertificateDer, pem, pem::PemObject},
};
use thiserror::Error;
use tokio::sync::OnceCell;

use crate::Retry;

/// Whom to trust when a server is reached over TLS.
///
/// Trusts the certificates of the operating system (`SSL_CERT_FILE` and `SSL_CERT_DIR` override where they are looked
/// for) and those of an extra file. They are read when TLS is first used, so that a deployment over plain `http` and `ws`
/// needs none. Nothing process-wide is installed. Cheap to clone.
#[derive(Clone, Debug, Default)]
pub struct Tls {
    shared: Arc<Shared>,
}

#[derive(Debug, Default)]
struct Shared {
    ca_file: Option<PathBuf>,
    config: OnceCell<Arc<ClientConfig>>,
}

/// Why there is no TLS.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum TlsError {
    /// A certificate of the extra file cannot be used.
    #[error("a certificate of `{}` cannot be used", path.display())]
    CaCertificate {
        /// The file.
        path: PathBuf,
        /// Why not.
        #[source]
        source: rustls::Error,
    },
    /// The extra file cannot be read.
    #[error("cannot read the certificates of `{}`", path.display())]
    CaFile {
        /// The file.
        path: PathBuf,
        /// Why not.
        #[source]
        source: pem::Error,
    },
    /// The extra file has no certificate.
    #[error("`{}` has no certificate in PEM form", path.display())]
    EmptyCaFile {
        /// The file.
        path: PathBuf,
    },
    /// Neither the operating system nor an extra file has a certificate.
    #[error("this system has no trusted certificates ({n_errors} errors on reading them)")]
    NoRoots {
        /// How many places could not be read.
        n_errors: usize,
    },
    /// The TLS library refuses its settings.
    #[error("cannot set up TLS")]
    Setup {
        /// Why not.
        #[source]
        source: rustls::Error,
    },
    /// The runtime stopped while the certificates were read.
    #[error("stopped while reading the trusted certificates")]
    Stopped {
        /// Why.
        #[source]
        source: tokio::task::JoinError,
    },
}

impl TlsError {
    /// Never, except when the process was stopping: somebody has to change the certificates.
    #[must_use]
    pub const fn retry(&self) -> Retry {
        match self {
            Self::Stopped { .. } => Retry::LATER,
            _ => Retry::Never,
        }
    }
}

impl Tls {
    /// Trusts the system's certificates and those of `ca_file` (PEM), for a private deployment.
    #[must_use]
    pub fn new(ca_file: Option<PathBuf>) -> Self {
        Self { shared: Arc::new(Shared { ca_file, config: OnceCell::new() }) }
    }

    /// The configuration; reads the certificates the first time, off the asynchronous threads. Cancel-safe.
    pub(crate) async fn client_config(&self) -> Result<Arc<ClientConfig>, TlsError> {
        let build = || async {
            let ca_file = self.shared.ca_file.clone();
            tokio::task::spawn_blocking(move || trusted(ca_file))
                .await
                .map_err(|source| TlsError::Stopped { source })?
        };
        self.shared.config.get_or_try_init(build).await.cloned()
    }
}

/// A configuration that trusts nobody, for a client that speaks plain HTTP only.
pub(crate) fn trusting_nobody() -> Result<ClientConfig, TlsError> {
    with_roots(RootCertStore::empty())
}

fn trusted(ca_file: Option<PathBuf>) -> Result<Arc<ClientConfig>, TlsError> {
    let native = rustls_native_certs::load_native_certs();
    let mut roots = RootCertStore::empty();
    let (n_added, n_ignored) = roots.add_parsable_certificates(native.certs);
    tracing::debug!(n_added, n_ignored, n_errors = native.errors.len(), "system certificates read");
    if let Some(path) = ca_file {
        add_file(&mut roots, path)?;
    }
    if roots.is_empty() {
        return Err(TlsError::NoRoots { n_errors: native.errors.len() });
    }
    with_roots(roots).map(Arc::new)
}

fn add_file(roots: &mut RootCertStore, path: PathBuf) -> Result<(), TlsError> {
    let certificates = CertificateDer::pem_file_iter(&path).and_then(Iterator::collect);
    let certificates: Vec<CertificateDer<'static>> = match certificates {
        Ok(certificates) => certificates,
        Err(source) => return Err(TlsError::CaFile { path, source }),
    };
    if certificates.is_empty() {
        return Err(TlsError::EmptyCaFile { path });
    }
    for certificate in certificates {
        if let Err(source) = roots.add(certificate) {
            return Err(TlsError::CaCertificate { path, source });
        }
    }
    Ok(())
}

fn with_roots(roots: RootCertStore) -> Result<ClientConfig, TlsError> {
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|source| TlsError::Setup { source })?
        .with_root_certificates(roots)
        .with_no_client_auth();
    Ok(config)
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    fn testdata(name: &str) -> PathBuf {
        Path::new(env!("CARGO_MANIFEST_DIR")).join("src/tls/testdata").join(name)
    }

    #[test]
    fn a_file_without_certificates_is_named() {
        for name in ["README.md", "server-key.pem"] {
            let error = add_file(&mut RootCertStore::empty(), testdata(name)).unwrap_err();
            assert!(matches!(error, TlsError::EmptyCaFile { .. }), "{error:?}");
            assert_eq!(error.retry(), Retry::Never);
            let expected = format!("`{}` has no certificate in PEM form", testdata(name).display());
            assert_eq!(error.to_string(), expected);
        }
    }

    #[test]
    fn a_file_that_is_no_file_is_named() {
        let error = add_file(&mut RootCertStore::empty(), testdata("")).unwrap_err();
        assert!(matches!(error, TlsError::CaFile { .. }), "{error:?}");
    }

    #[tokio::test]
    async fn the_certificates_are_read_once_for_all_clones() {
        let tls = Tls::new(Some(testdata("ca.pem")));
        let one = tls.client_config().await.unwrap();
        let two = tls.clone().client_config().await.unwrap();
        assert!(Arc::ptr_eq(&one, &two));
    }

    #[test]
    fn no_provider_is_installed_for_the_process() {
        trusting_nobody().unwrap();
        assert!(rustls::crypto::CryptoProvider::get_default().is_none());
    }
}
