//! A failing test prints what it did. The README shows this run, as text and as a picture: after a
//! change of either, `UPDATE_EXPECT=1 cargo test -p demo-app --test it report` makes both again.

mod picture;

use std::{env, fs, path::PathBuf};

use axum::http::StatusCode;
use child::{Child, in_child};
use db_test::{Client, db_test};
use serde_json::json;

#[db_test]
async fn an_address_may_be_taken_twice(client: Client) {
    let ada = json!({ "email": "ada@example.com", "name": "Ada" });
    let response = client.post("/users").json(&ada).await;
    response.assert_status(StatusCode::CREATED);

    let response = client.post("/users").json(&ada).await;
    // A mistake, made in a child only.
    response.assert_status(if in_child() {
        StatusCode::CREATED
    } else {
        StatusCode::CONFLICT
    });
}

#[test]
fn the_readme_shows_what_a_failing_test_prints() {
    let printed = failure();
    let (_, report) = printed.split_once("\n── db-test").expect("a report");
    let report = format!("── db-test{report}");
    let readme = Page::of("README.md");
    let (before, rest) = readme
        .text
        .split_once("prints what it did:\n\n```text\n")
        .expect("the README shows a report");
    let (shown, after) = rest.split_once("```").expect("its block ends");
    readme.assert(
        without_times(shown) == without_times(&report),
        &format!("{before}prints what it did:\n\n```text\n{report}```{after}"),
    );
}

#[test]
fn the_picture_shows_what_a_failing_test_prints() {
    let printed = failure();
    let picture = Page::of("docs/failure.svg");
    let drawn = picture::of(&printed);
    picture.assert(
        without_times(&picture.text) == without_times(&drawn),
        &drawn,
    );
}

/// What the test above prints when it fails, from its panic to the last line of the report.
fn failure() -> String {
    let child = Child::exactly("report", &["an_address_may_be_taken_twice"]);
    let outcome = child.env("COLUMNS", "100").run();
    outcome.assert_failed();
    let text = outcome.output;
    let start = text.find("thread '").expect("a panic");
    let end = text.find("run again").expect("a report");
    let end = end + text[end..].find('\n').expect("a whole line") + 1;
    // The id of a thread is another one in each run.
    let (name, place) = text[start..end].split_once(" (").expect("an id");
    let (_, place) = place.split_once(')').expect("its end");
    format!("{name}{place}")
}

/// The text with `…` for each number of milliseconds, which are others in each run.
fn without_times(text: &str) -> String {
    let words = text.split(' ').collect::<Vec<_>>();
    let masked = words.iter().enumerate().map(|(at, word)| {
        let is_time = words.get(at + 1).is_some_and(|unit| unit.starts_with("ms"));
        if is_time { "…" } else { word }
    });
    masked.collect::<Vec<_>>().join(" ")
}

/// A file of the documentation.
struct Page {
    path: PathBuf,
    text: String,
}

impl Page {
    fn of(name: &str) -> Self {
        let path = PathBuf::from(env!("CARGO_MANIFEST_DIR"))
            .join("..")
            .join(name);
        let text = fs::read_to_string(&path).unwrap_or_default();
        Self { path, text }
    }

    /// Writes what it should be if that is wanted, and fails if it is not.
    fn assert(&self, is_current: bool, wanted: &str) {
        if is_current {
            return;
        }
        let update = env::var_os("UPDATE_EXPECT").is_some();
        if update {
            fs::write(&self.path, wanted).expect("the page can be written");
        }
        assert!(
            update,
            "{} is out of date, UPDATE_EXPECT=1 writes it; wanted:\n{wanted}",
            self.path.display()
        );
    }
}
