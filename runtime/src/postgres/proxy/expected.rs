//! What the backend still owes, in order.

use std::{collections::VecDeque, rc::Rc, sync::Arc, time::Instant};

use super::{api::ClientId, control::Info, statements::Prepared};
use crate::observe::recording::Parameter;

/// A statement of the application that is under way.
#[derive(Debug)]
pub(super) struct Execution {
    pub(super) sql: Arc<str>,
    /// How many characters stand in front of it in what the client has sent.
    pub(super) offset: usize,
    pub(super) parameters: Vec<Parameter>,
    /// What it consists of, and how many of these are done.
    pub(super) infos: Vec<Rc<Info>>,
    pub(super) done: usize,
    pub(super) asked: Instant,
    pub(super) rows: Option<u64>,
    /// Hashes of values that it wrote and returned.
    pub(super) values: Vec<u64>,
}

/// A query of the proxy's own, which ends with `ReadyForQuery`.
#[derive(Debug)]
pub(super) enum Own {
    /// Must not fail.
    Prefix,
    /// Like `Prefix`, before messages of the extended protocol: this number of statements, and no
    /// `ReadyForQuery`.
    Piped(usize),
    /// The first one of a backend: its row is the statement that defers constraints again.
    Opening,
    /// The values of a client's settings, by the names and numbers of the unknown ones.
    Values(ClientId, Vec<(Rc<str>, u64, bool)>),
    /// The tables with foreign keys and those that these lead to.
    References,
    /// What comes of the role and the database that a client's startup message names, with the row.
    Names(ClientId, Vec<Option<String>>),
    /// Deferred constraints.
    Check,
    /// Like `Prefix`, but a failure refuses a mark.
    Mark,
    Closing,
    /// After the test's transaction.
    After,
}

#[derive(Debug)]
pub(super) enum Expected {
    Own(Own),
    Parse(Rc<Prepared>),
    /// Of a statement whose schema was taken back by the harness; the client gets no answer.
    Reparse(Rc<Prepared>),
    Bind,
    Close,
    /// Of a statement, whose answer is remembered, or of a portal.
    Describe(Option<Rc<Prepared>>),
    Execute(Box<Execution>),
    /// A simple query or a function call of a client.
    Simple(Box<Execution>),
    Sync,
    /// This number of bytes, which the proxy answers itself in their turn.
    Local(usize),
    /// No answer: the client has another statement of this name since, or none. Had something in
    /// front of it failed, it would have the old one.
    Renamed(Box<(String, Option<Rc<Prepared>>)>),
}

/// The answers that are due, with those that the proxy gives in between.
#[derive(Default, Debug)]
pub(super) struct Answers {
    queue: VecDeque<Expected>,
    /// The bytes of the local answers.
    local: VecDeque<u8>,
    /// What has come of a Describe so far.
    pub(super) described: Vec<u8>,
    /// The client whose unnamed portal the backend has; a query takes its place.
    pub(super) unnamed: Option<ClientId>,
}

impl Answers {
    pub(super) fn push(&mut self, expected: Expected) {
        if matches!(expected, Expected::Own(_) | Expected::Simple(_)) {
            self.unnamed = None;
        }
        self.queue.push_back(expected);
    }

    pub(super) fn push_local(&mut self, bytes: &[u8]) {
        self.local.extend(bytes);
        if let Some(Expected::Local(length)) = self.queue.back_mut() {
            *length += bytes.len();
        } else {
            self.queue.push_back(Expected::Local(bytes.len()));
        }
    }

    pub(super) fn front(&self) -> Option<&Expected> {
        self.queue.front()
    }

    pub(super) fn front_mut(&mut self) -> Option<&mut Expected> {
        self.queue.front_mut()
    }

    pub(super) fn pop(&mut self) -> Option<Expected> {
        let popped = self.queue.pop_front();
        if let Some(Expected::Local(length)) = popped {
            self.local.drain(..length);
        }
        popped
    }

    /// Takes what is next if the backend has no part in it: a local answer, or no answer at all.
    pub(super) fn pop_local(&mut self, out: &mut Vec<u8>) -> bool {
        match self.queue.front() {
            Some(Expected::Local(length)) => out.extend(self.local.drain(..*length)),
            Some(Expected::Renamed(_)) => {}
            _ => return false,
        }
        self.queue.pop_front();
        true
    }

    /// Whether something is due that the client has asked.
    pub(super) fn has_requests(&self) -> bool {
        let mut queue = self.queue.iter();
        queue.any(|expected| !matches!(expected, Expected::Own(_)))
    }

    pub(super) fn is_empty(&self) -> bool {
        self.queue.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::{Answers, Expected};

    #[test]
    fn local_answers_wait_for_their_turn() {
        let (mut answers, mut out) = (Answers::default(), Vec::new());
        answers.push(Expected::Bind);
        answers.push_local(b"ab");
        answers.push_local(b"c");
        assert!(!answers.pop_local(&mut out));
        answers.pop();
        assert!(answers.pop_local(&mut out));
        assert_eq!(out, b"abc");
        assert!(answers.is_empty());
    }
}
