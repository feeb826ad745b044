//! The width of comments, which rustfmt leaves as they are.

use std::{fs, path::Path};

use crate::map::sources;

/// What rustfmt allows for code.
const COLUMNS: usize = 100;

/// Cases, whose lines stand in what the compiler says about them.
const CASES: &str = "tests/ui/";

/// The lines of comments that are wider and could be broken, each with its place.
pub(crate) fn wide_comments(workspace: &Path) -> Vec<String> {
    let mut wide = Vec::new();
    for file in sources(workspace) {
        let name = file.to_string_lossy().into_owned();
        if name.contains(CASES) {
            continue;
        }
        let text = fs::read_to_string(&file).expect("a source can be read");
        for (line, number) in text.lines().zip(1..) {
            if line.chars().count() > COLUMNS && is_breakable(line) {
                wide.push(format!("{name}:{number}"));
            }
        }
    }
    wide
}

/// Whether it is a line of a comment, and neither a row of a table nor one long word.
fn is_breakable(line: &str) -> bool {
    let Some(comment) = line.trim_start().strip_prefix("//") else {
        return false;
    };
    let text = comment.trim_start_matches(['/', '!']).trim();
    !text.starts_with('|') && text.contains(' ') && !text.contains("](http")
}
