//! The README shows programs that are run as tests, letter by letter.

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
    let shown: Vec<_> = readme
        .split("```rust\n")
        .skip(1)
        .filter_map(|rest| rest.split("```").next())
        .collect();
    assert_eq!(shown.len(), EXAMPLES.len());
    for block in shown {
        assert!(
            examples.iter().any(|example| example == block),
            "not run by a test:\n{block}"
        );
    }
}
