//! What a startup message says.

use super::protocol::Body;

/// The parameters of a startup message, those of `options` among them.
pub(super) fn parameters(body: &[u8]) -> Vec<(String, String)> {
    let (mut body, mut found) = (Body(body), Vec::new());
    while let Some(name) = body.text().filter(|name| !name.is_empty()) {
        let Some(value) = body.text() else { break };
        let name = name.to_ascii_lowercase();
        if name == "options" {
            found.extend(options(value));
        }
        found.push((name, value.to_owned()));
    }
    found
}

/// `-c name=value` and `--name=value`; a backslash protects a blank.
fn options(text: &str) -> Vec<(String, String)> {
    let (mut words, mut word, mut escaped) = (Vec::new(), String::new(), false);
    for character in text.chars() {
        match character {
            '\\' if !escaped => escaped = true,
            blank if blank.is_whitespace() && !escaped => words.push(std::mem::take(&mut word)),
            other => {
                word.push(other);
                escaped = false;
            }
        }
    }
    words.push(word);
    let (mut found, mut is_setting) = (Vec::new(), false);
    for word in words.iter().filter(|word| !word.is_empty()) {
        let setting = match (word.strip_prefix("-c"), word.strip_prefix("--")) {
            (Some(""), _) => {
                is_setting = true;
                continue;
            }
            (Some(rest), _) | (_, Some(rest)) => Some(rest),
            _ => is_setting.then_some(word.as_str()),
        };
        is_setting = false;
        if let Some((name, value)) = setting.and_then(|setting| setting.split_once('=')) {
            found.push((
                name.replace('-', "_").to_ascii_lowercase(),
                value.to_owned(),
            ));
        }
    }
    found
}

/// The role and the database of a startup message. The database is named like the role if it is
/// left out.
pub(super) fn names(asked: &[(String, String)]) -> (Option<&str>, Option<&str>) {
    let value = |name: &str| {
        let mut values = asked.iter().filter(|(known, _)| known == name);
        values.next_back().map(|(_, value)| value.as_str())
    };
    let role = value("user");
    let database = value("database").filter(|database| !database.is_empty());
    (role, database.or(role))
}

#[cfg(test)]
mod tests {
    use super::options;

    #[test]
    fn settings_are_found_in_options() {
        let found = options("-c statement_timeout=5s -csearch_path=a,\\ b --work-mem=4MB -x");
        let found: Vec<_> = found
            .iter()
            .map(|(name, value)| (name.as_str(), value.as_str()))
            .collect();
        assert_eq!(
            found,
            [
                ("statement_timeout", "5s"),
                ("search_path", "a, b"),
                ("work_mem", "4MB")
            ]
        );
    }
}
