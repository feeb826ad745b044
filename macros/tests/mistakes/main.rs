//! One mistake per file, and the compiler's message. `UPDATE_EXPECT=1` rewrites the messages.
//!
//! The compiler runs once per case, with the dependencies that `cargo test` has built.

mod advice;
mod compiler;
mod normal;

use std::fs;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::thread;

use compiler::Compiler;
use expect_test::expect_file;

/// The sources in a directory of this crate, by name.
fn cases(directory: &str) -> Vec<PathBuf> {
    let entries = fs::read_dir(directory).expect("the directory can be read");
    let paths = entries.map(|entry| entry.expect("it can be read").path());
    let mut cases: Vec<_> = paths
        .filter(|path| path.extension().is_some_and(|extension| extension == "rs"))
        .collect();
    cases.sort();
    assert!(!cases.is_empty(), "there are cases in {directory}");
    cases
}

/// What the compiler says about each case, several at a time.
fn compiled(cases: &[PathBuf], compiler: &Compiler) -> Vec<String> {
    let threads = thread::available_parallelism().map_or(2, usize::from);
    let share = cases.len().div_ceil(threads);
    thread::scope(|scope| {
        let runs = cases.chunks(share).map(|cases| {
            scope.spawn(move || {
                let run = |case: &PathBuf| compiler.refuses(case);
                cases.iter().map(run).collect::<Vec<_>>()
            })
        });
        let runs: Vec<_> = runs.collect();
        let texts = runs.into_iter().map(|run| run.join().expect("it ends"));
        texts.flatten().collect()
    })
}

fn check(directory: &str, compiler: &Compiler) {
    let cases = cases(directory);
    let texts = compiled(&cases, compiler);
    let mut wrong = Vec::new();
    for (case, text) in cases.iter().zip(texts) {
        let file = Path::new(env!("CARGO_MANIFEST_DIR")).join(case.with_extension("stderr"));
        let compared = AssertUnwindSafe(|| expect_file![file].assert_eq(&text));
        if catch_unwind(compared).is_err() {
            wrong.push(case.display().to_string());
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn mistakes_are_explained() {
    check("tests/ui", &Compiler::new());
}

/// The code that a message suggests is in a file that compiles.
#[test]
fn advice_compiles() {
    let compiler = Compiler::new().for_tests();
    for case in cases("tests/ui/advice") {
        advice::check(&case);
        compiler.accepts(&case);
    }
}

fn under_another_name(directory: &str) -> (Compiler, PathBuf) {
    let package = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/other_names");
    let package = package.join(directory);
    let case = Path::new("tests/other_names")
        .join(directory)
        .join("case.rs");
    (Compiler::naming_db_test("harness", package), case)
}

#[test]
fn the_name_of_the_dependency_is_read_from_its_manifest() {
    let (compiler, case) = under_another_name("renamed");
    compiler.for_tests().accepts(&case);
}

#[test]
fn each_attribute_takes_the_path_of_a_reexport() {
    let (compiler, case) = under_another_name("reexported");
    compiler.for_tests().accepts(&case);
}

#[test]
fn a_package_without_the_dependency_is_asked_to_name_the_crate() {
    let (compiler, case) = under_another_name("without");
    let text = compiler.refuses(&case);
    expect_file!["../other_names/without/case.stderr"].assert_eq(&text);
}

/// In a test the generated code has types inferred. Each mistake must still be reported once, at
/// the user's own code.
#[test]
fn mistakes_are_explained_where_tests_are_compiled() {
    check("tests/ui/in_a_test", &Compiler::new().for_tests());
}
