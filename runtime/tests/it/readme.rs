//! The README and the guides show programs that are run as tests, letter by letter.

use std::{fs, path::Path};

const EXAMPLES: [&str; 3] = ["quick_start/example", "overrides", "own_argument"];

/// The programs in Rust that a page shows.
fn shown_in(page: &str) -> Vec<String> {
    let text = fs::read_to_string(Path::new("..").join(page)).expect("the page is there");
    let blocks = text.split("```rust\n").skip(1);
    let blocks = blocks.filter_map(|rest| rest.split("```").next());
    blocks.map(str::to_owned).collect()
}

#[test]
fn every_example_of_the_readme_is_run_by_a_test() {
    let examples = EXAMPLES.map(|name| {
        let file =
            fs::read_to_string(format!("tests/docs/{name}.rs")).expect("the example is there");
        let (header, example) = file.split_once("\n\n").expect("it has paragraphs");
        // The crate's own documentation shows the first one, which has no header.
        let is_headed = header.starts_with("//!");
        let example = if is_headed { example } else { &file };
        // A reader's are beside the `Cargo.toml`.
        example.replace("tests/docs/migrations", "migrations")
    });
    let shown = shown_in("README.md");
    for example in &examples {
        assert!(shown.contains(example), "not shown:\n{example}");
    }
    for block in shown {
        let is_run = examples.iter().any(|example| example.contains(&block));
        assert!(is_run, "not run by a test:\n{block}");
    }
}

#[test]
fn every_example_of_the_guides_is_part_of_a_test() {
    for (page, directory) in [
        ("docs/faults.md", "tests/docs/guide"),
        ("docs/fixtures.md", "tests/docs/guide"),
        ("docs/overrides.md", "tests/docs/overriding"),
        ("docs/recipes.md", "tests/docs/recipes"),
        ("docs/report.md", "tests/docs/guide"),
        ("docs/roles.md", "tests/docs/guide"),
    ] {
        let of_other_crates = fs::read_dir("../integrations/tests/it").expect("they are there");
        let files = fs::read_dir(directory).expect("the tests are there");
        let files = files.chain(of_other_crates);
        let files = files.filter_map(|file| fs::read_to_string(file.ok()?.path()).ok());
        let tests: Vec<_> = files.collect();
        let shown = shown_in(page);
        assert!(!shown.is_empty(), "{page}");
        for block in shown {
            let found = tests.iter().any(|test| test.contains(&block));
            assert!(found, "{page}: not run by a test:\n{block}");
        }
    }
}
