//! Reading the body of a message.

/// What is left of a body.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Body<'a>(pub(crate) &'a [u8]);

impl<'a> Body<'a> {
    pub(crate) fn take(&mut self, count: usize) -> Option<&'a [u8]> {
        let (taken, rest) = self.0.split_at_checked(count)?;
        self.0 = rest;
        Some(taken)
    }

    pub(crate) fn u8(&mut self) -> Option<u8> {
        self.take(1).map(|bytes| bytes[0])
    }

    pub(crate) fn i16(&mut self) -> Option<i16> {
        self.take(2).map(|b| i16::from_be_bytes([b[0], b[1]]))
    }

    pub(crate) fn i32(&mut self) -> Option<i32> {
        self.u32().map(u32::cast_signed)
    }

    pub(crate) fn u32(&mut self) -> Option<u32> {
        let bytes = self.take(4)?;
        Some(u32::from_be_bytes([bytes[0], bytes[1], bytes[2], bytes[3]]))
    }

    /// A text that ends with a zero byte, which is taken as well. `None` if it is not UTF-8.
    pub(crate) fn text(&mut self) -> Option<&'a str> {
        let end = self.0.iter().position(|byte| *byte == 0)?;
        let text = std::str::from_utf8(&self.0[..end]).ok()?;
        self.0 = &self.0[end + 1..];
        Some(text)
    }

    /// A value with its length in front; the inner `None` is null.
    #[expect(clippy::option_option, reason = "the end of the message is no null")]
    pub(crate) fn value(&mut self) -> Option<Option<&'a [u8]>> {
        match usize::try_from(self.i32()?) {
            Ok(length) => self.take(length).map(Some),
            Err(_) => Some(None),
        }
    }
}

/// One field of an error or a notice.
pub(crate) fn error_field(body: &[u8], wanted: u8) -> Option<&str> {
    let mut body = Body(body);
    while let Some(kind) = body.u8().filter(|kind| *kind != 0) {
        let end = body.0.iter().position(|byte| *byte == 0)?;
        let value = body.take(end)?;
        body.u8()?;
        if kind == wanted {
            return std::str::from_utf8(value).ok();
        }
    }
    None
}

/// The columns of a row as text.
pub(crate) fn columns(body: &[u8]) -> Vec<Option<String>> {
    let mut body = Body(body);
    let count = body.i16().unwrap_or_default();
    let column = |value: Option<&[u8]>| value.map(|v| String::from_utf8_lossy(v).into_owned());
    (0..count).map_while(|_| body.value()).map(column).collect()
}

/// The number of rows in a command's tag.
pub(crate) fn rows_of(tag: &[u8]) -> Option<u64> {
    let tag = std::str::from_utf8(tag).ok()?.trim_end_matches('\0');
    tag.rsplit_once(' ')?.1.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::{columns, error_field, rows_of};

    #[test]
    fn a_field_of_an_error_is_found() {
        let body = b"SERROR\0C42P01\0Mnot there\0\0";
        assert_eq!(error_field(body, b'C'), Some("42P01"));
        assert_eq!(error_field(body, b'H'), None);
        assert_eq!(error_field(b"C42P0", b'C'), None);
    }

    #[test]
    fn the_rows_of_a_tag_are_its_last_number() {
        assert_eq!(rows_of(b"INSERT 0 3\0"), Some(3));
        assert_eq!(rows_of(b"CREATE TABLE\0"), None);
    }

    #[test]
    fn a_row_that_is_cut_off_has_fewer_columns() {
        let row = b"\0\x02\0\0\0\x01a\xff\xff\xff\xff";
        assert_eq!(columns(row), [Some("a".to_owned()), None]);
        assert_eq!(columns(&row[..7]).len(), 1);
    }
}
