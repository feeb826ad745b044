//! What databases of any kind are made from: the files of migrations, the seeds, and a digest of
//! all of it.

mod fingerprint;
mod migration_file;
mod seed;

pub(crate) use self::{
    fingerprint::Fingerprint,
    migration_file::{failed_migration, file_of, name_of, names, shown_file_of},
    seed::{Code, Seed},
};
