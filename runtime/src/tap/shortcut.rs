//! Answering the query that moves the checkpoint before the server does.
//!
//! The sandbox sends that query at each release, and reads its answer before the connection is
//! handed out again. Where it cannot fail, there is nothing to wait for: the client is answered at
//! once, the server gets the query and later the next ones after it, and what it answers to this
//! one is left out.

use super::framing::Body;
use crate::{recording::Statement, sandbox::MOVE};

/// The answer: one row with one column of text, whose value is `moved`.
const MOVED: &[u8] = b"T\0\0\0\x1e\0\x01moved\0\0\0\0\0\0\0\0\0\0\x19\xff\xff\xff\xff\xff\xff\0\0\
D\0\0\0\x0f\0\x01\0\0\0\x05moved\
C\0\0\0\x0dSELECT 1\0\
Z\0\0\0\x05T";

/// Whether the next query of that kind can fail, and whether one is under way.
#[derive(Default)]
pub(super) struct Shortcut {
    in_transaction: bool,
    /// Something has been sent since the last checkpoint that may have ended the transaction or
    /// a savepoint.
    doubtful: bool,
    /// A query that is moving the checkpoint in the ordinary way.
    moving: bool,
    taken: bool,
}

impl Shortcut {
    /// The checkpoint is where it should be.
    pub(super) fn trust(&mut self) {
        self.doubtful = false;
    }

    /// The answer to what a client says, where it is that query and cannot fail.
    pub(super) fn take(&mut self, message: &[u8]) -> Option<&'static [u8]> {
        let (header, body) = message.split_at_checked(5)?;
        let is_move = header[0] == b'Q' && Body(body).text()? == MOVE;
        self.moving = is_move;
        self.taken = is_move && self.in_transaction && !self.doubtful;
        self.taken.then_some(MOVED)
    }

    /// Whether the client has been answered, and the server has not yet.
    pub(super) fn is_taken(&self) -> bool {
        self.taken
    }

    /// A command has been completed, by its tag.
    pub(super) fn completed(&mut self, tag: &[u8], statement: Option<&Statement>) {
        let tag = Body(tag).text().unwrap_or_default();
        let of_sqlx = statement.is_some_and(Statement::is_of_application_in_sandbox);
        if self.moving || of_sqlx {
            return;
        }
        let harmless = [
            "SELECT", "INSERT", "UPDATE", "DELETE", "MERGE", "COPY", "FETCH", "SHOW",
        ];
        let word = tag.split(' ').next().unwrap_or_default();
        self.doubtful |= !harmless.contains(&word);
    }

    pub(super) fn failed(&mut self) {
        self.doubtful = true;
    }

    /// The server is ready; says whether the client was told so already.
    pub(super) fn ready(&mut self, status: &[u8]) -> bool {
        self.in_transaction = status == b"T";
        if std::mem::take(&mut self.moving) && self.in_transaction {
            self.doubtful = false;
        }
        std::mem::take(&mut self.taken)
    }
}

#[cfg(test)]
mod tests {
    use super::{MOVE, MOVED, Shortcut};
    use crate::tap::framing::Framing;

    fn query(sql: &str) -> Vec<u8> {
        let length = u32::try_from(sql.len() + 5).expect("it is short");
        [
            b"Q".as_slice(),
            &length.to_be_bytes(),
            sql.as_bytes(),
            b"\0",
        ]
        .concat()
    }

    fn in_transaction() -> Shortcut {
        let mut shortcut = Shortcut::default();
        shortcut.ready(b"T");
        shortcut
    }

    #[test]
    fn the_answer_is_made_of_whole_messages() {
        let mut kinds = Vec::new();
        let mut framing = Framing::of_a_server();
        framing.read(MOVED, |_| true, |kind, _, _| kinds.push(kind));
        assert_eq!(kinds, b"TDCZ");
        assert!(framing.is_between_messages());
    }

    #[test]
    fn the_checkpoint_of_ordinary_statements_is_answered_at_once() {
        let mut shortcut = in_transaction();
        shortcut.completed(b"INSERT 0 1\0", None);
        assert!(shortcut.take(&query(MOVE)).is_some());
        assert!(shortcut.ready(b"T"), "the server's own answer is left out");
        assert!(!shortcut.ready(b"T"));
    }

    #[test]
    fn anything_else_is_the_servers_to_answer() {
        assert!(in_transaction().take(&query("select 1")).is_none());
        for tag in [b"COMMIT\0".as_slice(), b"ROLLBACK\0", b"BEGIN\0", b"DO\0"] {
            let mut shortcut = in_transaction();
            shortcut.completed(tag, None);
            assert!(shortcut.take(&query(MOVE)).is_none());
        }
        let mut failed = in_transaction();
        failed.failed();
        assert!(failed.take(&query(MOVE)).is_none());
        assert!(Shortcut::default().take(&query(MOVE)).is_none());
    }

    #[test]
    fn a_checkpoint_that_the_server_has_moved_ends_the_doubt() {
        let mut shortcut = in_transaction();
        shortcut.completed(b"ROLLBACK\0", None);
        assert!(shortcut.take(&query(MOVE)).is_none());
        assert!(!shortcut.ready(b"T"));
        assert!(shortcut.take(&query(MOVE)).is_some());
    }
}
