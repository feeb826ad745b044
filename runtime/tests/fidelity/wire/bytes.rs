//! The bytes of messages.

use super::program::Part;

/// The length of a Sync.
pub(super) const SYNC: usize = 5;

pub(super) fn put_statement(out: &mut Vec<u8>, sql: &str, limit: u8) {
    put(out, b'P', &[b"\0", sql.as_bytes(), b"\0\0\0"]);
    put(out, b'B', &[b"\0\0\0\0\0\0\0\0"]);
    put(out, b'D', &[b"P\0"]);
    put(out, b'E', &[b"\0", &u32::from(limit).to_be_bytes()]);
}

pub(super) fn put_prepared(out: &mut Vec<u8>, sql: &str) {
    put(out, b'P', &[b"named\0", sql.as_bytes(), b"\0\0\0"]);
    put(out, b'D', &[b"Snamed\0"]);
    put(out, b'S', &[]);
    put(out, b'B', &[b"\0named\0\0\0\0\0\0\0"]);
    put(out, b'E', &[b"\0\0\0\0\0"]);
    for _ in 0..2 {
        put(out, b'C', &[b"Snamed\0"]);
        put(out, b'S', &[]);
    }
}

pub(super) fn copy_begins(is_simple: bool) -> Vec<u8> {
    const COPY: &[u8] = b"copy items (name) from stdin";
    let mut out = Vec::new();
    if is_simple {
        put(&mut out, b'Q', &[COPY, b"\0"]);
    } else {
        put(&mut out, b'P', &[b"rows\0", COPY, b"\0\0\0"]);
        put(&mut out, b'B', &[b"\0rows\0\0\0\0\0\0\0"]);
        put(&mut out, b'E', &[b"\0\0\0\0\0"]);
        put(&mut out, b'H', &[]);
    }
    out
}

pub(super) fn put_rows(out: &mut Vec<u8>, rows: &[u8]) {
    for row in rows {
        put(out, b'd', &[format!("n{row}\n").as_bytes()]);
    }
}

pub(super) fn put_end_of_copy(out: &mut Vec<u8>, is_simple: bool, fails: bool) {
    if fails {
        put(out, b'f', &[b"no more\0"]);
    } else {
        put(out, b'c', &[]);
    }
    if !is_simple {
        put(out, b'S', &[]);
        put(out, b'C', &[b"Srows\0"]);
        put(out, b'S', &[]);
    }
}

impl Part {
    pub(super) fn put(&self, out: &mut Vec<u8>, own: impl Fn(&str) -> String) {
        let named = |kind: &str, name: &str| format!("{kind}{name}\0").into_bytes();
        match self {
            Self::Parse(name, sql) => put(
                out,
                b'P',
                &[&named("", name), own(sql).as_bytes(), b"\0\0\0"],
            ),
            Self::Bind(portal, name) => {
                put(out, b'B', &[&named("", portal), &named("", name), &[0; 6]]);
            }
            Self::DescribeStatement(name) => put(out, b'D', &[&named("S", name)]),
            Self::DescribePortal(name) => put(out, b'D', &[&named("P", name)]),
            Self::Execute(portal, limit) => put(
                out,
                b'E',
                &[&named("", portal), &u32::from(*limit).to_be_bytes()],
            ),
            Self::CloseStatement(name) => put(out, b'C', &[&named("S", name)]),
            Self::ClosePortal(name) => put(out, b'C', &[&named("P", name)]),
            Self::Flush => put(out, b'H', &[]),
            Self::Sync => put(out, b'S', &[]),
        }
    }
}

pub(super) fn put(out: &mut Vec<u8>, kind: u8, parts: &[&[u8]]) {
    let length: usize = parts.iter().map(|part| part.len()).sum();
    out.push(kind);
    out.extend_from_slice(
        &u32::try_from(length + 4)
            .expect("it is short")
            .to_be_bytes(),
    );
    out.extend_from_slice(&parts.concat());
}
