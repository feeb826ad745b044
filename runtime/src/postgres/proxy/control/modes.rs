//! The modes that `BEGIN` and `SET TRANSACTION` name.

use super::{Modes, words::Words};

pub(super) fn modes(words: &Words<'_>, from: usize) -> Modes {
    let mut modes = Modes::default();
    for n in from..words.len() {
        if words.is(n, "read")
            && words.any(n + 1, &["only", "write"])
            && !words.is(n.wrapping_sub(1), "level")
        {
            modes.read_only = Some(words.is(n + 1, "only"));
        }
        if words.is(n, "isolation") && words.is(n + 1, "level") {
            modes.level = Some(level(words, n + 2));
        }
    }
    modes
}

fn level(words: &Words<'_>, n: usize) -> String {
    if words.is(n, "serializable") {
        words.name(n)
    } else {
        format!("{} {}", words.name(n), words.name(n + 1))
    }
}
