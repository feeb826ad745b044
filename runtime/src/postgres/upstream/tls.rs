//! Encryption of a connection to a server, by rustls.

use std::{fs, sync::Arc};

use rustls::{
    CertificateError, ClientConfig, ClientConnection, DigitallySignedStruct, Error, RootCertStore,
    SignatureScheme, StreamOwned,
    client::{
        WebPkiServerVerifier,
        danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier},
    },
    crypto::{CryptoProvider, ring, verify_tls12_signature, verify_tls13_signature},
    pki_types::{CertificateDer, PrivateKeyDer, ServerName, UnixTime, pem::PemObject},
};
use sqlx::postgres::PgSslMode;

use super::{Ssl, Stream};

/// Encrypts a stream, as far as its server can prove who it is.
pub(super) fn handshake(stream: Stream, host: &str, ssl: &Ssl) -> Result<Stream, String> {
    let Stream::Tcp(socket) = stream else {
        return Ok(stream);
    };
    let provider = Arc::new(ring::default_provider());
    let verifier = verifier(ssl, &provider)?;
    let config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|error| error.to_string())?
        .dangerous()
        .with_custom_certificate_verifier(verifier);
    let config = match (&ssl.certificate, &ssl.key) {
        (Some(certificate), Some(key)) => config
            .with_client_auth_cert(certificates(certificate)?, private_key(key)?)
            .map_err(|error| format!("{certificate}: {error}"))?,
        _ => config.with_no_client_auth(),
    };
    let name = ServerName::try_from(host.trim_matches(['[', ']']).to_owned())
        .map_err(|_| format!("`{host}` is not the name of a server"))?;
    let connection =
        ClientConnection::new(Arc::new(config), name).map_err(|error| error.to_string())?;
    let mut stream = StreamOwned::new(connection, socket);
    while stream.conn.is_handshaking() {
        stream
            .conn
            .complete_io(&mut stream.sock)
            .map_err(|error| error.to_string())?;
    }
    Ok(Stream::Tls(Box::new(stream)))
}

fn verifier(
    ssl: &Ssl,
    provider: &Arc<CryptoProvider>,
) -> Result<Arc<dyn ServerCertVerifier>, String> {
    // As libpq does it, a root that is named is verified even where encryption alone is required.
    let checks_authority = match ssl.mode {
        PgSslMode::VerifyFull | PgSslMode::VerifyCa => true,
        PgSslMode::Require => ssl.root.is_some(),
        _ => false,
    };
    if !checks_authority {
        return Ok(Arc::new(Lenient {
            provider: Arc::clone(provider),
            authority: None,
        }));
    }
    let authority = WebPkiServerVerifier::builder_with_provider(
        Arc::new(roots(ssl.root.as_deref())?),
        Arc::clone(provider),
    )
    .build()
    .map_err(|error| error.to_string())?;
    if matches!(ssl.mode, PgSslMode::VerifyFull) {
        return Ok(authority);
    }
    Ok(Arc::new(Lenient {
        provider: Arc::clone(provider),
        authority: Some(authority),
    }))
}

fn roots(named: Option<&str>) -> Result<RootCertStore, String> {
    let mut roots = RootCertStore::empty();
    let trusted = match named {
        Some(named) if named != "file: system" => certificates(named)?,
        _ => rustls_native_certs::load_native_certs().certs,
    };
    roots.add_parsable_certificates(trusted);
    Ok(roots)
}

/// The certificates in a file, or in a text that begins as one.
fn certificates(source: &str) -> Result<Vec<CertificateDer<'static>>, String> {
    CertificateDer::pem_slice_iter(&pem(source)?)
        .collect::<Result<_, _>>()
        .map_err(|error| format!("the certificates could not be read: {error}"))
}

fn private_key(source: &str) -> Result<PrivateKeyDer<'static>, String> {
    PrivateKeyDer::from_pem_slice(&pem(source)?)
        .map_err(|error| format!("the private key could not be read: {error}"))
}

fn pem(source: &str) -> Result<Vec<u8>, String> {
    if source.trim_start().starts_with("-----BEGIN") {
        return Ok(source.as_bytes().to_vec());
    }
    // So sqlx writes them (`CertificateInput`).
    let path = source.strip_prefix("file: ").unwrap_or(source);
    fs::read(path).map_err(|error| format!("{path}: {error}"))
}

/// Accepts any name, and any authority where the options name none. That the server holds the key
/// of its certificate is verified all the same.
#[derive(Debug)]
struct Lenient {
    provider: Arc<CryptoProvider>,
    authority: Option<Arc<WebPkiServerVerifier>>,
}

impl ServerCertVerifier for Lenient {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        name: &ServerName<'_>,
        ocsp: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        let Some(authority) = &self.authority else {
            return Ok(ServerCertVerified::assertion());
        };
        match authority.verify_server_cert(end_entity, intermediates, name, ocsp, now) {
            // The name is what is looked at last.
            Err(Error::InvalidCertificate(
                CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. },
            )) => Ok(ServerCertVerified::assertion()),
            result => result,
        }
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        let algorithms = &self.provider.signature_verification_algorithms;
        verify_tls12_signature(message, certificate, signature, algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        let algorithms = &self.provider.signature_verification_algorithms;
        verify_tls13_signature(message, certificate, signature, algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        let algorithms = &self.provider.signature_verification_algorithms;
        algorithms.supported_schemes()
    }
}
