//! A statement as it is printed: without secrets and control characters.

use super::{
    statement::{CUT, Statement},
    value,
};
use crate::observe::{
    masking::{MASK, Secrets, masked, masked_sql, secrets},
    printable::on_one_line,
};

/// The shortest value that is masked in the server's messages, in characters.
const RECOGNIZED: usize = 4;

/// What is printed of a statement.
pub(crate) struct Shown {
    /// On one line, after the name of a database that is not the test's first one.
    pub(crate) sql: String,
    /// As literals.
    pub(crate) parameters: Vec<String>,
    /// The error's code and message.
    pub(crate) error: Option<String>,
    pub(crate) detail: Option<String>,
}

impl Shown {
    pub(crate) fn of(statement: &Statement) -> Self {
        let sent = statement.sent();
        let secrets = secrets(sent, statement.dialect, !sent.ends_with(CUT));
        let message = |text: &String| {
            let text = without_values(text, statement, &secrets);
            on_one_line(&masked(&text)).into_owned()
        };
        let error = statement.error.as_ref();
        Self {
            sql: match statement.database {
                Some(database) => {
                    format!("[{database}] {}", on_one_line(&masked_sql(sent, &secrets)))
                }
                None => on_one_line(&masked_sql(sent, &secrets)).into_owned(),
            },
            parameters: parameters(statement, &secrets),
            error: error.map(|error| format!("{}: {}", error.code, message(&error.message))),
            detail: error.and_then(|error| error.detail.as_ref()).map(message),
        }
    }
}

fn parameters(statement: &Statement, secrets: &Secrets) -> Vec<String> {
    let numbered = statement.parameters.iter().zip(1..);
    let shown = numbered.map(|(parameter, number)| match parameter.value {
        Some(_) if secrets.has_parameter(number) => MASK.to_owned(),
        _ => value::literal(parameter),
    });
    shown.collect()
}

/// A message of the server, which may quote a value.
fn without_values(message: &str, statement: &Statement, secrets: &Secrets) -> String {
    let mut message = message.to_owned();
    for (parameter, number) in statement.parameters.iter().zip(1..) {
        let value = parameter.value.as_deref().unwrap_or_default();
        let text = str::from_utf8(value).unwrap_or_default();
        if secrets.has_parameter(number) && text.len() >= RECOGNIZED {
            message = message.replace(text, MASK);
        }
    }
    message
}

#[cfg(test)]
mod tests {
    use crate::observe::recording::{Parameter, ServerError, Shown, Statement};

    /// What is printed of a statement with parameters that are texts.
    fn shown(sql: &str, parameters: &[&str], message: &str) -> Shown {
        let mut statement = Statement::new(sql.into());
        let parameters = parameters.iter().map(|text| Parameter {
            type_id: 25,
            is_binary: true,
            value: Some(text.as_bytes().to_vec()),
            length: text.len(),
        });
        statement.parameters = parameters.collect();
        statement.error = Some(ServerError {
            code: "22023".to_owned(),
            message: message.to_owned(),
            detail: None,
        });
        Shown::of(&statement)
    }

    #[test]
    fn secrets_are_left_out_of_parameters_and_messages() {
        let sql = "select id -- by token\nfrom sessions where token = $1 and name = $2";
        let shown = shown(sql, &["sesame", "ada"], "`sesame` of ada is bad");
        assert_eq!(shown.parameters, ["***", "'ada'"]);
        assert_eq!(shown.error.as_deref(), Some("22023: `***` of ada is bad"));
    }

    #[test]
    fn nothing_steers_a_terminal() {
        let shown = shown(
            "select '\x1b[2J', $1",
            &["a\x1b\r\nb'\\"],
            "bad\x07\nrun again  rm",
        );
        assert_eq!(shown.sql, "select '\\u{1b}[2J', $1");
        assert_eq!(shown.parameters, [r"e'a\u{1b}\r\nb''\\'"]);
        assert_eq!(
            shown.error.as_deref(),
            Some("22023: bad\\u{7}\\nrun again  rm")
        );
    }
}
