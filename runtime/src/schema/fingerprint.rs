//! A digest of what a session's databases are made from.

use std::{env, fs, time::SystemTime};

use sha2::{Digest, Sha256};
use sqlx::migrate::Migrator;

use super::Code;

/// A digest of parts.
pub(crate) struct Fingerprint(Sha256);

impl Fingerprint {
    pub(crate) fn new() -> Self {
        Self(Sha256::new())
    }

    /// Adds one part with its length, so that no two lists of parts read the same.
    pub(crate) fn add(&mut self, part: &[u8]) {
        self.0.update((part.len() as u64).to_be_bytes());
        self.0.update(part);
    }

    pub(crate) fn add_migrations(&mut self, migrator: &Migrator) {
        self.add(&[u8::from(migrator.no_tx)]);
        self.add(migrator.table_name.as_bytes());
        for schema in migrator.create_schemas.iter() {
            self.add(schema.as_bytes());
        }
        for migration in migrator.iter() {
            self.add(&migration.version.to_be_bytes());
            self.add(migration.description.as_bytes());
            self.add(&[
                u8::from(migration.no_tx),
                u8::from(migration.migration_type.is_down_migration()),
            ]);
            self.add(&migration.checksum);
        }
    }

    /// Adds the seeds. A function counts as changed whenever the program does.
    pub(crate) fn add_seeds(&mut self, sql: &[String], functions: &[Code]) {
        self.add(b"seeds");
        for sql in sql {
            self.add(sql.as_bytes());
        }
        if !functions.is_empty() {
            self.add(&this_build());
        }
        for function in functions {
            self.add(&function.bytes());
        }
    }

    /// Sixteen hexadecimal digits.
    pub(crate) fn finish(self) -> String {
        let digest = self.0.finalize();
        let mut start = [0; 8];
        start.copy_from_slice(&digest[..8]);
        format!("{:016x}", u64::from_be_bytes(start))
    }
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
