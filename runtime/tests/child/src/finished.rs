//! A child that has ended.

/// Whether a child succeeded, and what it printed.
#[must_use]
#[derive(Debug)]
pub struct Finished {
    /// Whether it ended with the status 0.
    pub success: bool,
    /// Its standard output, and after that its standard error.
    pub output: String,
}

impl Finished {
    /// Expects that all tests passed.
    #[track_caller]
    pub fn assert_passed(&self) {
        assert!(self.success, "the child failed:\n{}", self.output);
    }

    /// Expects that a test failed.
    #[track_caller]
    pub fn assert_failed(&self) {
        assert!(!self.success, "the child passed:\n{}", self.output);
    }

    /// Expects that a test failed, and that the child printed a text.
    #[track_caller]
    pub fn assert_failed_with(&self, text: &str) {
        self.assert_failed();
        self.assert_says(text);
    }

    /// Expects that the child printed a text.
    #[track_caller]
    pub fn assert_says(&self, text: &str) {
        let output = &self.output;
        assert!(
            output.contains(text),
            "the child does not say `{text}`:\n{output}"
        );
    }

    /// Expects that the child did not print a text.
    #[track_caller]
    pub fn assert_does_not_say(&self, text: &str) {
        let output = &self.output;
        assert!(!output.contains(text), "the child says `{text}`:\n{output}");
    }

    /// The lines of db-test itself, without those that appear when a step takes more than a second.
    pub fn notices(&self) -> Vec<&str> {
        let of_a_long_step = |line: &&str| {
            line.contains(" the template ") || line.contains(" a private PostgreSQL ")
        };
        let lines = self.output.lines();
        let notices = lines.filter(|line| line.starts_with("db-test: "));
        notices.filter(|line| !of_a_long_step(line)).collect()
    }

    /// The lines that the tests [said](crate::say) under a label, at least one.
    #[track_caller]
    pub fn said(&self, label: &str) -> Vec<&str> {
        let lines = self.output.lines();
        let said: Vec<_> = lines
            .filter_map(|line| line.strip_prefix(label)?.strip_prefix(": "))
            .collect();
        assert!(
            !said.is_empty(),
            "the child says nothing about `{label}`:\n{}",
            self.output
        );
        said
    }
}
