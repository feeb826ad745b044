//! The modules of `runtime/src` and `macros/src` import each other without circles, and from the
//! top of the list in `layers.rs` down.
//!
//! An import is any path that leads to another file: in a `use`, in code, or through a re-export,
//! which counts as an import of what it stands for. What is compiled for tests alone does not
//! count. A module and its own parts are one.

mod circles;
mod imports;
mod layers;
mod map;
mod modules;
mod width;

use std::path::Path;

use self::modules::Crate;

/// Circles that are still there. A new one is a mistake; one that is opened leaves this list.
const KNOWN: &[&str] = &[];

fn source(package: &str) -> Crate {
    let workspace = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    Crate::read(&workspace.join(package).join("src"))
}

#[test]
fn no_modules_import_each_other_in_a_circle() {
    let mut found = circles::of(&source("runtime"));
    found.extend(circles::of(&source("macros")));
    let is_known = |circle: &circles::Circle| KNOWN.contains(&circle.name().as_str());
    let (known, new): (Vec<_>, Vec<_>) = found.into_iter().partition(is_known);
    assert!(new.is_empty(), "{}", circles::described(&new));
    assert_eq!(
        known.len(),
        KNOWN.len(),
        "a circle is gone: remove it from `KNOWN`"
    );
}

#[test]
fn no_import_of_the_runtime_leads_upwards() {
    let found = layers::upwards(&source("runtime"));
    assert!(found.is_empty(), "{}", layers::described(&found));
}

#[test]
fn every_path_of_the_architecture_page_exists() {
    let workspace = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let dead_ends = map::dead_ends(&workspace);
    assert!(
        dead_ends.is_empty(),
        "ARCHITECTURE.md names: {dead_ends:#?}"
    );
}

#[test]
fn every_file_that_a_comment_names_exists() {
    let workspace = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let dead_ends = map::dead_ends_in_comments(&workspace);
    assert!(dead_ends.is_empty(), "comments name: {dead_ends:#?}");
}

#[test]
fn no_comment_is_wider_than_the_code_may_be() {
    let workspace = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let wide = width::wide_comments(&workspace);
    assert!(
        wide.is_empty(),
        "break these comments after 100 columns: {wide:#?}"
    );
}
