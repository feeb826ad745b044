//! The directory below which the private servers of one user live, and the choice of binaries it
//! remembers.

use std::{
    fs,
    os::unix::ffi::OsStrExt,
    path::{Path, PathBuf},
};

use crate::{environment, observe::log};

use super::{
    binaries::Binaries,
    error::LocalServerError,
    instance::Instance,
    places::{LAYOUT, places},
    private_dir,
};

/// How the names of files begin that remember a choice of binaries.
const CHOICE: &str = "choice-";

/// A private directory, and what is directly in it.
#[derive(Debug)]
pub(super) struct Home {
    dir: PathBuf,
}

impl Home {
    /// The first place that is safe and has room; `DB_TEST_HOME` alone, when it is set.
    pub(super) fn open() -> Result<Self, LocalServerError> {
        if let Some(named) = environment::variable("DB_TEST_HOME") {
            let place = std::path::absolute(&named).map_err(LocalServerError::io("use", &named))?;
            return Self::at(&place).map_err(|problem| LocalServerError::Home { problem });
        }
        let mut problems = Vec::new();
        for place in places() {
            match Self::at(&place) {
                Ok(home) => {
                    if let Some(problem) = problems.first() {
                        log::warn(format_args!(
                            "the private server is kept in {}, because the preferred directory could not be used:\n{problem}",
                            home.dir.display()
                        ));
                    }
                    return Ok(home);
                }
                Err(problem) => problems.push(format!("  - {problem}")),
            }
        }
        Err(LocalServerError::NoHome {
            problems: problems.join("\n"),
        })
    }

    /// A directory of that name, which is made if need be.
    #[cfg(feature = "sqlite")]
    pub(super) fn directory(&self, name: &str) -> Result<PathBuf, String> {
        let directory = self.dir.join(name);
        private_dir::make_inside(&directory)?;
        Ok(directory)
    }

    /// Why this directory was chosen, for the log.
    pub(super) fn reason(&self) -> &'static str {
        if environment::variable("DB_TEST_HOME").is_some() {
            "by DB_TEST_HOME"
        } else if self.dir.starts_with("/dev/shm") {
            "in memory"
        } else {
            "on disk"
        }
    }

    fn at(place: &Path) -> Result<Self, String> {
        let home = Self {
            dir: place.join(LAYOUT),
        };
        home.instance_named("00-00000000").check_socket_length()?;
        private_dir::secure(place)?;
        private_dir::make_inside(&home.dir)?;
        Ok(home)
    }

    /// The server that these binaries run, with its directory, which is made if need be.
    pub(super) fn instance(&self, binaries: &Binaries) -> Result<Instance, LocalServerError> {
        let instance = self.existing_instance(binaries);
        private_dir::make_inside(&self.dir)
            .and_then(|()| private_dir::make_inside(instance.dir()))
            .map_err(|problem| LocalServerError::NoHome {
                problems: format!("  - {problem}"),
            })?;
        Ok(instance)
    }

    /// Each directory of binaries has a server of its own, as extensions may be installed in one
    /// and not in another.
    pub(super) fn existing_instance(&self, binaries: &Binaries) -> Instance {
        let fingerprint = fingerprint([binaries.dir.as_os_str().as_bytes()]);
        self.instance_named(&format!(
            "{}-{:08x}",
            binaries.major,
            fingerprint & 0xffff_ffff
        ))
    }

    fn instance_named(&self, name: &str) -> Instance {
        Instance::new(self.dir.join(name))
    }

    /// The binaries that this environment led to, the last time they were looked for.
    ///
    /// Good only for joining a server that runs: something newer may have been installed since.
    pub(super) fn remembered(&self) -> Option<Binaries> {
        let text = fs::read_to_string(self.memory()).ok()?;
        let (major, dir) = text.split_once('\n')?;
        Some(Binaries {
            dir: PathBuf::from(dir),
            major: major.parse().ok()?,
        })
    }

    /// Remembers the choice. Without it the next process takes 10 ms longer, so a failure to write
    /// is ignored.
    pub(super) fn remember(&self, binaries: &Binaries) {
        if let Some(dir) = binaries
            .dir
            .to_str()
            .filter(|_| self.remembered().as_ref() != Some(binaries))
        {
            let unfinished = self.memory().with_extension(std::process::id().to_string());
            let choice = format!("{}\n{dir}", binaries.major);
            let _ = private_dir::write_file(&unfinished, choice)
                .and_then(|()| fs::rename(&unfinished, self.memory()));
        }
    }

    fn memory(&self) -> PathBuf {
        let key = Binaries::key();
        self.dir.join(format!(
            "{CHOICE}{:016x}",
            fingerprint(key.iter().map(|value| value.as_bytes()))
        ))
    }
}

/// Forgets all choices, because something newer may be installed by now. Called when a server
/// starts; the processes that join it look again.
pub(super) fn forget_choices(instance: &Instance) {
    let entries = instance
        .dir()
        .parent()
        .and_then(|home| fs::read_dir(home).ok())
        .into_iter()
        .flatten()
        .flatten();
    for choice in
        entries.filter(|entry| entry.file_name().as_bytes().starts_with(CHOICE.as_bytes()))
    {
        let _ = fs::remove_file(choice.path());
    }
}

/// FNV-1a. The one of `std` may differ from compiler to compiler, and projects with different ones
/// share a server.
fn fingerprint<'a>(parts: impl IntoIterator<Item = &'a [u8]>) -> u64 {
    let bytes = parts.into_iter().flat_map(|part| part.iter().chain([&0]));
    bytes.fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
        (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3)
    })
}
