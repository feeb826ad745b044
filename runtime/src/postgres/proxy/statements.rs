//! Statements that the backend has prepared, remembered across clients and tests.

use std::{
    cell::{Cell, RefCell},
    collections::HashMap,
    rc::Rc,
    sync::Arc,
};

use super::control::{Control, Info, recognize};
use crate::sql;

/// The most statements that are kept from one test to the next.
const KEPT: usize = 512;

/// The most simple queries that are remembered; long ones are not.
const SCRIPTS: usize = 256;
const SHORT: usize = 8 * 1024;

/// Whether the backend has a statement.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum BackendState {
    New,
    /// Its Parse is under way.
    Sent,
    Known,
}

/// A prepared statement, of one client or of all.
#[derive(Debug)]
pub(super) struct Prepared {
    pub(super) sql: Arc<str>,
    /// The types of its parameters, as they stand in Parse.
    pub(super) types: Box<[u8]>,
    pub(super) info: Rc<Info>,
    /// Its name on the backend.
    pub(super) name: String,
    pub(super) state: Cell<BackendState>,
    /// The backend's answer to its Describe.
    pub(super) described: RefCell<Option<Rc<[u8]>>>,
    scope: Scope,
    used: Cell<u64>,
}

/// What a text means the same under: the schema's generation, and the search path and role.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Scope {
    pub(super) generation: u64,
    pub(super) namespace: u32,
}

/// One step of a simple query.
#[derive(Debug)]
pub(super) enum Step {
    /// Statements that the server runs.
    Run {
        sql: Arc<str>,
        infos: Vec<Rc<Info>>,
        /// How many characters stand in front of it.
        offset: usize,
    },
    /// A word that begins no command.
    Unknown(String),
    /// A statement that the proxy answers.
    Control(Control),
}

/// A simple query in steps.
#[derive(Debug)]
pub(super) struct Script {
    pub(super) sql: Arc<str>,
    pub(super) steps: Vec<Step>,
    /// Several statements, which are one implicit transaction.
    pub(super) is_block: bool,
}

#[derive(Default)]
pub(super) struct Statements {
    by_text: HashMap<Arc<str>, Vec<Rc<Prepared>>>,
    scripts: HashMap<Arc<str>, Rc<Script>>,
    count: u64,
    test: u64,
    /// Names that nobody looks up any more.
    left: Vec<String>,
}

impl Statements {
    /// The statement of a text, known or new.
    pub(super) fn prepare(&mut self, sql: &str, types: &[u8], scope: Scope) -> Rc<Prepared> {
        let test = self.test;
        let same = |known: &&Rc<Prepared>| *known.types == *types && known.scope == scope;
        if let Some(known) = self.by_text.get(sql).and_then(|all| all.iter().find(same)) {
            known.used.set(test);
            return Rc::clone(known);
        }
        let tokens = sql::tokens(sql, false);
        let info = Rc::new(recognize(sql, &tokens));
        self.count += 1;
        let sql: Arc<str> = sql.into();
        let prepared = Rc::new(Prepared {
            sql: Arc::clone(&sql),
            types: types.into(),
            info,
            name: format!("p{}", self.count),
            state: Cell::new(BackendState::New),
            described: RefCell::default(),
            scope,
            used: Cell::new(test),
        });
        // What names a statement of its client cannot be shared.
        if prepared.info.prepared.is_some() {
            self.left.push(prepared.name.clone());
        } else {
            self.by_text
                .entry(sql)
                .or_default()
                .push(Rc::clone(&prepared));
        }
        prepared
    }

    /// A simple query in steps.
    pub(super) fn script(&mut self, sql: &str, backslashes: bool) -> Rc<Script> {
        if let Some(known) = self.scripts.get(sql) {
            return Rc::clone(known);
        }
        let script = Rc::new(Script::new(sql, backslashes));
        if sql.len() <= SHORT && !backslashes {
            if self.scripts.len() >= SCRIPTS {
                self.scripts.clear();
            }
            self.scripts
                .insert(Arc::clone(&script.sql), Rc::clone(&script));
        }
        script
    }

    /// After a test that left the schema alone: says whether nothing has to be forgotten.
    pub(super) fn next_test(&mut self) -> bool {
        let is_small = self.by_text.len() <= KEPT && self.left.is_empty();
        self.test += u64::from(is_small);
        is_small
    }

    /// After a test that has changed the schema, or when there are too many: forgets the statements
    /// for which `stays` is false and, of too many, those that the test did not use. Gives the
    /// names that the backend need not know any more.
    pub(super) fn end_test(&mut self, stays: impl Fn(u64) -> bool) -> Vec<String> {
        let mut names = std::mem::take(&mut self.left);
        let total = self.by_text.len();
        let test = self.test;
        self.by_text.retain(|_, all| {
            all.retain(|known| {
                let stays =
                    stays(known.scope.generation) && (total <= KEPT || known.used.get() == test);
                if !stays && known.state.get() == BackendState::Known {
                    names.push(known.name.clone());
                }
                stays && known.state.get() == BackendState::Known
            });
            !all.is_empty()
        });
        self.test += 1;
        names
    }
}

impl Script {
    fn new(sql: &str, backslashes: bool) -> Self {
        let tokens = sql::tokens(sql, backslashes);
        let parts = sql::statements(sql, &tokens);
        let mut steps: Vec<Step> = Vec::new();
        let infos: Vec<_> = parts
            .iter()
            .map(|(from, to)| {
                let part = &sql[*from..*to];
                Rc::new(recognize(part, &sql::tokens(part, backslashes)))
            })
            .collect();
        let is_own = |info: &Rc<Info>| {
            info.control.is_some() || info.rewritten.is_some() || info.prepared.is_some()
        };
        // The server's parser looks at all of it before anything is done.
        let unknown = infos.iter().find_map(|info| info.unknown.clone());
        if let (Some(word), true) = (unknown, infos.iter().any(is_own)) {
            steps.push(Step::Unknown(word));
        } else if !infos.iter().any(is_own) {
            if !infos.is_empty() {
                steps.push(Step::Run {
                    sql: sql.into(),
                    infos: infos.clone(),
                    offset: 0,
                });
            }
        } else {
            let mut plain_from = None;
            for ((from, to), info) in parts.iter().zip(&infos) {
                if let Some(control) = &info.control {
                    steps.push(Step::Control(control.clone()));
                } else if let (
                    Some(first),
                    false,
                    Some(Step::Run {
                        sql: run, infos, ..
                    }),
                ) = (plain_from, is_own(info), steps.last_mut())
                {
                    *run = sql[first..*to].into();
                    infos.push(Rc::clone(info));
                    continue;
                } else {
                    let run = info.rewritten.as_deref().unwrap_or(&sql[*from..*to]);
                    steps.push(Step::Run {
                        sql: run.into(),
                        infos: vec![Rc::clone(info)],
                        offset: sql[..*from].chars().count(),
                    });
                }
                plain_from = (!is_own(info)).then_some(*from);
            }
        }
        Self {
            sql: sql.into(),
            steps,
            is_block: parts.len() > 1,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{BackendState, Scope, Script, Statements, Step};

    const HERE: Scope = Scope {
        generation: 0,
        namespace: 0,
    };

    #[test]
    fn a_text_is_prepared_once_for_a_place() {
        let mut statements = Statements::default();
        let first = statements.prepare("select 1", &[0, 0], HERE);
        assert_eq!(
            statements.prepare("select 1", &[0, 0], HERE).name,
            first.name
        );
        let elsewhere = Scope {
            namespace: 1,
            ..HERE
        };
        assert_ne!(
            statements.prepare("select 1", &[0, 0], elsewhere).name,
            first.name
        );
        assert_ne!(
            statements
                .prepare("select 1", &[0, 1, 0, 0, 0, 23], HERE)
                .name,
            first.name
        );
    }

    #[test]
    fn a_test_leaves_only_statements_of_the_schema_that_is_left() {
        let mut statements = Statements::default();
        for generation in [0, 1] {
            let scope = Scope {
                generation,
                namespace: 0,
            };
            statements
                .prepare("select 1", &[0, 0], scope)
                .state
                .set(BackendState::Known);
        }
        assert_eq!(statements.end_test(|generation| generation == 0), ["p2"]);
        assert_eq!(statements.prepare("select 1", &[0, 0], HERE).name, "p1");
    }

    #[test]
    fn a_query_is_split_only_around_control_statements() {
        let whole = Script::new("select 1; select 2", false);
        assert_eq!(whole.steps.len(), 1);
        let parts = Script::new("select 1; select 2; commit; select 3", false);
        assert!(
            matches!(&parts.steps[..], [Step::Run { infos, .. }, Step::Control(..), Step::Run { .. }] if infos.len() == 2)
        );
    }
}
