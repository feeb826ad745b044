// Messages.
pub fn put(out: &mut Vec<u8>, kind: u8, body: &[u8]) {
    out.push(kind);
    out.extend_from_slice(&(body.len() as u32 + 4).to_be_bytes());
    out.extend_from_slice(body);
}
pub fn text(out: &mut Vec<u8>, kind: u8, s: &str) {
    out.push(kind);
    out.extend_from_slice(&(s.len() as u32 + 5).to_be_bytes());
    out.extend_from_slice(s.as_bytes());
    out.push(0);
}
pub fn query(out: &mut Vec<u8>, sql: &str) {
    text(out, b'Q', sql)
}
pub fn tag(out: &mut Vec<u8>, t: &str) {
    text(out, b'C', t)
}
pub fn ready(out: &mut Vec<u8>, status: u8) {
    put(out, b'Z', &[status])
}
fn fields(severity: &str, code: &str, message: &str) -> Vec<u8> {
    let mut b = Vec::new();
    for (k, v) in [
        (b'S', severity),
        (b'V', severity),
        (b'C', code),
        (b'M', message),
    ] {
        b.push(k);
        b.extend_from_slice(v.as_bytes());
        b.push(0)
    }
    b.push(0);
    b
}
pub fn error(out: &mut Vec<u8>, severity: &str, code: &str, message: &str) {
    put(out, b'E', &fields(severity, code, message))
}
pub fn warning(out: &mut Vec<u8>, code: &str, message: &str) {
    put(out, b'N', &fields("WARNING", code, message))
}
/// One field of an error or notice.
pub fn field(body: &[u8], wanted: u8) -> Option<&str> {
    let mut rest = body;
    while let Some((&k, tail)) = rest.split_first() {
        if k == 0 {
            return None;
        }
        let end = tail.iter().position(|b| *b == 0)?;
        if k == wanted {
            return std::str::from_utf8(&tail[..end]).ok();
        }
        rest = &tail[end + 1..];
    }
    None
}
/// Takes a zero-terminated string off the front.
pub fn cstr<'a>(rest: &mut &'a [u8]) -> &'a str {
    let end = rest.iter().position(|b| *b == 0).unwrap_or(rest.len());
    let s = std::str::from_utf8(&rest[..end]).unwrap_or("");
    *rest = &rest[(end + 1).min(rest.len())..];
    s
}
pub fn columns(body: &[u8]) -> Vec<Option<String>> {
    let n = i16::from_be_bytes([body[0], body[1]]);
    let (mut at, mut out) = (2, Vec::new());
    for _ in 0..n {
        let len = i32::from_be_bytes(body[at..at + 4].try_into().unwrap());
        at += 4;
        if len < 0 {
            out.push(None);
            continue;
        }
        out.push(Some(
            String::from_utf8_lossy(&body[at..at + len as usize]).into_owned(),
        ));
        at += len as usize;
    }
    out
}
/// The text parameters of a Bind, after its two names.
pub fn parameter(mut rest: &[u8], index: usize) -> Option<String> {
    let i16_ = |r: &mut &[u8]| -> Option<i16> {
        let v = i16::from_be_bytes(r.get(..2)?.try_into().ok()?);
        *r = &r[2..];
        Some(v)
    };
    let formats = i16_(&mut rest)?;
    rest = rest.get(2 * formats as usize..)?;
    let count = i16_(&mut rest)?;
    for n in 1..=count {
        let len = i32::from_be_bytes(rest.get(..4)?.try_into().ok()?);
        rest = &rest[4..];
        let len = len.max(0) as usize;
        if n as usize == index {
            return String::from_utf8(rest.get(..len)?.to_vec()).ok();
        }
        rest = rest.get(len..)?;
    }
    None
}
