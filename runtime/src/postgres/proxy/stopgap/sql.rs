// Just enough of a lexer to split simple queries and to know transaction control.

#[derive(Clone, Debug, PartialEq)]
pub enum Control {
    Begin {
        read_only: Option<bool>,
        start: bool,
        level: Option<String>,
    },
    Commit {
        chain: bool,
    },
    Rollback {
        chain: bool,
    },
    Savepoint(String),
    Release(String),
    RollbackTo(String),
    PrepareTransaction,
    SetTransaction {
        read_only: Option<bool>,
        level: Option<String>,
    },
    Listen(String),
    Unlisten(Option<String>),
    Notify(String, String),
    DiscardAll,
    DeallocateAll,
    /// Answered as done: needs no transaction, does nothing a test sees.
    NoOp(&'static str),
}

#[derive(Clone, Debug, Default)]
pub struct Info {
    pub control: Option<Control>,
    /// (name, local, index of the Bind parameter that has the name)
    pub sets: Vec<(String, bool, Option<usize>)>,
    pub needs_block: Option<&'static str>,
    pub declares: bool,
    pub drop_on_commit: Option<(String, bool)>,
    /// What the server is told instead.
    pub rewritten: Option<String>,
    pub is_empty: bool,
    pub prepares: Option<String>,
    pub set_local: bool,
}

#[derive(Clone, Copy, PartialEq, Debug)]
pub enum Kind {
    Word,
    Quoted,
    Str,
    Param,
    Other,
}
#[derive(Clone, Copy, Debug)]
pub struct Tok {
    pub kind: Kind,
    pub from: usize,
    pub to: usize,
}

pub fn lex(sql: &str) -> Vec<Tok> {
    let b = sql.as_bytes();
    let mut toks = Vec::new();
    let mut i = 0;
    let ident = |c: u8| c.is_ascii_alphanumeric() || c == b'_' || c == b'$' || c >= 0x80;
    while i < b.len() {
        let c = b[i];
        let from = i;
        let kind = if c.is_ascii_whitespace() {
            i += 1;
            continue;
        } else if c == b'-' && b.get(i + 1) == Some(&b'-') {
            while i < b.len() && b[i] != b'\n' {
                i += 1
            }
            continue;
        } else if c == b'/' && b.get(i + 1) == Some(&b'*') {
            let mut depth = 1;
            i += 2;
            while i < b.len() && depth > 0 {
                if b[i..].starts_with(b"/*") {
                    depth += 1;
                    i += 2
                } else if b[i..].starts_with(b"*/") {
                    depth -= 1;
                    i += 2
                } else {
                    i += 1
                }
            }
            continue;
        } else if c == b'\'' || ((c == b'e' || c == b'E') && b.get(i + 1) == Some(&b'\'')) {
            let escapes = c != b'\'';
            i += if escapes { 2 } else { 1 };
            while i < b.len() {
                if escapes && b[i] == b'\\' {
                    i += 2;
                    continue;
                }
                if b[i] == b'\'' {
                    if b.get(i + 1) == Some(&b'\'') {
                        i += 2;
                        continue;
                    }
                    break;
                }
                i += 1;
            }
            i = (i + 1).min(b.len());
            Kind::Str
        } else if c == b'"' {
            i += 1;
            while i < b.len() {
                if b[i] == b'"' {
                    if b.get(i + 1) == Some(&b'"') {
                        i += 2;
                        continue;
                    }
                    break;
                }
                i += 1
            }
            i = (i + 1).min(b.len());
            Kind::Quoted
        } else if c == b'$' && b.get(i + 1).is_some_and(u8::is_ascii_digit) {
            i += 1;
            while i < b.len() && b[i].is_ascii_digit() {
                i += 1
            }
            Kind::Param
        } else if c == b'$' {
            let mut j = i + 1;
            while j < b.len() && (b[j].is_ascii_alphanumeric() || b[j] == b'_' || b[j] >= 0x80) {
                j += 1
            }
            if b.get(j) == Some(&b'$') {
                let tag = &sql[i..=j];
                i = sql[j + 1..]
                    .find(tag)
                    .map_or(b.len(), |at| j + 1 + at + tag.len());
                Kind::Str
            } else {
                i += 1;
                Kind::Other
            }
        } else if c.is_ascii_alphabetic() || c == b'_' || c >= 0x80 {
            while i < b.len() && ident(b[i]) {
                i += 1
            }
            Kind::Word
        } else if c.is_ascii_digit() {
            while i < b.len() && (b[i].is_ascii_alphanumeric() || b[i] == b'.') {
                i += 1
            }
            Kind::Other
        } else {
            i += 1;
            Kind::Other
        };
        toks.push(Tok { kind, from, to: i });
    }
    toks
}

/// The statements of a simple query, without their semicolons.
pub fn split(sql: &str) -> Vec<String> {
    if !sql.trim_end().trim_end_matches(';').contains(';') {
        return vec![sql.to_owned()];
    }
    let (mut out, mut start, mut parens, mut atomic) = (Vec::new(), 0, 0, 0);
    let mut last = "";
    for t in lex(sql) {
        let text = &sql[t.from..t.to];
        match text {
            "(" => parens += 1,
            ")" => parens -= 1,
            ";" if parens == 0 && atomic == 0 => {
                out.push(sql[start..t.from].to_owned());
                start = t.to;
            }
            _ if t.kind == Kind::Word => {
                if text.eq_ignore_ascii_case("atomic") && last.eq_ignore_ascii_case("begin") {
                    atomic = 1
                } else if atomic > 0 && text.eq_ignore_ascii_case("case") {
                    atomic += 1
                } else if atomic > 0 && text.eq_ignore_ascii_case("end") {
                    atomic -= 1
                }
            }
            _ => {}
        }
        last = text;
    }
    out.push(sql[start..].to_owned());
    out.retain(|s| !lex(s).is_empty());
    if out.is_empty() {
        out.push(String::new())
    }
    out
}

fn unquote(text: &str) -> String {
    if let Some(t) = text.strip_prefix('"') {
        t.trim_end_matches('"').replace("\"\"", "\"")
    } else if let Some(t) = text.strip_prefix('\'') {
        t.trim_end_matches('\'').replace("''", "'")
    } else {
        text.to_ascii_lowercase()
    }
}

pub fn info(sql: &str, client: u32) -> Info {
    let toks = lex(sql);
    let mut info = Info::default();
    let toks: Vec<Tok> = toks
        .into_iter()
        .filter(|t| &sql[t.from..t.to] != ";")
        .collect();
    if toks.is_empty() {
        info.is_empty = true;
        return info;
    }
    let raw = |n: usize| toks.get(n).map_or("", |t: &Tok| &sql[t.from..t.to]);
    let w = |n: usize| raw(n).to_ascii_lowercase();
    let first = w(0);
    let skip = |n: usize| {
        if matches!(w(n).as_str(), "work" | "transaction") {
            n + 1
        } else {
            n
        }
    };
    let modes = |from: usize| {
        let (mut ro, mut level) = (None, None);
        for n in from..toks.len() {
            if w(n) == "read" && w(n + 1) == "only" {
                ro = Some(true)
            }
            if w(n) == "read" && w(n + 1) == "write" {
                ro = Some(false)
            }
            if w(n) == "isolation" {
                level = Some(if w(n + 2) == "serializable" {
                    "serializable".to_owned()
                } else {
                    format!("{} {}", w(n + 2), w(n + 3))
                })
            }
        }
        (ro, level)
    };
    let chain = |n: usize| w(n) == "and" && w(n + 1) == "chain";
    info.control = match first.as_str() {
        "begin" => {
            let (read_only, level) = modes(skip(1));
            Some(Control::Begin {
                read_only,
                start: false,
                level,
            })
        }
        "start" if w(1) == "transaction" => {
            let (read_only, level) = modes(2);
            Some(Control::Begin {
                read_only,
                start: true,
                level,
            })
        }
        "commit" | "end" if w(1) != "prepared" => Some(Control::Commit {
            chain: chain(skip(1)),
        }),
        "rollback" | "abort" if w(1) != "prepared" => {
            let n = skip(1);
            if w(n) == "to" {
                let n = if w(n + 1) == "savepoint" {
                    n + 2
                } else {
                    n + 1
                };
                Some(Control::RollbackTo(unquote(raw(n))))
            } else {
                Some(Control::Rollback { chain: chain(n) })
            }
        }
        "savepoint" => Some(Control::Savepoint(unquote(raw(1)))),
        "release" => Some(Control::Release(unquote(raw(if w(1) == "savepoint" {
            2
        } else {
            1
        })))),
        "prepare" if w(1) == "transaction" => Some(Control::PrepareTransaction),
        "set" if w(1) == "transaction" && w(2) != "snapshot" => {
            let (read_only, level) = modes(2);
            Some(Control::SetTransaction { read_only, level })
        }
        "listen" => Some(Control::Listen(unquote(raw(1)))),
        "unlisten" => Some(Control::Unlisten((raw(1) != "*").then(|| unquote(raw(1))))),
        "notify" => Some(Control::Notify(
            unquote(raw(1)),
            if raw(2) == "," {
                unquote(raw(3))
            } else {
                String::new()
            },
        )),
        "discard" if w(1) == "all" => Some(Control::DiscardAll),
        "deallocate" if w(1) == "all" || w(2) == "all" => Some(Control::DeallocateAll),
        "vacuum" => Some(Control::NoOp("VACUUM")),
        _ => None,
    };
    match first.as_str() {
        "lock" => info.needs_block = Some("LOCK TABLE"),
        "declare" => {
            let hold = (1..toks.len()).any(|n| w(n) == "with" && w(n + 1) == "hold");
            if !hold {
                info.needs_block = Some("DECLARE CURSOR");
                info.declares = true
            }
        }
        "set" if info.control.is_none() => {
            let (n, local) = match w(1).as_str() {
                "local" => (2, true),
                "session" if w(2) != "authorization" => (2, false),
                _ => (1, false),
            };
            let name = match w(n).as_str() {
                "time" => "timezone".to_owned(),
                "session" => "session_authorization".to_owned(),
                "constraints" | "characteristics" => String::new(),
                "names" => "client_encoding".to_owned(),
                _ => name_at(sql, &toks, n),
            };
            info.set_local = local;
            if !name.is_empty() {
                info.sets.push((name, local, None))
            }
        }
        "reset" => info.sets.push((
            if w(1) == "all" {
                "*".into()
            } else if w(1) == "session" {
                "session_authorization".into()
            } else {
                name_at(sql, &toks, 1)
            },
            false,
            None,
        )),
        "create" => {
            if let Some(n) =
                (1..toks.len().min(4)).find(|n| matches!(w(*n).as_str(), "temp" | "temporary"))
            {
                if w(n + 1) == "table" {
                    let n = if w(n + 2) == "if" { n + 5 } else { n + 2 };
                    let at = (n..toks.len()).find(|n| w(*n) == "on" && w(n + 1) == "commit");
                    if let Some(at) = at {
                        match w(at + 2).as_str() {
                            "drop" => info.drop_on_commit = Some((raw(n).into(), true)),
                            "delete" => info.drop_on_commit = Some((raw(n).into(), false)),
                            _ => {}
                        }
                    }
                }
            }
            if let Some(n) = (1..toks.len().min(5)).find(|n| w(*n) == "concurrently") {
                info.rewritten = Some(format!("{}{}", &sql[..toks[n].from], &sql[toks[n].to..]));
            }
        }
        "drop" | "reindex" | "refresh" => {
            if let Some(n) = (1..toks.len().min(5)).find(|n| w(*n) == "concurrently") {
                info.rewritten = Some(format!("{}{}", &sql[..toks[n].from], &sql[toks[n].to..]));
            }
        }
        // Statements prepared in SQL belong to their connection.
        "prepare" | "execute" if info.control.is_none() && toks.len() > 1 => {
            let t = toks[1];
            if first == "prepare" {
                info.prepares = Some(format!("v{client}_{}", unquote(raw(1))))
            }
            info.rewritten = Some(format!(
                "{}\"v{client}_{}\"{}",
                &sql[..t.from],
                unquote(raw(1)),
                &sql[t.to..]
            ));
        }
        "deallocate" if info.control.is_none() => {
            let t = toks[if w(1) == "prepare" { 2 } else { 1 }.min(toks.len() - 1)];
            info.rewritten = Some(format!(
                "{}\"v{client}_{}\"{}",
                &sql[..t.from],
                unquote(&sql[t.from..t.to]),
                &sql[t.to..]
            ));
        }
        _ => {}
    }
    for n in 0..toks.len() {
        if toks[n].kind == Kind::Word
            && raw(n).eq_ignore_ascii_case("set_config")
            && raw(n + 1) == "("
        {
            let mut end = n + 2;
            while end < toks.len() && raw(end) != ")" {
                end += 1
            }
            let local = !matches!(w(end - 1).as_str(), "false");
            match toks.get(n + 2).map(|t| t.kind) {
                Some(Kind::Str) => info.sets.push((unquote(raw(n + 2)), local, None)),
                Some(Kind::Param) => {
                    info.sets
                        .push((String::new(), local, raw(n + 2)[1..].parse().ok()))
                }
                _ => {}
            }
        }
    }
    info
}

fn name_at(sql: &str, toks: &[Tok], mut n: usize) -> String {
    let mut name = String::new();
    while let Some(t) = toks.get(n) {
        name += &unquote(&sql[t.from..t.to]);
        match toks.get(n + 1) {
            Some(d) if &sql[d.from..d.to] == "." => {
                name.push('.');
                n += 2
            }
            _ => break,
        }
    }
    name
}

#[cfg(test)]
mod tests {
    use super::*;
    #[test]
    fn splits() {
        assert_eq!(
            split("select ';'; begin; do $x$ a;b $x$ -- ;\n; commit;"),
            ["select ';'", " begin", " do $x$ a;b $x$ -- ;\n", " commit"]
        );
        assert_eq!(split("select 1;"), ["select 1;"]);
    }
    #[test]
    fn knows() {
        assert_eq!(
            info("/* x */ Rollback Work To Savepoint \"A\"", 0).control,
            Some(Control::RollbackTo("A".into()))
        );
        assert_eq!(
            info("BEGIN ISOLATION LEVEL SERIALIZABLE, READ ONLY", 0).control,
            Some(Control::Begin {
                read_only: Some(true),
                start: false,
                level: Some("serializable".into())
            })
        );
        assert_eq!(
            info("select set_config('app.x', $1, true)", 0).sets,
            [("app.x".to_owned(), true, None)]
        );
        assert_eq!(
            info("set local app.tenant = '7'", 0).sets,
            [("app.tenant".to_owned(), true, None)]
        );
        assert_eq!(
            info("prepare p as select 1", 3).rewritten.as_deref(),
            Some("prepare \"v3_p\" as select 1")
        );
    }
}
