//! Gets an archive over HTTP, and accepts it by its digest only.

use std::{
    fmt::Write as _,
    io::Read,
    sync::Arc,
    time::{Duration, Instant},
};

use sha2::{Digest, Sha256};
use ureq::{
    Agent, Body,
    tls::{Certificate, RootCerts, TlsConfig, TlsProvider},
};

use super::{
    super::download_error::{DownloadError, URL},
    archive::{Archive, Size},
};
use crate::observe::log;

const CONNECT_LIMIT: Duration = Duration::from_secs(10);
/// For the whole archive; 12 MB come in this time at 20 kB/s.
const LIMIT: Duration = Duration::from_mins(10);
/// More than any archive of PostgreSQL has: a file of unknown size has to end somewhere.
const LARGEST: u64 = 1 << 29;
/// How often a slow download says how far it is.
const PROGRESS: Duration = Duration::from_secs(10);

/// The archive, complete and with the right digest.
pub(super) fn get(archive: &Archive) -> Result<Vec<u8>, DownloadError> {
    let refused = |error: ureq::Error| {
        let help = format!(
            "check the network and the proxy (HTTPS_PROXY), or name a mirror of the file in {URL}"
        );
        DownloadError::transfer(archive, error.to_string(), help)
    };
    let mut response = agent().get(archive.url()).call().map_err(refused)?;
    if !response.status().is_success() {
        let problem = format!("the server answered {}", response.status());
        let help = format!("try again later, or set {URL} to where the file is");
        return Err(DownloadError::transfer(archive, problem, help));
    }
    let bytes = receive(archive, response.body_mut())?;
    check(archive, &bytes)?;
    Ok(bytes)
}

/// With the system's certificates, as a company's proxy may have its own, and `HTTPS_PROXY` and the
/// like.
fn agent() -> Agent {
    let found = rustls_native_certs::load_native_certs();
    for error in &found.errors {
        log::debug(format_args!("a certificate could not be read: {error}"));
    }
    let certificates: Vec<_> = found
        .certs
        .iter()
        .map(|certificate| Certificate::from_der(certificate.as_ref()).to_owned())
        .collect();
    let tls = TlsConfig::builder()
        .provider(TlsProvider::Rustls)
        .unversioned_rustls_crypto_provider(Arc::new(rustls::crypto::ring::default_provider()))
        .root_certs(RootCerts::new_with_certs(&certificates))
        .build();
    let config = Agent::config_builder()
        .tls_config(tls)
        .user_agent(concat!("db-test/", env!("CARGO_PKG_VERSION")))
        .http_status_as_error(false)
        .timeout_connect(Some(CONNECT_LIMIT))
        .timeout_recv_response(Some(CONNECT_LIMIT))
        .timeout_global(Some(LIMIT));
    Agent::new_with_config(config.build())
}

fn receive(archive: &Archive, body: &mut Body) -> Result<Vec<u8>, DownloadError> {
    let announced = archive.size.or(body.content_length());
    let largest = archive.size.unwrap_or(LARGEST);
    // One more byte than there may be, to notice that there are more.
    let mut reader = body.as_reader().take(largest + 1);
    let (mut bytes, mut chunk) = (Vec::new(), vec![0; 1 << 16]);
    let mut said = Instant::now();
    let ended = loop {
        match reader.read(&mut chunk) {
            Ok(0) => break None,
            Ok(count) => bytes.extend_from_slice(&chunk[..count]),
            Err(error) => break Some(error.to_string()),
        }
        if said.elapsed() >= PROGRESS {
            said = Instant::now();
            log::notice(format_args!(
                "downloaded {} of {archive} so far",
                Size(bytes.len() as u64)
            ));
        }
    };
    let is_short = announced.is_some_and(|size| (bytes.len() as u64) < size);
    if ended.is_none() && !is_short {
        return Ok(bytes);
    }
    let of = announced.map_or_else(String::new, |size| format!(" of {size}"));
    let why = ended.map_or_else(String::new, |error| format!(" ({error})"));
    let problem = format!("the connection ended after {}{of} bytes{why}", bytes.len());
    let help = "check the network, and run the tests again";
    Err(DownloadError::transfer(archive, problem, help))
}

fn check(archive: &Archive, bytes: &[u8]) -> Result<(), DownloadError> {
    let digest = hexadecimal(&Sha256::digest(bytes));
    if digest == archive.sha256 {
        return Ok(());
    }
    let problem = format!(
        "what came is another file: its SHA-256 is {digest}, and {} is expected",
        archive.sha256
    );
    let help = format!(
        "a proxy may have answered with a page of its own; get the file by another way, or correct {URL}"
    );
    Err(DownloadError::transfer(archive, problem, help))
}

fn hexadecimal(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}
