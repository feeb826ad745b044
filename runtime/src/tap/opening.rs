//! The outer transaction of a test, opened together with the first thing that is asked in it.

use super::framing::Body;

/// How the transaction is opened, and what the server said when it was.
#[derive(Default)]
pub(super) struct Opening {
    /// What is put in front of what the client asks first.
    due: Option<Vec<u8>>,
    opened: Option<Opened>,
    /// What the first test has found out about the lane's schema.
    deferrable: Option<bool>,
}

/// What the server said when the transaction was opened.
#[derive(Clone, Debug)]
pub(crate) struct Opened {
    /// What tells the transaction from another one in its place.
    pub(crate) moment: String,
    /// Whether the schema has constraints that can be deferred.
    pub(crate) deferrable: bool,
}

impl Opening {
    pub(super) fn promise(&mut self, message: Vec<u8>) {
        self.due = Some(message);
        self.opened = None;
    }

    pub(super) fn is_due(&self) -> bool {
        self.due.is_some()
    }

    pub(super) fn take(&mut self) -> Option<Vec<u8>> {
        self.due.take()
    }

    pub(super) fn opened(&self) -> Option<&Opened> {
        self.opened.as_ref()
    }

    pub(super) fn deferrable(&self) -> Option<bool> {
        self.deferrable
    }

    /// Reads the one row of the answer: the moment, and what is not known of the schema yet.
    pub(super) fn row(&mut self, body: &[u8]) {
        let mut body = Body(body);
        let columns = body.i16().unwrap_or_default();
        let mut values = (0..columns).map_while(|_| {
            let length = usize::try_from(body.i32()?).ok()?;
            std::str::from_utf8(body.bytes(length)?).ok()
        });
        let moment = values.next().unwrap_or_default().to_owned();
        if let Some(deferrable) = values.next() {
            self.deferrable = Some(deferrable == "t");
        }
        // Constraints are checked where it is not known whether there are any to check.
        let deferrable = self.deferrable.unwrap_or(true);
        self.opened = Some(Opened { moment, deferrable });
    }
}

#[cfg(test)]
mod tests {
    use super::Opening;

    fn row(values: &[&str]) -> Vec<u8> {
        let mut row = i16::try_from(values.len())
            .expect("few")
            .to_be_bytes()
            .to_vec();
        for value in values {
            row.extend(i32::try_from(value.len()).expect("short").to_be_bytes());
            row.extend(value.as_bytes());
        }
        row
    }

    #[test]
    fn what_the_first_test_has_found_out_is_known_to_the_next() {
        let mut opening = Opening::default();
        for (answer, moment) in [(row(&["1.5", "f"]), "1.5"), (row(&["2.5"]), "2.5")] {
            opening.promise(Vec::new());
            assert!(opening.opened().is_none());
            opening.row(&answer);
            let opened = opening.opened().expect("there is an answer");
            assert_eq!(opened.moment, moment);
            assert!(!opened.deferrable);
        }
    }
}
