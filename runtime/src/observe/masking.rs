//! Leaving secrets out of what is printed: what is named like one, or looks like one.

mod clause;
mod list;
mod name;
mod sql;
#[cfg(feature = "sqlite")]
mod sqlite_token;
mod text;
mod token;

#[cfg(feature = "sqlite")]
pub(crate) use self::sqlite_token::parameters;
pub(crate) use self::{
    sql::{Secrets, secrets},
    text::masked,
    token::Dialect,
};

/// What stands for a secret.
pub(crate) const MASK: &str = "***";

/// A statement without the literals that are secrets.
pub(crate) fn masked_sql(sql: &str, secrets: &Secrets) -> String {
    if !secrets.names_any {
        return masked(sql).into_owned();
    }
    let values = secrets.values.iter().map(|range| (range, true));
    let others = secrets.others.iter().map(|range| (range, false));
    let mut ranges: Vec<_> = values.chain(others).collect();
    ranges.sort_by_key(|(range, _)| range.start);
    ranges.dedup();
    let mut text = sql.to_owned();
    for (range, is_secret) in ranges.into_iter().rev() {
        let literal = if is_secret {
            MASK.into()
        } else {
            masked(&sql[range.clone()])
        };
        text.replace_range(range.clone(), &literal);
    }
    text
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::{Dialect, masked, masked_sql, secrets};

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn any_text_can_be_masked(
            pieces in prop::collection::vec("(token|Key|select|values|://|bearer |[?:@]name|[ -~]|ö|[=:'\"\\\\$(){}\\[\\],@;]| )", 0..30),
        ) {
            let text = pieces.concat();
            masked(&text);
            masked_sql(&text, &secrets(&text, Dialect::Postgres, true));
            #[cfg(feature = "sqlite")]
            masked_sql(&text, &secrets(&text, Dialect::Sqlite, true));
        }

        #[test]
        fn a_secret_is_masked_among_other_columns(place in 0_usize..5, rows in 1_usize..4) {
            let names: Vec<_> = (0..5).map(|at| if at == place { "api_key" } else { "other" }).collect();
            let row = |row: usize| {
                let values = (0..5).map(|at| format!("${}", row * 5 + at + 1));
                format!("({})", values.collect::<Vec<_>>().join(", "))
            };
            let values: Vec<_> = (0..rows).map(row).collect();
            let sql = format!("insert into t ({}) values {}", names.join(", "), values.join(", "));
            let secrets = secrets(&sql, Dialect::Postgres, true);
            for number in 1..=rows * 5 {
                prop_assert_eq!(secrets.has_parameter(number), (number - 1) % 5 == place);
            }
        }
    }
}
