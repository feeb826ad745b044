//! The name of a template is the digest of what it is made from.

use std::{env, fs, time::SystemTime};

use sha2::{Digest, Sha256};
use sqlx::migrate::Migrator;

use crate::{postgres::server::Server, session::Session};

/// Changes when the way a template is made changes.
const FORMAT: &[u8] = b"4";

/// Sixteen hexadecimal digits that stand for the migrations, the seeds, the locale, and the connection that they
/// run on: its role, which owns the databases that it makes, and its options (`?options[search_path]=app` in the URL,
/// `PGOPTIONS`).
///
/// The server's version is not part of it: a database lives in one server. Its configuration, and what is set for the
/// role on it, are not either, because a warm process asks the server nothing before it connects to its lane.
pub(super) fn of(session: &Session, migrator: &Migrator, server: &Server) -> String {
    let mut digest = Parts(Sha256::new());
    digest.add(FORMAT);
    digest.add(server.owner().as_bytes());
    digest.add(server.startup_options().as_bytes());
    digest.add(&[u8::from(migrator.no_tx)]);
    digest.add(migrator.table_name.as_bytes());
    for schema in migrator.create_schemas.iter() {
        digest.add(schema.as_bytes());
    }
    for migration in migrator.iter() {
        digest.add(&migration.version.to_be_bytes());
        digest.add(migration.description.as_bytes());
        digest.add(&[
            u8::from(migration.no_tx),
            u8::from(migration.migration_type.is_down_migration()),
        ]);
        digest.add(&migration.checksum);
    }
    if let Some(locale) = &session.locale {
        digest.add(b"locale");
        digest.add(locale.as_bytes());
    }
    digest.add(b"seeds");
    for sql in &session.seed_sql {
        digest.add(sql.as_bytes());
    }
    if session.seed.is_some() {
        digest.add(&this_build());
    }
    let digest = digest.0.finalize();
    let mut start = [0; 8];
    start.copy_from_slice(&digest[..8]);
    format!("{:016x}", u64::from_be_bytes(start))
}

/// Stands for the code of this program: the size and the time of its file.
fn this_build() -> Vec<u8> {
    let metadata = env::current_exe().and_then(fs::metadata);
    let Ok(metadata) = metadata else {
        return std::process::id().to_be_bytes().to_vec();
    };
    let modified = metadata
        .modified()
        .ok()
        .and_then(|time| time.duration_since(SystemTime::UNIX_EPOCH).ok());
    let nanoseconds = modified.unwrap_or_default().as_nanos();
    [
        metadata.len().to_be_bytes().to_vec(),
        nanoseconds.to_be_bytes().to_vec(),
    ]
    .concat()
}

struct Parts(Sha256);

impl Parts {
    /// Adds one part with its length, so that no two lists of parts read the same.
    fn add(&mut self, part: &[u8]) {
        self.0.update((part.len() as u64).to_be_bytes());
        self.0.update(part);
    }
}
