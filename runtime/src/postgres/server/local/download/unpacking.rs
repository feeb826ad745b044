//! Unpacks an archive whose digest is known to be right.

use std::{
    fs,
    path::{Path, PathBuf},
};

use flate2::read::GzDecoder;

use super::{super::download_error::DownloadError, archive::Archive};

/// Unpacks into a directory, and finds the one in it that has the programs in `bin`.
pub(super) fn unpack(
    archive: &Archive,
    bytes: &[u8],
    draft: &Path,
) -> Result<PathBuf, DownloadError> {
    tar::Archive::new(GzDecoder::new(bytes))
        .unpack(draft)
        .map_err(|error| DownloadError::unpack(archive, &error))?;
    root(draft).ok_or_else(|| {
        let problem = "it has no `bin/postgres` and `bin/initdb`";
        DownloadError::unpack(archive, &problem)
    })
}

/// An archive has its files at the top, or in one directory.
fn root(draft: &Path) -> Option<PathBuf> {
    let inside = fs::read_dir(draft)
        .ok()?
        .flatten()
        .map(|entry| entry.path());
    let has_programs = |dir: &PathBuf| {
        let bin = dir.join("bin");
        ["postgres", "initdb"]
            .iter()
            .all(|name| bin.join(name).is_file())
    };
    std::iter::once(draft.to_owned())
        .chain(inside)
        .find(has_programs)
}
