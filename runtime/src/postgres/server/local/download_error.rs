//! What can go wrong with a download, and the way out.

use std::{io, path::PathBuf};

use super::package::package;

/// Names another place of the archive, or with `#sha256=…` another archive.
pub(super) const URL: &str = "DB_TEST_DOWNLOAD_URL";

#[derive(Debug, thiserror::Error)]
pub(crate) enum DownloadError {
    #[error(
        "found no PostgreSQL server on this machine, and db-test knows no archive to download for it\n\
         install the server package: {}; or name an archive with its digest in {URL}=https://…#sha256=…; \
         or set TEST_DB_URL to a running server",
        package()
    )]
    NoArchive,
    #[error(
        "{URL} ends with `#sha256={digest}`, which is not a SHA-256 digest\n\
         write 64 hexadecimal digits, as `sha256sum` prints them"
    )]
    BadDigest { digest: String },
    #[error(
        "could not download {archive} from {url}: {problem}\n\
         {help}; nothing was kept\n\
         without a download: install the server package ({}), or set TEST_DB_URL to a running server",
        package()
    )]
    Transfer {
        archive: String,
        url: String,
        problem: String,
        help: String,
    },
    #[error(
        "could not unpack {archive} from {url}: {problem}\n\
         name an archive in tar.gz form whose programs are in `bin`, at its top or in its one directory; nothing was kept"
    )]
    Unpack {
        archive: String,
        url: String,
        problem: String,
    },
    #[error(
        "there is no directory to download {archive} to:\n{problems}\n\
         set DB_TEST_HOME to a directory that only you can write to"
    )]
    NoPlace { archive: String, problems: String },
    #[error(
        "could not {attempted} `{}` to download {archive}: {source}\n\
         set DB_TEST_HOME to a directory that only you can write to, with 100 MB of room", path.display()
    )]
    File {
        archive: String,
        attempted: &'static str,
        path: PathBuf,
        source: io::Error,
    },
    /// The failure of another process, which this one waited for.
    #[error("{message}")]
    Reported { message: String },
}
