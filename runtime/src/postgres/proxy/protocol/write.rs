//! Writing messages.

/// The kind of a message.
pub(crate) type MessageKind = u8;

/// A message whose body is written by `body`.
pub(crate) fn message(out: &mut Vec<u8>, kind: MessageKind, body: impl FnOnce(&mut Vec<u8>)) {
    out.push(kind);
    let at = out.len();
    out.extend_from_slice(&[0; 4]);
    body(out);
    let length = u32::try_from(out.len() - at).unwrap_or(u32::MAX);
    out[at..at + 4].copy_from_slice(&length.to_be_bytes());
}

pub(crate) fn text(out: &mut Vec<u8>, text: &str) {
    out.extend_from_slice(text.as_bytes());
    out.push(0);
}

pub(crate) fn query(out: &mut Vec<u8>, sql: &str) {
    message(out, b'Q', |out| text(out, sql));
}

pub(crate) fn command_complete(out: &mut Vec<u8>, tag: &str) {
    message(out, b'C', |out| text(out, tag));
}

pub(crate) fn ready(out: &mut Vec<u8>, status: u8) {
    message(out, b'Z', |out| out.push(status));
}

pub(crate) fn parameter_status(out: &mut Vec<u8>, name: &str, value: &str) {
    message(out, b'S', |out| {
        text(out, name);
        text(out, value);
    });
}

pub(crate) fn notification(out: &mut Vec<u8>, sender: u32, channel: &str, payload: &str) {
    message(out, b'A', |out| {
        out.extend_from_slice(&sender.to_be_bytes());
        text(out, channel);
        text(out, payload);
    });
}

/// A message that begins with the name of a statement or portal: `prefix` is its kind, if it has
/// one.
pub(crate) fn with_name(
    out: &mut Vec<u8>,
    kind: MessageKind,
    prefix: &[u8],
    name: &str,
    rest: &[u8],
) {
    message(out, kind, |out| {
        out.extend_from_slice(prefix);
        text(out, name);
        out.extend_from_slice(rest);
    });
}

/// A Bind of a portal to a statement; `rest` are its formats and values.
pub(crate) fn bind_head(out: &mut Vec<u8>, portal: &str, statement: &str, rest: &[u8]) {
    message(out, b'B', |out| {
        text(out, portal);
        text(out, statement);
        out.extend_from_slice(rest);
    });
}

/// A statement without parameters and rows, without a Sync.
pub(crate) fn execute_unnamed(out: &mut Vec<u8>, sql: &str) {
    message(out, b'P', |out| {
        out.push(0);
        text(out, sql);
        out.extend_from_slice(&[0, 0]);
    });
    message(out, b'B', |out| out.extend_from_slice(&[0; 8]));
    message(out, b'E', |out| out.extend_from_slice(&[0; 5]));
}

/// What an error or a notice says.
#[derive(Clone, Copy, Debug)]
pub(crate) struct ErrorFields<'a> {
    pub(crate) severity: &'a str,
    pub(crate) code: &'a str,
    pub(crate) message: &'a str,
    pub(crate) detail: Option<&'a str>,
    pub(crate) hint: Option<&'a str>,
}

impl<'a> ErrorFields<'a> {
    pub(crate) fn new(severity: &'a str, code: &'a str, message: &'a str) -> Self {
        Self {
            severity,
            code,
            message,
            detail: None,
            hint: None,
        }
    }

    fn write(self, out: &mut Vec<u8>) {
        let fields = [
            (b'S', Some(self.severity)),
            (b'V', Some(self.severity)),
            (b'C', Some(self.code)),
            (b'M', Some(self.message)),
            (b'D', self.detail),
            (b'H', self.hint),
        ];
        for (kind, value) in fields {
            if let Some(value) = value {
                out.push(kind);
                text(out, value);
            }
        }
        out.push(0);
    }
}

pub(crate) fn error(out: &mut Vec<u8>, fields: ErrorFields<'_>) {
    message(out, b'E', |out| fields.write(out));
}

pub(crate) fn notice(out: &mut Vec<u8>, fields: ErrorFields<'_>) {
    message(out, b'N', |out| fields.write(out));
}
