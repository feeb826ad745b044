//! The errors of an archive.

use std::{io, path::Path};

use super::{super::download_error::DownloadError, archive::Archive};

impl DownloadError {
    pub(super) fn transfer(archive: &Archive, problem: String, help: impl Into<String>) -> Self {
        Self::Transfer {
            archive: archive.to_string(),
            url: archive.shown_url(),
            problem,
            help: help.into(),
        }
    }

    pub(super) fn unpack(archive: &Archive, problem: &impl ToString) -> Self {
        Self::Unpack {
            archive: archive.to_string(),
            url: archive.shown_url(),
            problem: problem.to_string(),
        }
    }

    pub(super) fn no_place(archive: &Archive) -> impl FnOnce(String) -> Self {
        let archive = archive.to_string();
        |problems| Self::NoPlace { archive, problems }
    }

    /// For `map_err` on a file operation.
    pub(super) fn file(
        archive: &Archive,
        attempted: &'static str,
        path: &Path,
    ) -> impl FnOnce(io::Error) -> Self {
        let (archive, path) = (archive.to_string(), path.to_owned());
        move |source| Self::File {
            archive,
            attempted,
            path,
            source,
        }
    }
}
