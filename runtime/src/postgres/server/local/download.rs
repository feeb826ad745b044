//! PostgreSQL for a machine that has none (feature `download`).
//!
//! One archive, known by its digest, is downloaded once for all projects of the user. It stays in
//! memory until its digest is checked, is unpacked into a draft, and the draft gets its name by a
//! rename: what has the name is complete, whenever a process is killed. A lock file lets one
//! process do it while the others wait, and they report its failure as theirs.

mod archive;
mod problem;
mod transfer;
mod unpacking;

use std::{
    fs,
    path::{Path, PathBuf},
    thread,
    time::{Duration, Instant, SystemTime},
};

use self::archive::Archive;
use super::{download_error::DownloadError, lock::FileLock, places, private_dir};
use crate::observe::log;

/// In it are an installation for each archive, by its digest.
const DIRECTORY: &str = "programs";

/// How often a process looks whether another one has downloaded the archive. Short against the
/// seconds that takes.
const POLL: Duration = Duration::from_millis(20);

/// Who waits longer than this says so.
const SILENCE: Duration = Duration::from_secs(1);

/// The directory of the programs, which are downloaded unless they are here.
pub(super) fn programs() -> Result<PathBuf, DownloadError> {
    let archive = Archive::wanted()?;
    let directory =
        places::lasting_directory(DIRECTORY).map_err(DownloadError::no_place(&archive))?;
    let began = SystemTime::now();
    let installation = Installation {
        path: directory.join(archive.name()),
    };
    if let Some(bin) = installation.programs() {
        return Ok(bin);
    }
    let _lock = installation.lock(&archive)?;
    if let Some(bin) = installation.programs() {
        return Ok(bin);
    }
    if let Some(message) = installation.failure_since(began) {
        return Err(DownloadError::Reported { message });
    }
    let _ = fs::remove_file(installation.failure());
    installation.install(&archive).inspect_err(|error| {
        // Without the note, those who wait try it themselves.
        let _ = private_dir::write_file(&installation.failure(), error.to_string());
    })
}

struct Installation {
    path: PathBuf,
}

impl Installation {
    fn programs(&self) -> Option<PathBuf> {
        let bin = self.path.join("bin");
        bin.join("postgres").is_file().then_some(bin)
    }

    fn draft(&self) -> PathBuf {
        self.path.with_extension("draft")
    }

    /// The error of the last process that tried, as text.
    fn failure(&self) -> PathBuf {
        self.path.with_extension("failure")
    }

    fn failure_since(&self, began: SystemTime) -> Option<String> {
        let written = fs::metadata(self.failure()).ok()?.modified().ok()?;
        (written >= began).then(|| fs::read_to_string(self.failure()).ok())?
    }

    /// Waits for the process that downloads, which gives up by itself if it gets no answer.
    fn lock(&self, archive: &Archive) -> Result<FileLock, DownloadError> {
        let path = self.path.with_extension("lock");
        let (since, mut is_announced) = (Instant::now(), false);
        loop {
            let lock = FileLock::try_exclusive(&path)
                .map_err(DownloadError::file(archive, "lock", &path))?;
            if let Some(lock) = lock.filter(FileLock::is_current) {
                return Ok(lock);
            }
            if !is_announced && since.elapsed() >= SILENCE {
                is_announced = true;
                log::notice(format_args!(
                    "waiting for another process to download {archive}"
                ));
            }
            thread::sleep(POLL);
        }
    }

    fn install(&self, archive: &Archive) -> Result<PathBuf, DownloadError> {
        let began = Instant::now();
        log::notice(format_args!(
            "downloading {archive} from {} to {}",
            archive.shown_url(),
            self.path.display()
        ));
        let bytes = transfer::get(archive)?;
        self.unpack(archive, &bytes)?;
        log::notice(format_args!(
            "downloaded {archive} in {:.1?}; it is used by all projects with the feature `download`",
            began.elapsed()
        ));
        Ok(self.path.join("bin"))
    }

    fn unpack(&self, archive: &Archive, bytes: &[u8]) -> Result<(), DownloadError> {
        let draft = self.draft();
        if draft.exists() {
            // A process was killed while it unpacked.
            fs::remove_dir_all(&draft).map_err(DownloadError::file(archive, "remove", &draft))?;
        }
        let unpacked = private_dir::make_inside(&draft)
            .map_err(DownloadError::no_place(archive))
            .and_then(|()| unpacking::unpack(archive, bytes, &draft))
            .and_then(|root| self.publish(archive, &root));
        let _ = fs::remove_dir_all(&draft);
        unpacked
    }

    /// Gives the installation its name, once its files can be expected to survive a loss of power.
    fn publish(&self, archive: &Archive, root: &Path) -> Result<(), DownloadError> {
        rustix::fs::sync();
        if self.path.exists() {
            // Somebody removed a part of it: it was not accepted above.
            fs::remove_dir_all(&self.path)
                .map_err(DownloadError::file(archive, "remove", &self.path))?;
        }
        fs::rename(root, &self.path).map_err(DownloadError::file(archive, "make", &self.path))
    }
}
