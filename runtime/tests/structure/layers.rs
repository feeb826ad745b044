//! The order of the runtime's rooms: each may import from those below it.

use crate::modules::{Crate, Import, shown};

/// From the top down. Rooms of one line do not import each other.
const LAYERS: &[&[&str]] = &[
    &["process"],
    &["macro_support"],
    &["test"],
    &["session"],
    &["sqlite", "postgres"],
    &["database"],
    &["schema"],
    &["error"],
    &["overrides"],
    &["observe"],
    &["overridable", "environment", "executor", "sql"],
];

pub(crate) fn upwards(source: &Crate) -> Vec<Import> {
    let mut imports = source.imports();
    imports.retain(|import| match (layer(&import.from), layer(&import.to)) {
        (Some(from), Some(to)) => from > to || from == to && import.from[0] != import.to[0],
        _ => false,
    });
    imports
}

/// None for `lib.rs`, which exports from everywhere.
fn layer(module: &[String]) -> Option<usize> {
    let room = module.first()?;
    let layer = LAYERS
        .iter()
        .position(|rooms| rooms.contains(&room.as_str()));
    Some(layer.unwrap_or_else(|| panic!("`{room}` is in no layer: add it to {}", file!())))
}

pub(crate) fn described(imports: &[Import]) -> String {
    let line = |import: &Import| {
        format!(
            "    {} takes `{}` from {}\n",
            shown(&import.from),
            import.name,
            shown(&import.to)
        )
    };
    let lines: String = imports.iter().map(line).collect();
    format!(
        "these imports lead upwards:\n{lines}the order is {LAYERS:?}\nmove what is taken down, or hand it over as an argument"
    )
}
