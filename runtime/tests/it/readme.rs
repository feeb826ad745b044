//! The documentation shows programs that are run as tests, letter by letter.

use std::fs;

const EXAMPLES: [&str; 3] = ["quick_start", "overrides", "own_argument"];

#[test]
fn every_example_of_the_readme_is_run_by_a_test() {
    let readme = fs::read_to_string("../README.md").expect("the README is there");
    let examples = EXAMPLES.map(|name| {
        let file =
            fs::read_to_string(format!("tests/docs/{name}.rs")).expect("the example is there");
        let (_, example) = file
            .split_once("\n\n")
            .expect("a header stands above the example");
        example.to_owned()
    });
    let shown = examples_in(&readme);
    assert_eq!(shown.len(), EXAMPLES.len());
    for block in shown {
        assert!(
            examples.iter().any(|example| example == block),
            "not run by a test:\n{block}"
        );
    }
}

#[test]
fn every_example_of_the_guide_to_overrides_is_part_of_a_test() {
    let guide = fs::read_to_string("../docs/overrides.md").expect("the guide is there");
    let files: Vec<_> = fs::read_dir("tests/docs/overriding")
        .expect("the examples are there")
        .filter_map(|file| fs::read_to_string(file.ok()?.path()).ok())
        .collect();
    let shown = examples_in(&guide);
    assert!(!shown.is_empty());
    for block in shown {
        assert!(
            files.iter().any(|file| file.contains(block)),
            "not part of a test:\n{block}"
        );
    }
}

fn examples_in(text: &str) -> Vec<&str> {
    let blocks = text.split("```rust\n").skip(1);
    blocks.filter_map(|rest| rest.split("```").next()).collect()
}
