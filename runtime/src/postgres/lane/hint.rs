//! Which lanes the last process gave back: a note beside the private server that spares the next
//! one a survey.

use std::{
    collections::BTreeSet,
    fs,
    io::{self, Write},
    path::Path,
};

use crate::postgres::database::{DatabaseName, Mark};

/// For so many seconds after a survey, processes skip it. What killed processes left is removed
/// that much later.
const FRESH: i64 = 60;

/// The most lanes that are noted: trying one that is gone costs a connection.
const MOST: usize = 8;

/// The note. It may be out of date: a lane in it may be gone or another process's.
#[derive(Default, PartialEq, Eq, Debug)]
pub(super) struct Hint {
    /// When the server was last surveyed, in seconds since 1970.
    pub(super) surveyed: i64,
    pub(super) lanes: BTreeSet<DatabaseName>,
}

impl Hint {
    /// Reads a note that is not too old.
    pub(super) fn read(file: &Path) -> Option<Self> {
        let hint = Self::parse(&fs::read_to_string(file).ok()?)?;
        let age = Mark::now() - hint.surveyed;
        (0..FRESH).contains(&age).then_some(hint)
    }

    fn parse(text: &str) -> Option<Self> {
        let mut lines = text.lines();
        Some(Self {
            surveyed: lines.next()?.parse().ok()?,
            lanes: lines.filter_map(DatabaseName::recognize).collect(),
        })
    }

    fn to_text(&self) -> String {
        let lanes = self.lanes.iter().take(MOST).map(|lane| format!("{lane}\n"));
        format!("{}\n{}", self.surveyed, lanes.collect::<String>())
    }

    /// Leaves the note for the next process, which sees the old one or the new one.
    pub(super) fn write(&self, file: &Path) -> io::Result<()> {
        let draft = file.with_extension(std::process::id().to_string());
        let mut options = fs::File::options();
        options.write(true).create(true).truncate(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        options.open(&draft)?.write_all(self.to_text().as_bytes())?;
        fs::rename(draft, file)
    }
}

#[cfg(test)]
mod tests {
    use super::{DatabaseName, Hint};

    #[test]
    fn a_note_is_read_as_it_was_written() {
        let template = DatabaseName::template("0123456789abcdef");
        let lanes = [template.new_lane(), template.new_lane()].into();
        let hint = Hint {
            surveyed: 1000,
            lanes,
        };
        assert_eq!(Hint::parse(&hint.to_text()), Some(hint));
    }

    #[test]
    fn what_is_no_note_is_none() {
        assert_eq!(Hint::parse(""), None);
        assert_eq!(Hint::parse("yesterday\ndbt_0123456789abcdef_1"), None);
        let foreign = Hint::parse("1000\npostgres\n").expect("it has a time");
        assert!(foreign.lanes.is_empty());
    }
}
