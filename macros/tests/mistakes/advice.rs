//! Pieces of code that messages tell people to write.
//!
//! A file of advice names at its top each message and the piece in it, `// path/of/message: piece`,
//! and uses the piece below, with code in place of each `…`.

use std::fs;
use std::path::Path;

/// Makes sure that the pieces stand in their messages and in the code.
pub(crate) fn check(case: &Path) {
    let text = fs::read_to_string(case).expect("the file can be read");
    let (named, code): (Vec<_>, Vec<_>) = text.lines().partition(|line| line.starts_with("// "));
    let code = words(&code.join(" "));
    assert!(!named.is_empty(), "{} names no message", case.display());
    for line in named {
        let line = line.trim_start_matches("// ");
        let (file, piece) = line.split_once(": ").expect("it names a file and a piece");
        let message = message(file);
        assert!(
            message.contains(&words(piece)),
            "`{piece}` is not in {file}"
        );
        let mut rest = code.as_str();
        for part in piece.split('…') {
            let part = words(part);
            let (_, after) = rest
                .split_once(&part)
                .unwrap_or_else(|| panic!("`{part}` is not in {}", case.display()));
            rest = after;
        }
    }
}

/// The text of a message, or of a source with the messages in it.
fn message(file: &str) -> String {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let text = fs::read_to_string(root.join(file)).expect("the message can be read");
    if Path::new(file).extension().is_some_and(|is| is == "rs") {
        let text = text.replace("\\\"", "\"");
        words(&text.replace("{{", "{").replace("}}", "}"))
    } else {
        words(&text)
    }
}

fn words(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}
