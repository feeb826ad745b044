// The state machine: N virtual connections on one backend. No input or output of its own.
use super::{
    sql::{self, Control, Info},
    wire,
};
use std::{
    cell::{Cell, RefCell},
    collections::{BTreeMap, BTreeSet, HashMap, VecDeque},
    rc::Rc,
    time::{Duration, Instant},
};

pub type Id = u32;

pub struct Stmt {
    sql: Rc<str>,
    oids: Vec<u8>,
    info: Info,
    backend: String,
    known: Cell<bool>,
    described: RefCell<Option<Vec<u8>>>,
    generation: u64,
}

enum Exp {
    /// Queries of our own; an error in one breaks the lane.
    Hidden,
    Parse(Rc<Stmt>),
    Bind,
    Close,
    Describe(Option<Rc<Stmt>>, Vec<u8>),
    Exec,
    Simple,
    /// Deferred constraints, before a virtual commit.
    Check,
    /// What a client's settings are now.
    Snapshot(Id, Vec<String>),
    Sync,
    End,
    Local(Vec<u8>),
}

#[derive(Clone, Debug, PartialEq)]
enum Kind {
    Hidden,
    Tx,
    User(String),
}
struct Sp {
    name: String,
    owner: Id,
    kind: Kind,
    over: bool,
    settings: BTreeMap<String, String>,
    dirty: BTreeSet<String>,
    notified: usize,
    foreign: bool,
}

#[derive(Default)]
struct Vtx {
    failed: bool,
    level: String,
    queried: bool,
    read_only: bool,
    locals: Vec<String>,
    temps: Vec<(String, bool)>,
    cursors: bool,
    guests: BTreeSet<Id>,
}

#[derive(Default)]
pub struct Client {
    inbuf: Vec<u8>,
    pub out: Vec<u8>,
    pub started: bool,
    pub eof: bool,
    pub gone: bool,
    msgs: VecDeque<(u8, Vec<u8>)>,
    groups: usize,
    since: Option<Instant>,
    stmts: HashMap<String, Rc<Stmt>>,
    portals: HashMap<String, Rc<Stmt>>,
    tx: Option<Vtx>,
    settings: BTreeMap<String, String>,
    dirty: BTreeSet<String>,
    listens: BTreeSet<String>,
    notes: Vec<(String, String)>,
    test: u64,
    sql_prepared: BTreeSet<String>,
}

#[derive(PartialEq, Clone, Copy, Debug)]
enum Copy_ {
    No,
    In,
}
enum Step {
    Query(String, Vec<Info>),
    Control(Control),
}
struct Unit {
    client: Id,
    ext: bool,
    steps: VecDeque<Step>,
    failed: bool,
    skip: bool,
    real: bool,
    be_failed: bool,
    hidden: bool,
    copy: Copy_,
    done: bool,
    checking: Option<Commit>,
    infos: Vec<Info>,
    until: Option<Instant>,
    ddl: bool,
    multi: bool,
    held: Vec<u8>,
    cursors: bool,
}
#[derive(Clone, Copy)]
enum Commit {
    Explicit { chain: bool },
    Auto,
}

#[derive(Clone)]
pub enum Action {
    Error(&'static str, &'static str),
    Delay(Duration),
    Kill,
}
pub struct Fault {
    pub contains: String,
    pub skip: u32,
    pub times: u32,
    pub action: Action,
}

pub struct Engine {
    pub be_out: Vec<u8>,
    be_in: Vec<u8>,
    pub clients: BTreeMap<Id, Client>,
    next_id: Id,
    exp: VecDeque<Exp>,
    unit: Option<Unit>,
    stack: Vec<Sp>,
    pre: String,
    sp_count: u64,
    opened: bool,
    pub test: u64,
    pub token: String,
    pub params: Vec<(String, String)>,
    pub base: BTreeMap<String, String>,
    cache: HashMap<(Rc<str>, Vec<u8>), Rc<Stmt>>,
    stmt_count: u64,
    generation: u64,
    base_generation: u64,
    texts: HashMap<Rc<str>, Rc<Info>>,
    backend_client: Id,
    applied: BTreeMap<String, String>,
    unknown: BTreeSet<String>,
    pub deferrable: Option<String>,
    pub wait: Duration,
    last_done: Instant,
    pub ending: bool,
    pub ended: Option<Result<Vec<Option<String>>, String>>,
    end_row: Vec<Option<String>>,
    end_error: Option<String>,
    pub broken: Option<String>,
    pub notes: Vec<String>,
    pub faults: Vec<Fault>,
    pub keep_clients: bool,
    pub cache_on: bool,
    pub stats: Stats,
    chained: (String, bool),
}
#[derive(Default, Clone, Debug)]
pub struct Stats {
    pub units: u64,
    pub local_units: u64,
    pub parse_hits: u64,
    pub parse_misses: u64,
    pub waits: u64,
    pub let_in: u64,
}

impl Engine {
    pub fn new() -> Self {
        Self {
            be_out: vec![],
            be_in: vec![],
            clients: BTreeMap::new(),
            next_id: 0,
            exp: VecDeque::new(),
            unit: None,
            stack: vec![],
            pre: String::new(),
            sp_count: 0,
            opened: false,
            test: 0,
            token: String::new(),
            params: vec![],
            base: BTreeMap::new(),
            cache: HashMap::new(),
            stmt_count: 0,
            generation: 0,
            base_generation: 0,
            texts: HashMap::new(),
            backend_client: 0,
            applied: BTreeMap::new(),
            unknown: BTreeSet::new(),
            deferrable: None,
            wait: Duration::from_millis(50),
            last_done: Instant::now(),
            ending: false,
            ended: None,
            end_row: vec![],
            end_error: None,
            broken: None,
            notes: vec![],
            faults: vec![],
            keep_clients: false,
            cache_on: true,
            stats: Stats::default(),
            chained: Default::default(),
        }
    }
    pub fn add_client(&mut self) -> Id {
        self.next_id += 1;
        self.clients.insert(
            self.next_id,
            Client {
                test: self.test,
                ..Client::default()
            },
        );
        self.next_id
    }

    // ---- test life ----
    pub fn begin_test(&mut self, token: String) {
        self.test += 1;
        self.token = token;
        self.notes.clear();
        self.stats = Stats::default();
        if self.keep_clients {
            for c in self.clients.values_mut() {
                c.test = self.test
            }
        }
    }
    pub fn end_test(&mut self) {
        self.ending = true;
        self.ended = None;
        self.faults.clear();
        self.try_end()
    }
    fn try_end(&mut self) {
        if !self.ending || self.unit.is_some() || !self.exp.is_empty() || self.ended.is_some() {
            return;
        }
        // What is queued by clients of this test is not run any more.
        if !self.opened {
            return self.finish_end();
        }
        let sql = format!(
            "rollback to savepoint base_{};rollback;discard sequences",
            self.test
        );
        wire::query(&mut self.be_out, &sql);
        self.end_error = None;
        self.end_row.clear();
        self.exp.push_back(Exp::End);
        self.opened = false;
    }
    fn finish_end(&mut self) {
        self.ending = false;
        self.pre.clear();
        self.stack.clear();
        self.applied.clear();
        self.unknown.clear();
        self.backend_client = 0;
        let row = std::mem::take(&mut self.end_row);
        let ddl = self.generation != self.base_generation
            || row.first().is_some_and(|w| w.as_deref() != Some("0"));
        if ddl {
            let base = self.base_generation;
            let only_new = self.generation != base;
            let mut close = String::new();
            self.cache.retain(|_, s| {
                let keep = only_new && s.generation <= base;
                if !keep && s.known.get() {
                    close += &format!("deallocate {};", s.backend)
                }
                keep
            });
            if !close.is_empty() {
                wire::query(&mut self.be_out, &close);
                self.exp.push_back(Exp::Hidden)
            }
            self.generation += 1;
            self.base_generation = self.generation;
            for s in self.cache.values() {
                let _ = s;
            }
            let keep: Vec<_> = self
                .cache
                .drain()
                .map(|(k, s)| {
                    (
                        k,
                        Rc::new(Stmt {
                            sql: s.sql.clone(),
                            oids: s.oids.clone(),
                            info: s.info.clone(),
                            backend: s.backend.clone(),
                            known: Cell::new(s.known.get()),
                            described: RefCell::new(s.described.borrow().clone()),
                            generation: self.generation,
                        }),
                    )
                })
                .collect();
            self.cache.extend(keep);
            for c in self.clients.values_mut() {
                c.stmts.clear()
            }
        }
        for c in self.clients.values_mut() {
            c.tx = None;
            c.dirty.clear();
            c.settings = BTreeMap::new();
            c.notes.clear();
            c.portals.clear();
            if !self.keep_clients {
                c.eof = true
            }
        }
        if !self.keep_clients {
            for c in self.clients.values_mut() {
                if !c.gone {
                    c.gone = true
                }
            }
        }
        self.ended = Some(match self.end_error.take() {
            Some(e) => Err(e),
            None => Ok(row),
        });
    }

    // ---- clients ----
    pub fn client_bytes(&mut self, id: Id, bytes: &[u8]) -> Option<(Id, u32)> {
        let Some(c) = self.clients.get_mut(&id) else {
            return None;
        };
        c.inbuf.extend_from_slice(bytes);
        let mut at = 0;
        loop {
            let c = self.clients.get_mut(&id).unwrap();
            let b = &c.inbuf[at..];
            if !c.started {
                if b.len() < 8 {
                    break;
                }
                let len = u32::from_be_bytes(b[..4].try_into().unwrap()) as usize;
                if b.len() < len {
                    break;
                }
                let code = u32::from_be_bytes(b[4..8].try_into().unwrap());
                let body = b[8..len].to_vec();
                at += len;
                match code {
                    80_877_103 | 80_877_104 => c.out.push(b'N'),
                    80_877_102 => {
                        let pid = u32::from_be_bytes(body[..4].try_into().unwrap());
                        let key = u32::from_be_bytes(body[4..8].try_into().unwrap());
                        c.eof = true;
                        c.gone = true;
                        return Some((pid, key));
                    }
                    _ => self.welcome(id, &body),
                }
                continue;
            }
            if b.len() < 5 {
                break;
            }
            let len = u32::from_be_bytes(b[1..5].try_into().unwrap()) as usize + 1;
            if b.len() < len {
                break;
            }
            let (kind, body) = (b[0], b[5..len].to_vec());
            at += len;
            match kind {
                b'X' => c.eof = true,
                _ => {
                    if matches!(kind, b'Q' | b'S' | b'H' | b'F') {
                        c.groups += 1;
                        c.since.get_or_insert_with(Instant::now);
                    }
                    c.msgs.push_back((kind, body))
                }
            }
        }
        if let Some(c) = self.clients.get_mut(&id) {
            c.inbuf.drain(..at);
        }
        None
    }
    pub fn client_eof(&mut self, id: Id) {
        if let Some(c) = self.clients.get_mut(&id) {
            c.eof = true
        }
    }
    fn welcome(&mut self, id: Id, body: &[u8]) {
        let mut rest = body;
        let mut map = BTreeMap::new();
        while rest.first().is_some_and(|b| *b != 0) {
            let k = wire::cstr(&mut rest).to_owned();
            let v = wire::cstr(&mut rest).to_owned();
            map.insert(k.to_ascii_lowercase(), v);
        }
        let database = map.remove("database").unwrap_or_default();
        map.remove("user");
        let c = self.clients.get_mut(&id).unwrap();
        c.started = true;
        if database != self.token && !self.token.is_empty() {
            wire::error(
                &mut c.out,
                "FATAL",
                "08004",
                "db-test: the test that this pool belongs to has ended",
            );
            c.eof = true;
            return;
        }
        if let Some(options) = map.remove("options") {
            for o in options.split("-c ").skip(1) {
                if let Some((k, v)) = o.trim().split_once('=') {
                    map.insert(k.to_ascii_lowercase(), v.to_owned());
                }
            }
        }
        for (k, v) in map {
            let same = self
                .base
                .get(&k)
                .is_some_and(|b| b.replace(' ', "").eq_ignore_ascii_case(&v.replace(' ', "")));
            if !same && k != "replication" && k != "application_name" {
                c.settings.insert(k, v);
            }
        }
        wire::put(&mut c.out, b'R', &0u32.to_be_bytes());
        for (k, v) in &self.params {
            let mut b = k.clone().into_bytes();
            b.push(0);
            b.extend_from_slice(
                c.settings
                    .get(&k.to_ascii_lowercase())
                    .unwrap_or(v)
                    .as_bytes(),
            );
            b.push(0);
            wire::put(&mut c.out, b'S', &b)
        }
        let mut key = id.to_be_bytes().to_vec();
        key.extend_from_slice(&(id ^ 0x5eed).to_be_bytes());
        wire::put(&mut c.out, b'K', &key);
        wire::ready(&mut c.out, b'I');
    }
    /// Whether a request to cancel is for what the backend is doing.
    pub fn cancels(&self, pid: u32, key: u32) -> bool {
        key == pid ^ 0x5eed && self.unit.as_ref().is_some_and(|u| u.client == pid)
    }

    // ---- scheduling ----
    pub fn pump(&mut self, now: Instant) {
        loop {
            if self.broken.is_some() {
                return;
            }
            if self.unit.is_some() {
                self.advance(now);
                if self.unit.is_some() {
                    return;
                }
                continue;
            }
            if self.ending {
                self.try_end();
                if self.ending {
                    return;
                }
            }
            if !self.exp.is_empty() {
                return;
            }
            if !self.start_one(now) {
                return;
            }
        }
    }
    fn holder(&self) -> Option<Id> {
        self.stack
            .iter()
            .rev()
            .find(|s| !s.over && s.kind != Kind::Hidden)
            .map(|s| s.owner)
    }
    fn due(&self, c: &Client, id: Id) -> Option<Instant> {
        let since = c.since?;
        match self.holder() {
            Some(h) if h != id => {
                let known = self
                    .clients
                    .get(&h)
                    .and_then(|h| h.tx.as_ref())
                    .is_some_and(|t| t.guests.contains(&id));
                Some(if known {
                    since
                } else {
                    since.max(self.last_done) + self.wait
                })
            }
            _ => Some(since),
        }
    }
    pub fn deadline(&self) -> Option<Instant> {
        if let Some(u) = &self.unit {
            return u.until;
        }
        self.clients
            .iter()
            .filter(|(_, c)| c.groups > 0)
            .filter_map(|(id, c)| self.due(c, *id))
            .min()
    }
    fn start_one(&mut self, now: Instant) -> bool {
        // Who has gone is cleaned up first.
        let gone: Vec<Id> = self
            .clients
            .iter()
            .filter(|(_, c)| c.eof && (c.groups == 0 || c.gone))
            .map(|(id, _)| *id)
            .collect();
        for id in gone {
            if self.clients[&id].tx.is_some() {
                self.rollback(id);
                self.last_done = now
            }
            let c = self.clients.get_mut(&id).unwrap();
            c.gone = true;
            c.msgs.clear();
            c.groups = 0;
            let names: Vec<String> = std::mem::take(&mut c.dirty).into_iter().collect();
            if self.backend_client == id {
                self.unknown.extend(names)
            }
            self.clear_names(id);
            if self.clients[&id].out.is_empty() {
                self.clients.remove(&id);
            }
        }
        for c in self.clients.values_mut() {
            while matches!(c.msgs.front(), Some((b'd' | b'c' | b'f', _))) {
                c.msgs.pop_front();
            }
        }
        let Some((at, id)) = self
            .clients
            .iter()
            .filter(|(_, c)| c.groups > 0)
            .filter_map(|(id, c)| Some((self.due(c, *id)?, *id)))
            .min()
        else {
            return false;
        };
        if at > now {
            return false;
        }
        let holder = self.holder();
        if let Some(h) = holder
            && h != id
        {
            self.stats.let_in += 1;
            if let Some(t) = self.clients.get_mut(&h).and_then(|c| c.tx.as_mut()) {
                t.guests.insert(id);
            }
            for s in self.stack.iter_mut().filter(|s| s.owner != id) {
                s.foreign = true
            }
        }
        self.stats.units += 1;
        let c = self.clients.get_mut(&id).unwrap();
        c.since = None;
        if c.test != self.test && !self.keep_clients {
            c.eof = true;
            c.groups = 0;
            wire::error(&mut c.out, "FATAL", "57P01", "db-test: the test has ended");
            return true;
        }
        let mut unit = Unit {
            client: id,
            ext: true,
            steps: VecDeque::new(),
            failed: false,
            skip: false,
            real: false,
            be_failed: false,
            hidden: false,
            copy: Copy_::No,
            done: false,
            checking: None,
            infos: vec![],
            until: None,
            ddl: false,
            multi: false,
            held: vec![],
            cursors: false,
        };
        if let Some((b'Q', _)) = c.msgs.front() {
            let (_, body) = c.msgs.pop_front().unwrap();
            c.groups -= 1;
            unit.ext = false;
            let text = wire::cstr(&mut body.as_slice()).to_owned();
            let parts = sql::split(&text);
            unit.multi = parts.len() > 1;
            let infos: Vec<Info> = parts.iter().map(|p| sql::info(p, id)).collect();
            if infos
                .iter()
                .all(|i| i.control.is_none() && i.rewritten.is_none())
            {
                unit.steps.push_back(Step::Query(text, infos))
            } else {
                for (part, info) in parts.into_iter().zip(infos) {
                    match info.control.clone() {
                        Some(control) => unit.steps.push_back(Step::Control(control)),
                        None => {
                            let part = info.rewritten.clone().unwrap_or(part);
                            if let Some(Step::Query(q, i)) = unit.steps.back_mut() {
                                q.push(';');
                                q.push_str(&part);
                                i.push(info)
                            } else {
                                unit.steps.push_back(Step::Query(part, vec![info]))
                            }
                        }
                    }
                }
            }
        }
        self.unit = Some(unit);
        true
    }

    // ---- running a unit ----
    fn advance(&mut self, now: Instant) {
        loop {
            let Some(unit) = &mut self.unit else { return };
            let id = unit.client;
            if let Some(until) = unit.until {
                if until > now {
                    return;
                }
                unit.until = None
            }
            let c = self.clients.get_mut(&id).unwrap();
            if unit.copy == Copy_::In {
                match c.msgs.pop_front() {
                    Some((k @ (b'd' | b'c' | b'f'), body)) => {
                        if k != b'd' {
                            unit.copy = Copy_::No
                        }
                        wire::put(&mut self.be_out, k, &body);
                        continue;
                    }
                    Some((b'S' | b'H', _)) => {
                        c.groups -= 1;
                        continue;
                    }
                    Some(_) => continue,
                    None if c.eof => {
                        unit.copy = Copy_::No;
                        wire::put(&mut self.be_out, b'f', b"the client is gone\0");
                        continue;
                    }
                    None => return,
                }
            }
            if unit.checking.is_some() {
                return;
            }
            if unit.ext {
                if !self.advance_extended(now) {
                    return;
                }
            } else if !self.advance_simple(now) {
                return;
            }
        }
    }
    fn advance_simple(&mut self, now: Instant) -> bool {
        if !self.exp.is_empty() {
            return false;
        }
        let unit = self.unit.as_mut().unwrap();
        let id = unit.client;
        if unit.failed {
            unit.steps.clear()
        }
        match unit.steps.pop_front() {
            None => {
                if !self.auto_check() {
                    self.finish()
                }
            }
            Some(Step::Control(control)) => self.control(control, false),
            Some(Step::Query(text, infos)) => {
                if infos.iter().all(|i| i.is_empty) && infos.len() <= 1 {
                    wire::put(&mut self.clients.get_mut(&id).unwrap().out, b'I', b"");
                    return true;
                }
                let multi = self.unit.as_ref().unwrap().multi;
                if self.refused(&infos, multi) {
                    return true;
                }
                match self.fault(&text) {
                    Some(Action::Error(code, m)) => {
                        self.local_error(code, m);
                        return true;
                    }
                    Some(Action::Delay(d)) => {
                        let u = self.unit.as_mut().unwrap();
                        u.until = Some(now + d);
                        u.steps.push_front(Step::Query(text, infos));
                        return true;
                    }
                    Some(Action::Kill) => {
                        self.kill(id);
                        return true;
                    }
                    None => {}
                }
                self.prepare_backend();
                self.warn_local(&infos, multi);
                self.note_infos(&infos, None);
                wire::query(&mut self.be_out, &text);
                self.exp.push_back(Exp::Simple);
            }
        }
        true
    }
    fn advance_extended(&mut self, now: Instant) -> bool {
        let unit = self.unit.as_mut().unwrap();
        let id = unit.client;
        if unit.done {
            if self.exp.is_empty() {
                if !self.auto_check() {
                    self.finish()
                }
                return true;
            }
            return false;
        }
        let c = self.clients.get_mut(&id).unwrap();
        let Some((kind, body)) = c.msgs.front() else {
            if c.eof {
                unit.skip = true;
                c.msgs.push_back((b'S', vec![]));
                c.groups += 1;
                return true;
            }
            return false;
        };
        let kind = *kind;
        if unit.skip && kind != b'S' {
            if kind == b'H' || kind == b'Q' {
                c.groups -= 1
            }
            c.msgs.pop_front();
            return true;
        }
        let body = body.clone();
        let failed = c.tx.as_ref().is_some_and(|t| t.failed);
        let mut rest = body.as_slice();
        match kind {
            b'S' => {
                c.msgs.pop_front();
                c.groups -= 1;
                unit.done = true;
                if unit.real {
                    wire::put(&mut self.be_out, b'S', b"");
                    self.exp.push_back(Exp::Sync)
                }
            }
            b'H' => {
                c.msgs.pop_front();
                c.groups -= 1;
                if unit.real {
                    wire::put(&mut self.be_out, b'H', b"")
                }
            }
            b'P' => {
                c.msgs.pop_front();
                let name = wire::cstr(&mut rest).to_owned();
                let text: Rc<str> = wire::cstr(&mut rest).into();
                let key = (text.clone(), rest.to_vec());
                if !name.is_empty() && c.stmts.contains_key(&name) {
                    self.local_error(
                        "42P05",
                        &format!("prepared statement \"{name}\" already exists"),
                    );
                    return true;
                }
                let cached = if self.cache_on {
                    self.cache
                        .get(&key)
                        .filter(|s| s.info.rewritten.is_none())
                        .cloned()
                } else {
                    None
                };
                let stmt = cached.unwrap_or_else(|| {
                    self.stmt_count += 1;
                    let info = sql::info(&text, id);
                    Rc::new(Stmt {
                        sql: text,
                        oids: key.1.clone(),
                        info,
                        backend: format!("p{}", self.stmt_count),
                        known: Cell::new(false),
                        described: RefCell::default(),
                        generation: self.generation,
                    })
                });
                if failed
                    && !matches!(
                        stmt.info.control,
                        Some(
                            Control::Commit { .. }
                                | Control::Rollback { .. }
                                | Control::RollbackTo(_)
                                | Control::PrepareTransaction
                        )
                    )
                {
                    self.aborted();
                    return true;
                }
                self.clients
                    .get_mut(&id)
                    .unwrap()
                    .stmts
                    .insert(name, stmt.clone());
                if stmt.info.control.is_some() || stmt.known.get() {
                    if stmt.known.get() {
                        self.stats.parse_hits += 1
                    }
                    self.local(|o| wire::put(o, b'1', b""));
                    return true;
                }
                self.stats.parse_misses += 1;
                self.cache.insert(key, stmt.clone());
                self.prepare_backend();
                let mut b = stmt.backend.clone().into_bytes();
                b.push(0);
                b.extend_from_slice(
                    stmt.info
                        .rewritten
                        .as_deref()
                        .unwrap_or(&stmt.sql)
                        .as_bytes(),
                );
                b.push(0);
                b.extend_from_slice(&stmt.oids);
                wire::put(&mut self.be_out, b'P', &b);
                self.exp.push_back(Exp::Parse(stmt));
            }
            b'B' => {
                c.msgs.pop_front();
                let portal = wire::cstr(&mut rest).to_owned();
                let name = wire::cstr(&mut rest).to_owned();
                let Some(stmt) = c.stmts.get(&name).cloned() else {
                    self.local_error(
                        "26000",
                        &format!("prepared statement \"{name}\" does not exist"),
                    );
                    return true;
                };
                if failed
                    && !matches!(
                        stmt.info.control,
                        Some(
                            Control::Commit { .. }
                                | Control::Rollback { .. }
                                | Control::RollbackTo(_)
                                | Control::PrepareTransaction
                        )
                    )
                {
                    self.aborted();
                    return true;
                }
                c.portals.insert(portal.clone(), stmt.clone());
                if stmt.info.control.is_some() {
                    self.local(|o| wire::put(o, b'2', b""));
                    return true;
                }
                self.prepare_backend();
                let infos = [stmt.info.clone()];
                self.note_infos(&infos, Some(rest));
                let mut b = portal_name(id, &portal).into_bytes();
                b.push(0);
                b.extend_from_slice(stmt.backend.as_bytes());
                b.push(0);
                b.extend_from_slice(rest);
                wire::put(&mut self.be_out, b'B', &b);
                self.exp.push_back(Exp::Bind);
            }
            b'D' => {
                c.msgs.pop_front();
                let name = wire::cstr(&mut &rest[1..]).to_owned();
                if rest[0] == b'S' {
                    let Some(stmt) = c.stmts.get(&name).cloned() else {
                        self.local_error(
                            "26000",
                            &format!("prepared statement \"{name}\" does not exist"),
                        );
                        return true;
                    };
                    if stmt.info.control.is_some() {
                        self.local(|o| {
                            wire::put(o, b't', &[0, 0]);
                            wire::put(o, b'n', b"")
                        });
                        return true;
                    }
                    if let Some(d) = &*stmt.described.borrow() {
                        let d = d.clone();
                        self.local(|o| o.extend_from_slice(&d));
                        return true;
                    }
                    if failed {
                        self.aborted();
                        return true;
                    }
                    self.prepare_backend();
                    let mut b = vec![b'S'];
                    b.extend_from_slice(stmt.backend.as_bytes());
                    b.push(0);
                    wire::put(&mut self.be_out, b'D', &b);
                    self.exp.push_back(Exp::Describe(Some(stmt), vec![]));
                } else {
                    let Some(stmt) = c.portals.get(&name).cloned() else {
                        self.local_error("34000", &format!("portal \"{name}\" does not exist"));
                        return true;
                    };
                    if stmt.info.control.is_some() {
                        self.local(|o| wire::put(o, b'n', b""));
                        return true;
                    }
                    self.prepare_backend();
                    let mut b = vec![b'P'];
                    b.extend_from_slice(portal_name(id, &name).as_bytes());
                    b.push(0);
                    wire::put(&mut self.be_out, b'D', &b);
                    self.exp.push_back(Exp::Describe(None, vec![]));
                }
            }
            b'E' => {
                let portal = wire::cstr(&mut rest).to_owned();
                let Some(stmt) = c.portals.get(&portal).cloned() else {
                    c.msgs.pop_front();
                    self.local_error("34000", &format!("portal \"{portal}\" does not exist"));
                    return true;
                };
                if let Some(control) = stmt.info.control.clone() {
                    // A barrier: what was sent before it must have succeeded.
                    if !self.exp.is_empty() {
                        if !matches!(self.exp.back(), Some(Exp::Local(_))) || true {
                            wire::put(&mut self.be_out, b'H', b"")
                        }
                        return false;
                    }
                    c.msgs.pop_front();
                    self.control(control, true);
                    return true;
                }
                c.msgs.pop_front();
                if failed {
                    self.aborted();
                    return true;
                }
                if self.refused(std::slice::from_ref(&stmt.info), false) {
                    return true;
                }
                match self.fault(&stmt.sql) {
                    Some(Action::Error(code, m)) => {
                        self.local_error_after(code, m);
                        return true;
                    }
                    Some(Action::Delay(d)) => {
                        self.unit.as_mut().unwrap().until = Some(now + d);
                        self.clients
                            .get_mut(&id)
                            .unwrap()
                            .msgs
                            .push_front((kind, body));
                        return true;
                    }
                    Some(Action::Kill) => {
                        self.kill(id);
                        return true;
                    }
                    None => {}
                }
                self.prepare_backend();
                self.warn_local(std::slice::from_ref(&stmt.info), false);
                let mut b = portal_name(id, &portal).into_bytes();
                b.push(0);
                b.extend_from_slice(rest);
                wire::put(&mut self.be_out, b'E', &b);
                self.exp.push_back(Exp::Exec);
            }
            b'C' => {
                c.msgs.pop_front();
                let name = wire::cstr(&mut &rest[1..]).to_owned();
                if rest[0] == b'S' {
                    c.stmts.remove(&name);
                    self.local(|o| wire::put(o, b'3', b""))
                } else if c
                    .portals
                    .remove(&name)
                    .is_some_and(|s| s.info.control.is_none())
                    && !failed
                    && self.unit.as_ref().unwrap().real
                {
                    let mut b = vec![b'P'];
                    b.extend_from_slice(portal_name(id, &name).as_bytes());
                    b.push(0);
                    wire::put(&mut self.be_out, b'C', &b);
                    self.exp.push_back(Exp::Close);
                } else if !name.is_empty() && !failed {
                    self.prepare_backend();
                    let mut b = vec![b'P'];
                    b.extend_from_slice(portal_name(id, &name).as_bytes());
                    b.push(0);
                    wire::put(&mut self.be_out, b'C', &b);
                    self.exp.push_back(Exp::Close);
                } else {
                    self.local(|o| wire::put(o, b'3', b""))
                }
            }
            _ => {
                c.msgs.pop_front();
            }
        }
        true
    }
    /// What the client hears from us, in its turn.
    fn local(&mut self, f: impl FnOnce(&mut Vec<u8>)) {
        if self.exp.is_empty() {
            let id = self.unit.as_ref().unwrap().client;
            f(&mut self.clients.get_mut(&id).unwrap().out)
        } else {
            let mut b = vec![];
            f(&mut b);
            self.exp.push_back(Exp::Local(b))
        }
    }
    fn local_error(&mut self, code: &str, message: &str) {
        self.local(|o| wire::error(o, "ERROR", code, message));
        let u = self.unit.as_mut().unwrap();
        u.failed = true;
        u.skip = true;
    }
    fn local_error_after(&mut self, code: &str, message: &str) {
        self.local_error(code, message)
    }
    fn warn_local(&mut self, infos: &[Info], multi: bool) {
        let id = self.unit.as_ref().unwrap().client;
        if !multi && self.clients[&id].tx.is_none() && infos.iter().any(|i| i.set_local) {
            let mut b = vec![];
            wire::warning(
                &mut b,
                "25P01",
                "SET LOCAL can only be used in transaction blocks",
            );
            self.exp.push_back(Exp::Local(b));
        }
    }
    fn aborted(&mut self) {
        self.local_error(
            "25P02",
            "current transaction is aborted, commands ignored until end of transaction block",
        )
    }
    fn refused(&mut self, infos: &[Info], implicit: bool) -> bool {
        let id = self.unit.as_ref().unwrap().client;
        let tx = self.clients[&id].tx.as_ref();
        if tx.is_some_and(|t| t.failed) {
            self.aborted();
            return true;
        }
        if tx.is_none()
            && !implicit
            && let Some(what) = infos.iter().find_map(|i| i.needs_block)
        {
            self.local_error(
                "25P01",
                &format!("{what} can only be used in transaction blocks"),
            );
            return true;
        }
        false
    }
    fn fault(&mut self, text: &str) -> Option<Action> {
        let f = self
            .faults
            .iter_mut()
            .find(|f| f.times > 0 && text.contains(&f.contains))?;
        if f.skip > 0 {
            f.skip -= 1;
            return None;
        }
        f.times -= 1;
        Some(f.action.clone())
    }
    fn kill(&mut self, id: Id) {
        let c = self.clients.get_mut(&id).unwrap();
        wire::error(
            &mut c.out,
            "FATAL",
            "57P01",
            "terminating connection due to administrator command",
        );
        c.eof = true;
        c.msgs.clear();
        c.groups = 0;
        let u = self.unit.as_mut().unwrap();
        u.failed = true;
        u.skip = true;
        u.steps.clear();
    }

    /// The savepoint, the settings, and what is due go before whatever is sent.
    fn prepare_backend(&mut self) {
        let unit = self.unit.as_mut().unwrap();
        let id = unit.client;
        if unit.real {
            return;
        }
        unit.real = true;
        self.switch_to(id);
        let top_is_mine = self.stack.last().is_some_and(|s| s.owner == id && !s.over);
        let idle = self.clients[&id].tx.is_none();
        if (idle || !top_is_mine) && !self.unit.as_ref().unwrap().hidden {
            self.push(id, Kind::Hidden);
            self.unit.as_mut().unwrap().hidden = true
        }
        if let Some(t) = &mut self.clients.get_mut(&id).unwrap().tx {
            t.queried = true
        }
        self.flush_pre();
    }
    fn flush_pre(&mut self) {
        if !self.opened {
            self.opened = true;
            self.pre
                .insert_str(0, &format!("begin;savepoint base_{};", self.test))
        }
        if self.pre.is_empty() {
            return;
        }
        wire::query(&mut self.be_out, &self.pre);
        self.pre.clear();
        self.exp.push_back(Exp::Hidden);
    }
    fn push(&mut self, owner: Id, kind: Kind) {
        self.sp_count += 1;
        let name = format!("s{}", self.sp_count);
        self.pre += &format!("savepoint {name};");
        let c = &self.clients[&owner];
        self.stack.push(Sp {
            name,
            owner,
            kind,
            over: false,
            settings: c.settings.clone(),
            dirty: c.dirty.clone(),
            notified: c.notes.len(),
            foreign: false,
        });
    }
    fn switch_to(&mut self, id: Id) {
        if self.backend_client == id && self.unknown.is_empty() {
            return;
        }
        if let Some(before) = self.clients.get_mut(&self.backend_client)
            && self.backend_client != id
            && !before.dirty.is_empty()
        {
            let names: Vec<String> = std::mem::take(&mut before.dirty).into_iter().collect();
            let list: Vec<String> = names
                .iter()
                .map(|n| format!("current_setting('{}',true)", n.replace('\'', "''")))
                .collect();
            let before = self.backend_client;
            self.flush_pre();
            wire::query(&mut self.be_out, &format!("select {}", list.join(",")));
            self.exp.push_back(Exp::Snapshot(before, names.clone()));
            self.unknown.extend(names);
        }
        self.backend_client = id;
        let c = &self.clients[&id];
        let names: BTreeSet<String> = self
            .applied
            .keys()
            .chain(c.settings.keys())
            .chain(self.unknown.iter())
            .filter(|n| !c.dirty.contains(*n))
            .cloned()
            .collect();
        for n in names {
            let want = c.settings.get(&n);
            if self.unknown.contains(&n) || self.applied.get(&n) != want {
                match want {
                    Some(v) => {
                        self.pre +=
                            &format!("set \"{}\" to {};", n.replace('.', "\".\""), value(&n, v))
                    }
                    None => self.pre += &format!("reset \"{}\";", n.replace('.', "\".\"")),
                }
            }
        }
        self.applied = c.settings.clone();
        self.unknown.clear();
    }
    fn note_infos(&mut self, infos: &[Info], bind: Option<&[u8]>) {
        let unit = self.unit.as_mut().unwrap();
        let c = self.clients.get_mut(&unit.client).unwrap();
        for i in infos {
            if let Some(n) = &i.prepares {
                c.sql_prepared.insert(n.clone());
            }
            for (name, local, param) in &i.sets {
                let name = match param {
                    Some(n) => bind
                        .and_then(|b| wire::parameter(b, *n))
                        .unwrap_or_default()
                        .to_ascii_lowercase(),
                    None => name.clone(),
                };
                if name.is_empty() {
                    continue;
                }
                if *local {
                    match &mut c.tx {
                        Some(t) => t.locals.push(name),
                        None => unit.infos.push(Info {
                            sets: vec![(name, true, None)],
                            ..Info::default()
                        }),
                    }
                } else if name == "*" {
                    let all: Vec<String> = c.settings.keys().cloned().collect();
                    c.dirty.extend(all)
                } else {
                    c.dirty.insert(name);
                }
            }
            if let (Some(t), Some(d)) = (&mut c.tx, &i.drop_on_commit) {
                t.temps.push(d.clone())
            }
            if i.declares {
                match &mut c.tx {
                    Some(t) => t.cursors = true,
                    None => unit.cursors = true,
                }
            }
        }
    }

    // ---- transaction control ----
    fn innermost(&self, id: Id) -> Option<usize> {
        self.stack.iter().rposition(|s| s.owner == id && !s.over)
    }
    /// Back to a savepoint of the stack, which stays; what others have above it is made anew.
    fn back_to(&mut self, at: usize, what: &str) {
        let id = self.stack[at].owner;
        let above: Vec<Sp> = self.stack.drain(at + 1..).collect();
        let sp = &self.stack[at];
        self.pre += &format!("rollback to savepoint {};", sp.name);
        if sp.foreign {
            self.notes.push(format!(
                "{what} of connection {id} also undid what another connection had done meanwhile"
            ))
        }
        let (settings, dirty, notified) = (sp.settings.clone(), sp.dirty.clone(), sp.notified);
        if !self.applied.is_empty() || self.clients.values().any(|c| !c.dirty.is_empty()) {
            for k in self.applied.keys() {
                self.unknown.insert(k.clone());
            }
            for c in self.clients.values() {
                self.unknown.extend(c.dirty.iter().cloned())
            }
            for n in &dirty {
                self.unknown.remove(n);
            }
        }
        if let Some(c) = self.clients.get_mut(&id) {
            c.settings = settings;
            c.notes.truncate(notified);
            c.dirty = dirty;
        }
        for s in above {
            if s.owner != id && !s.over {
                self.pre += &format!("savepoint {};", s.name);
                self.stack.push(s)
            }
        }
    }
    fn drop_sp(&mut self, at: usize) {
        // A savepoint that others build on is only marked; it goes when it is the last one.
        if self.stack[at + 1..]
            .iter()
            .any(|s| s.owner != self.stack[at].owner && !s.over)
        {
            let id = self.stack[at].owner;
            for s in &mut self.stack[at..] {
                if s.owner == id {
                    s.over = true
                }
            }
        } else {
            self.pre += &format!("release savepoint {};", self.stack[at].name);
            self.stack.truncate(at)
        }
        while self.stack.last().is_some_and(|s| s.over) {
            let s = self.stack.pop().unwrap();
            self.pre += &format!("release savepoint {};", s.name)
        }
    }
    fn tx_at(&self, id: Id) -> Option<usize> {
        self.stack
            .iter()
            .position(|s| s.owner == id && s.kind == Kind::Tx && !s.over)
    }
    fn rollback(&mut self, id: Id) {
        if let Some(at) = self.tx_at(id) {
            self.back_to(at, "the rollback");
            self.drop_sp(at)
        }
        self.clients.get_mut(&id).unwrap().tx = None;
    }
    fn commit(&mut self, id: Id) {
        let t = self
            .clients
            .get_mut(&id)
            .unwrap()
            .tx
            .take()
            .unwrap_or_default();
        if let Some(at) = self.tx_at(id) {
            self.drop_sp(at)
        }
        for n in &t.locals {
            self.restore(id, n)
        }
        for (table, drop) in &t.temps {
            let act = if *drop {
                format!("drop table if exists {table} cascade")
            } else {
                format!("truncate {table}")
            };
            self.pre += &format!(
                "do $db_test$ begin if to_regclass('{}') is not null then {act}; end if; end $db_test$;",
                table.replace('\'', "''")
            );
        }
        if t.cursors {
            self.close_cursors()
        }
        self.deliver(id);
    }
    fn close_cursors(&mut self) {
        self.pre += "do $db_test$ declare n text; begin foreach n in array coalesce((select array_agg(name) from pg_cursors where not is_holdable and name !~ '^v[0-9]+_' and name !~ '^<unnamed' and name <> ''), '{}') loop execute 'close ' || quote_ident(n); end loop; end $db_test$;"
    }
    fn restore(&mut self, id: Id, name: &str) {
        let c = &self.clients[&id];
        if c.dirty.contains(name) {
            return;
        }
        let quoted = name.replace('.', "\".\"");
        match c.settings.get(name) {
            Some(v) => self.pre += &format!("set \"{quoted}\" to {};", value(name, v)),
            None => self.pre += &format!("reset \"{quoted}\";"),
        }
    }
    fn deliver(&mut self, id: Id) {
        let notes = std::mem::take(&mut self.clients.get_mut(&id).unwrap().notes);
        let mut seen = BTreeSet::new();
        for n in notes {
            if !seen.insert(n.clone()) {
                continue;
            }
            let mut b = id.to_be_bytes().to_vec();
            for t in [&n.0, &n.1] {
                b.extend_from_slice(t.as_bytes());
                b.push(0)
            }
            for c in self.clients.values_mut() {
                if c.listens.contains(&n.0) {
                    wire::put(&mut c.out, b'A', &b)
                }
            }
        }
    }
    fn control(&mut self, control: Control, _ext: bool) {
        let id = self.unit.as_ref().unwrap().client;
        let hidden = self.unit.as_ref().unwrap().hidden;
        if let Some(t) = &self.clients[&id].tx {
            self.chained = (t.level.clone(), t.read_only)
        }
        let (in_tx, failed) = match &self.clients[&id].tx {
            Some(t) => (true, t.failed),
            None => (false, false),
        };
        if failed
            && !matches!(
                control,
                Control::Commit { .. } | Control::Rollback { .. } | Control::RollbackTo(_)
            )
        {
            return self.aborted();
        }
        if let Control::Commit { .. } = control {
            match self.fault("COMMIT") {
                Some(Action::Error(code, m)) => {
                    self.rollback(id);
                    return self.local_error(code, m);
                }
                Some(Action::Kill) => return self.kill(id),
                _ => {}
            }
        }
        match control {
            Control::Begin {
                read_only,
                start,
                level,
            } => {
                let tag = if start { "START TRANSACTION" } else { "BEGIN" };
                if in_tx {
                    self.local(|o| {
                        wire::warning(o, "25001", "there is already a transaction in progress")
                    });
                    let t = self.clients.get_mut(&id).unwrap().tx.as_mut().unwrap();
                    if level.as_ref().is_some_and(|l| t.level != *l) {
                        if t.queried {
                            return self.local_error(
                                "25001",
                                "SET TRANSACTION ISOLATION LEVEL must be called before any query",
                            );
                        }
                        t.level = level.unwrap_or_default()
                    }
                    if read_only == Some(true) && !t.read_only {
                        t.read_only = true;
                        self.pre += "set transaction read only;";
                        self.unit.as_mut().unwrap().real = false
                    }
                } else if hidden && level.as_ref().is_some_and(|l| l != "read committed") {
                    return self.local_error(
                        "25001",
                        "SET TRANSACTION ISOLATION LEVEL must be called before any query",
                    );
                } else {
                    let mut took_cursors = false;
                    if hidden && self.stack.last().is_some_and(|s| s.kind == Kind::Hidden) {
                        self.stack.last_mut().unwrap().kind = Kind::Tx;
                        let u = self.unit.as_mut().unwrap();
                        u.hidden = false;
                        u.infos.clear();
                        took_cursors = std::mem::take(&mut u.cursors)
                    } else {
                        self.push(id, Kind::Tx)
                    }
                    self.clients.get_mut(&id).unwrap().tx = Some(Vtx {
                        read_only: read_only == Some(true),
                        level: level.unwrap_or_else(|| "read committed".into()),
                        queried: hidden,
                        cursors: took_cursors,
                        ..Vtx::default()
                    });
                    if read_only == Some(true) {
                        self.pre += "set transaction read only;"
                    }
                    self.unit.as_mut().unwrap().real = false;
                }
                self.local(|o| wire::tag(o, tag));
            }
            Control::Commit { chain } => {
                if !in_tx {
                    if chain {
                        return self.local_error(
                            "25P01",
                            "COMMIT AND CHAIN can only be used in transaction blocks",
                        );
                    }
                    if hidden {
                        self.drop_hidden(true);
                    }
                    self.local(|o| {
                        wire::warning(o, "25P01", "there is no transaction in progress");
                        wire::tag(o, "COMMIT")
                    });
                } else if failed {
                    self.rollback(id);
                    self.end_of_control(id, chain, "ROLLBACK")
                } else if self.deferrable.is_some()
                    && self.clients[&id].tx.as_ref().unwrap().queried
                {
                    self.drop_hidden(false);
                    self.flush_pre();
                    wire::query(&mut self.be_out, "set constraints all immediate");
                    self.exp.push_back(Exp::Check);
                    self.unit.as_mut().unwrap().checking = Some(Commit::Explicit { chain });
                } else {
                    self.drop_hidden(false);
                    self.commit(id);
                    self.end_of_control(id, chain, "COMMIT")
                }
            }
            Control::Rollback { chain } => {
                if !in_tx {
                    if chain {
                        return self.local_error(
                            "25P01",
                            "ROLLBACK AND CHAIN can only be used in transaction blocks",
                        );
                    }
                    if hidden {
                        self.drop_hidden_by_rollback()
                    }
                    self.local(|o| {
                        wire::warning(o, "25P01", "there is no transaction in progress");
                        wire::tag(o, "ROLLBACK")
                    });
                } else {
                    self.drop_hidden(false);
                    self.rollback(id);
                    self.end_of_control(id, chain, "ROLLBACK")
                }
            }
            Control::Savepoint(name) => {
                if !in_tx {
                    return self
                        .local_error("25P01", "SAVEPOINT can only be used in transaction blocks");
                }
                self.drop_hidden(false);
                self.push(id, Kind::User(name));
                self.unit.as_mut().unwrap().real = false;
                self.local(|o| wire::tag(o, "SAVEPOINT"));
            }
            Control::Release(_) if !in_tx => self.local_error(
                "25P01",
                "RELEASE SAVEPOINT can only be used in transaction blocks",
            ),
            Control::RollbackTo(_) if !in_tx => self.local_error(
                "25P01",
                "ROLLBACK TO SAVEPOINT can only be used in transaction blocks",
            ),
            Control::Release(name) => {
                self.drop_hidden(false);
                let at = self
                    .stack
                    .iter()
                    .rposition(|s| s.owner == id && !s.over && s.kind == Kind::User(name.clone()));
                let Some(at) = at else {
                    return self
                        .local_error("3B001", &format!("savepoint \"{name}\" does not exist"));
                };
                self.drop_sp(at);
                self.unit.as_mut().unwrap().real = false;
                self.local(|o| wire::tag(o, "RELEASE"));
            }
            Control::RollbackTo(name) => {
                self.drop_hidden(false);
                let at = self
                    .stack
                    .iter()
                    .rposition(|s| s.owner == id && !s.over && s.kind == Kind::User(name.clone()));
                let Some(at) = at else {
                    return self
                        .local_error("3B001", &format!("savepoint \"{name}\" does not exist"));
                };
                self.back_to(at, "the rollback to a savepoint");
                if let Some(t) = &mut self.clients.get_mut(&id).unwrap().tx {
                    t.failed = false
                }
                self.unit.as_mut().unwrap().real = false;
                self.local(|o| wire::tag(o, "ROLLBACK"));
            }
            Control::PrepareTransaction => {
                if in_tx {
                    self.rollback(id)
                }
                self.local_error("55000", "prepared transactions are disabled")
            }
            Control::SetTransaction { read_only, level } => {
                if let (Some(l), Some(t)) = (&level, &mut self.clients.get_mut(&id).unwrap().tx)
                    && !t.queried
                {
                    t.level = l.clone()
                }
                if level
                    .as_ref()
                    .is_some_and(|l| in_tx && self.clients[&id].tx.as_ref().unwrap().level != *l)
                {
                    return self.local_error(
                        "25001",
                        "SET TRANSACTION ISOLATION LEVEL must be called before any query",
                    );
                }
                if in_tx {
                    if let Some(ro) = read_only {
                        let t = self.clients.get_mut(&id).unwrap().tx.as_mut().unwrap();
                        if !ro && t.read_only && t.queried {
                            return self.local_error(
                                "25001",
                                "transaction read-write mode must be set before any query",
                            );
                        }
                        if ro && !t.read_only {
                            t.read_only = true;
                            self.pre += "set transaction read only;";
                            self.unit.as_mut().unwrap().real = false
                        }
                    }
                } else {
                    self.local(|o| {
                        wire::warning(
                            o,
                            "25P01",
                            "SET TRANSACTION can only be used in transaction blocks",
                        )
                    })
                }
                self.local(|o| wire::tag(o, "SET"));
            }
            Control::Listen(ch) => {
                self.clients.get_mut(&id).unwrap().listens.insert(ch);
                self.local(|o| wire::tag(o, "LISTEN"))
            }
            Control::Unlisten(ch) => {
                let c = self.clients.get_mut(&id).unwrap();
                match ch {
                    Some(ch) => {
                        c.listens.remove(&ch);
                    }
                    None => c.listens.clear(),
                }
                self.local(|o| wire::tag(o, "UNLISTEN"))
            }
            Control::Notify(ch, payload) => {
                self.clients.get_mut(&id).unwrap().notes.push((ch, payload));
                self.local(|o| wire::tag(o, "NOTIFY"))
            }
            Control::DiscardAll => {
                if in_tx {
                    return self
                        .local_error("25001", "DISCARD ALL cannot run inside a transaction block");
                }
                self.forget_sql_prepared(id);
                let c = self.clients.get_mut(&id).unwrap();
                c.stmts.clear();
                c.listens.clear();
                c.settings.clear();
                let names: Vec<String> = std::mem::take(&mut c.dirty).into_iter().collect();
                self.unknown.extend(names);
                self.local(|o| wire::tag(o, "DISCARD ALL"));
            }
            Control::DeallocateAll => {
                self.forget_sql_prepared(id);
                self.clients.get_mut(&id).unwrap().stmts.clear();
                self.local(|o| wire::tag(o, "DEALLOCATE ALL"))
            }
            Control::NoOp(tag) => {
                if in_tx {
                    return self.local_error(
                        "25001",
                        &format!("{tag} cannot run inside a transaction block"),
                    );
                }
                self.local(|o| wire::tag(o, tag))
            }
        }
    }
    fn drop_hidden(&mut self, _implicit: bool) {
        let u = self.unit.as_mut().unwrap();
        if std::mem::take(&mut u.hidden) {
            u.real = false;
            let cursors = std::mem::take(&mut u.cursors);
            let at = self.stack.len() - 1;
            self.drop_sp(at);
            if cursors {
                self.close_cursors()
            }
        }
    }
    fn drop_hidden_by_rollback(&mut self) {
        let u = self.unit.as_mut().unwrap();
        if std::mem::take(&mut u.hidden) {
            u.real = false;
            let at = self.stack.len() - 1;
            self.back_to(at, "the rollback");
            self.drop_sp(at);
        }
    }
    fn end_of_control(&mut self, id: Id, chain: bool, tag: &str) {
        let (level, read_only) = self.chained.clone();
        self.unit.as_mut().unwrap().real = false;
        if chain {
            self.push(id, Kind::Tx);
            if read_only {
                self.pre += "set transaction read only;"
            }
            self.clients.get_mut(&id).unwrap().tx = Some(Vtx {
                level,
                read_only,
                ..Vtx::default()
            })
        }
        self.local(|o| wire::tag(o, tag));
    }
    /// Deferred constraints of a statement outside of a transaction.
    fn auto_check(&mut self) -> bool {
        let u = self.unit.as_mut().unwrap();
        if self.deferrable.is_none()
            || u.failed
            || !u.hidden
            || self.clients[&u.client].tx.is_some()
            || u.checking.is_some()
        {
            return false;
        }
        u.checking = Some(Commit::Auto);
        wire::query(&mut self.be_out, "set constraints all immediate");
        self.exp.push_back(Exp::Check);
        true
    }
    fn checked(&mut self) {
        let u = self.unit.as_mut().unwrap();
        let (id, failed) = (u.client, u.failed);
        let defer = self.deferrable.clone().unwrap_or_default();
        match u.checking.take().unwrap() {
            Commit::Auto => {
                if !failed {
                    self.pre += &defer;
                    self.release_held()
                }
                self.finish()
            }
            Commit::Explicit { chain } => {
                if failed {
                    self.rollback(id);
                    self.unit.as_mut().unwrap().be_failed = false
                } else {
                    self.pre += &defer;
                    self.commit(id);
                    self.end_of_control(id, chain, "COMMIT")
                }
            }
        }
    }
    fn finish(&mut self) {
        let u = self.unit.take().unwrap();
        let id = u.client;
        if u.hidden {
            let at = self.stack.len() - 1;
            if u.failed {
                self.back_to(at, "a failure");
                self.drop_sp(at)
            } else {
                self.drop_sp(at)
            }
        } else if u.failed
            && u.be_failed
            && let Some(at) = self.innermost(id)
        {
            self.back_to(at, "a failure")
        }
        if u.failed {
            if let Some(t) = &mut self.clients.get_mut(&id).unwrap().tx {
                t.failed = true
            }
        }
        if self.clients[&id].tx.is_none() {
            if u.cursors && !u.failed {
                self.close_cursors()
            }
            for i in &u.infos {
                for (n, ..) in &i.sets {
                    self.restore(id, n)
                }
            }
            if !u.failed {
                self.deliver(id)
            } else {
                self.clients.get_mut(&id).unwrap().notes.clear()
            }
        }
        if u.ddl {
            self.generation += 1;
            self.cache.clear_stale()
        }
        let c = self.clients.get_mut(&id).unwrap();
        let status = match &c.tx {
            None => b'I',
            Some(t) if t.failed => b'E',
            Some(_) => b'T',
        };
        if !c.gone {
            wire::ready(&mut c.out, status)
        }
        if c.groups > 0 {
            c.since = Some(Instant::now())
        }
        self.last_done = Instant::now();
    }
    fn clear_names(&mut self, id: Id) {
        self.forget_sql_prepared(id)
    }
    fn forget_sql_prepared(&mut self, id: Id) {
        for n in std::mem::take(&mut self.clients.get_mut(&id).unwrap().sql_prepared) {
            self.pre += &format!(
                "do $db_test$ begin if exists (select from pg_prepared_statements where name = '{n}') then deallocate \"{n}\"; end if; end $db_test$;"
            )
        }
    }

    // ---- the backend ----
    pub fn backend_bytes(&mut self, bytes: &[u8]) {
        let mut taken = std::mem::take(&mut self.be_in);
        let whole: &[u8] = if taken.is_empty() {
            bytes
        } else {
            taken.extend_from_slice(bytes);
            &taken
        };
        let mut at = 0;
        while whole.len() - at >= 5 {
            let len = u32::from_be_bytes(whole[at + 1..at + 5].try_into().unwrap()) as usize + 1;
            if whole.len() - at < len {
                break;
            }
            self.backend_message(&whole[at..at + len]);
            at += len;
        }
        let rest = whole[at..].to_vec();
        self.be_in = rest;
    }
    fn forward(&mut self, whole: &[u8]) {
        if let Some(u) = &self.unit
            && let Some(c) = self.clients.get_mut(&u.client)
            && !c.gone
        {
            c.out.extend_from_slice(whole)
        }
    }
    fn backend_message(&mut self, whole: &[u8]) {
        let (kind, body) = (whole[0], &whole[5..]);
        let text = |b: &[u8]| {
            format!(
                "{}: {}",
                wire::field(b, b'C').unwrap_or(""),
                wire::field(b, b'M').unwrap_or("")
            )
        };
        match kind {
            b'N' => {
                if wire::field(body, b'C') == Some("DBT01") {
                    if let Some(u) = &self.unit {
                        let n = (
                            wire::field(body, b'M').unwrap_or("").to_owned(),
                            wire::field(body, b'D').unwrap_or("").to_owned(),
                        );
                        self.clients.get_mut(&u.client).unwrap().notes.push(n)
                    }
                } else if !matches!(
                    self.exp.front(),
                    Some(Exp::Hidden | Exp::Check | Exp::Snapshot(..) | Exp::End)
                ) {
                    self.forward(whole)
                }
                return;
            }
            b'S' => {
                if !matches!(
                    self.exp.front(),
                    Some(Exp::Hidden | Exp::Snapshot(..) | Exp::End)
                ) {
                    self.forward(whole)
                }
                return;
            }
            b'A' => return,
            _ => {}
        }
        match self.exp.front_mut() {
            None => {
                if kind == b'E' {
                    self.broken = Some(text(body))
                }
            }
            Some(Exp::Hidden) => match kind {
                b'E' => self.broken = Some(format!("of our own: {}", text(body))),
                b'Z' => self.answered(),
                _ => {}
            },
            Some(Exp::Snapshot(id, names)) => match kind {
                b'D' => {
                    let id = *id;
                    let names = names.clone();
                    let row = wire::columns(body);
                    if let Some(c) = self.clients.get_mut(&id) {
                        for (n, v) in names.into_iter().zip(row) {
                            match v {
                                Some(v) if self.base.get(&n) != Some(&v) && !v.is_empty() => {
                                    c.settings.insert(n, v);
                                }
                                _ => {
                                    c.settings.remove(&n);
                                }
                            }
                        }
                    }
                }
                b'Z' => self.answered(),
                b'E' => self.broken = Some(text(body)),
                _ => {}
            },
            Some(Exp::End) => match kind {
                b'D' => self.end_row = wire::columns(body),
                b'E' => self.end_error = Some(text(body)),
                b'Z' => {
                    if body != b"I" {
                        self.broken = Some("the end".into())
                    }
                    self.answered();
                    self.finish_end()
                }
                _ => {}
            },
            Some(Exp::Check) => match kind {
                b'E' => {
                    self.unit.as_mut().unwrap().held.clear();
                    self.forward(whole);
                    let u = self.unit.as_mut().unwrap();
                    u.failed = true;
                    u.skip = true
                }
                b'Z' => {
                    self.answered();
                    self.checked()
                }
                _ => {}
            },
            Some(Exp::Simple) => match kind {
                b'Z' => {
                    let failed = body == b"E";
                    if let Some(u) = &mut self.unit {
                        u.be_failed = failed
                    }
                    if body == b"I" {
                        self.broken = Some("escaped".into())
                    }
                    self.answered()
                }
                b'E' => {
                    self.release_held();
                    self.unit.as_mut().unwrap().failed = true;
                    self.unit.as_mut().unwrap().copy = Copy_::No;
                    self.forward(whole)
                }
                b'G' => {
                    self.unit.as_mut().unwrap().copy = Copy_::In;
                    self.forward(whole)
                }
                b'C' => {
                    self.tag(body);
                    self.release_held();
                    if self.deferrable.is_some()
                        && self
                            .unit
                            .as_ref()
                            .is_some_and(|u| u.hidden && u.steps.is_empty())
                    {
                        self.unit.as_mut().unwrap().held = whole.to_vec()
                    } else {
                        self.forward(whole)
                    }
                }
                _ => {
                    self.release_held();
                    self.forward(whole)
                }
            },
            Some(Exp::Local(_)) => {
                self.flush_local();
                self.backend_message(whole)
            }
            Some(_) if kind == b'E' => {
                self.forward(whole);
                let changed = wire::field(body, b'M')
                    .is_some_and(|m| m.starts_with("cached plan must not"))
                    || wire::field(body, b'C') == Some("26000");
                let u = self.unit.as_mut().unwrap();
                u.failed = true;
                u.be_failed = true;
                u.copy = Copy_::No;
                u.ddl |= changed;
                while let Some(e) = self.exp.front() {
                    if matches!(e, Exp::Sync) {
                        break;
                    }
                    self.exp.pop_front();
                }
                if self.exp.is_empty() {
                    self.unit.as_mut().unwrap().skip = true
                }
            }
            Some(Exp::Sync) => {
                if kind == b'Z' {
                    let failed = body == b"E";
                    if let Some(u) = &mut self.unit {
                        u.be_failed |= failed
                    }
                    if body == b"I" {
                        self.broken = Some("escaped".into())
                    }
                    self.answered()
                }
            }
            Some(Exp::Parse(s)) => {
                if kind == b'1' {
                    s.known.set(true)
                }
                self.forward(whole);
                self.answered()
            }
            Some(Exp::Bind | Exp::Close) => {
                self.forward(whole);
                self.answered()
            }
            Some(Exp::Describe(s, seen)) => {
                seen.extend_from_slice(whole);
                let over = kind != b't';
                if over {
                    if let Some(s) = s {
                        *s.described.borrow_mut() = Some(std::mem::take(seen))
                    }
                }
                self.forward(whole);
                if over {
                    self.answered()
                }
            }
            Some(Exp::Exec) => {
                self.forward(whole);
                match kind {
                    b'C' => {
                        self.tag(body);
                        self.answered()
                    }
                    b'I' | b's' => self.answered(),
                    b'G' => {
                        self.unit.as_mut().unwrap().copy = Copy_::In;
                        let u = self.unit.as_mut().unwrap();
                        if self.exp.iter().any(|e| matches!(e, Exp::Sync)) {
                            u.done = false;
                            self.exp.retain(|e| !matches!(e, Exp::Sync))
                        }
                    }
                    _ => {}
                }
            }
        }
    }
    fn release_held(&mut self) {
        if let Some(u) = &mut self.unit
            && !u.held.is_empty()
        {
            let h = std::mem::take(&mut u.held);
            self.forward(&h)
        }
    }
    fn tag(&mut self, body: &[u8]) {
        let t = &body[..body.len() - 1];
        if [b"CREATE".as_slice(), b"ALTER", b"DROP", b"DO", b"CALL"]
            .iter()
            .any(|d| t.starts_with(d))
            && let Some(u) = &mut self.unit
        {
            u.ddl = true
        }
    }
    fn answered(&mut self) {
        self.exp.pop_front();
        self.flush_local()
    }
    fn flush_local(&mut self) {
        while matches!(self.exp.front(), Some(Exp::Local(_))) {
            if let Some(Exp::Local(b)) = self.exp.pop_front() {
                self.forward(&b)
            }
        }
    }
}

trait Stale {
    fn clear_stale(&mut self);
}
impl Stale for HashMap<(Rc<str>, Vec<u8>), Rc<Stmt>> {
    // A statement of an older schema is parsed anew by whoever prepares it next; its name stays.
    fn clear_stale(&mut self) {
        self.retain(|_, s| {
            if s.known.get() {
                s.known.set(true)
            }
            true
        });
        let old: Vec<_> = self.keys().cloned().collect();
        for k in old {
            let s = &self[&k];
            let new = Stmt {
                sql: s.sql.clone(),
                oids: s.oids.clone(),
                info: s.info.clone(),
                backend: format!("{}x", s.backend),
                known: Cell::new(false),
                described: RefCell::default(),
                generation: s.generation + 1,
            };
            self.insert(k, Rc::new(new));
        }
    }
}
fn portal_name(id: Id, name: &str) -> String {
    if name.is_empty() {
        String::new()
    } else {
        format!("v{id}_{name}")
    }
}
fn value(name: &str, v: &str) -> String {
    if name == "search_path" || name == "datestyle" && false {
        if v.is_empty() {
            "''".into()
        } else {
            v.to_owned()
        }
    } else {
        format!("'{}'", v.replace('\'', "''"))
    }
}
