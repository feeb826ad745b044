//! The supervisor's status, for the processes that wait for it: one small file, replaced
//! atomically.

use std::{
    fs, io,
    path::Path,
    time::{Duration, SystemTime},
};

use super::private_dir;

/// How far the supervisor has come.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Status {
    /// `initdb` runs.
    Initializing,
    /// The server was started, or is about to be.
    Starting,
    /// The server has accepted a connection. The note is for the user: something had to be
    /// repaired.
    Ready { note: String },
    /// The supervisor gave up, and ended.
    Failed { message: String },
}

impl Status {
    pub(super) fn read(path: &Path) -> Option<Self> {
        let text = fs::read_to_string(path).ok()?;
        let (state, rest) = text.split_once('\n')?;
        match state {
            "initializing" => Some(Self::Initializing),
            "starting" => Some(Self::Starting),
            "ready" => Some(Self::Ready {
                note: rest.to_owned(),
            }),
            "failed" => Some(Self::Failed {
                message: rest.to_owned(),
            }),
            _ => None,
        }
    }

    pub(super) fn write(&self, path: &Path) -> io::Result<()> {
        let (state, rest) = match self {
            Self::Initializing => ("initializing", ""),
            Self::Starting => ("starting", ""),
            Self::Ready { note } => ("ready", note.as_str()),
            Self::Failed { message } => ("failed", message.as_str()),
        };
        let unfinished = path.with_extension("new");
        private_dir::write_file(&unfinished, format!("{state}\n{rest}"))?;
        fs::rename(unfinished, path)
    }

    /// The failure of a supervisor since the given time, so that the processes that waited for it
    /// do not each try again.
    pub(super) fn failure_since(path: &Path, began: SystemTime) -> Option<String> {
        let Some(Self::Failed { message }) = Self::read(path) else {
            return None;
        };
        let written = fs::metadata(path)
            .and_then(|metadata| metadata.modified())
            .ok()?;
        // A file's time comes from a clock that ticks every 1-10 ms.
        (written + Duration::from_millis(10) >= began).then_some(message)
    }
}
