//! The end of a connection that is refused.

/// `ErrorResponse` that ends a connection.
pub(crate) fn error_response(code: &str, message: &str) -> Vec<u8> {
    let fields = format!("SFATAL\0VFATAL\0C{code}\0M{message}\0\0");
    let length = u32::try_from(fields.len() + 4).unwrap_or(u32::MAX);
    [b"E".as_slice(), &length.to_be_bytes(), fields.as_bytes()].concat()
}

#[cfg(test)]
mod tests {
    use super::error_response;

    #[test]
    fn a_refusal_has_the_length_it_claims() {
        let message = error_response("08004", "no");
        let claimed = u32::from_be_bytes(message[1..5].try_into().expect("four bytes"));
        assert_eq!(
            message.len(),
            1 + usize::try_from(claimed).expect("it is small")
        );
    }
}
