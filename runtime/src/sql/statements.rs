//! The statements of a script.

use super::{Token, TokenKind};

/// The statements of a simple query by their places, without semicolons; empty ones are left out.
pub(crate) fn statements(sql: &str, tokens: &[Token]) -> Vec<(usize, usize)> {
    let (mut found, mut start, mut is_empty) = (Vec::new(), 0, true);
    let (mut parentheses, mut atomic, mut last) = (0_usize, 0_usize, "");
    for token in tokens {
        let text = &sql[token.from..token.to];
        let is = |word: &str| token.kind == TokenKind::Word && text.eq_ignore_ascii_case(word);
        match text {
            ";" if parentheses == 0 && atomic == 0 => {
                if !is_empty {
                    found.push((start, token.from));
                }
                (start, is_empty) = (token.to, true);
                continue;
            }
            "(" => parentheses += 1,
            ")" => parentheses = parentheses.saturating_sub(1),
            // The body of a function in SQL's own form has semicolons of its own.
            _ if is("atomic") && last.eq_ignore_ascii_case("begin") => atomic = 1,
            _ if atomic > 0 && is("case") => atomic += 1,
            _ if atomic > 0 && is("end") => atomic -= 1,
            _ => {}
        }
        (last, is_empty) = (text, false);
    }
    if !is_empty {
        found.push((start, sql.len()));
    }
    found
}

#[cfg(test)]
mod tests {
    use super::statements;
    use crate::sql::tokens;

    fn split(sql: &str) -> Vec<&str> {
        let places = statements(sql, &tokens(sql, false));
        places
            .iter()
            .map(|(from, to)| sql[*from..*to].trim())
            .collect()
    }

    #[test]
    fn semicolons_in_quotes_and_comments_end_nothing() {
        assert_eq!(
            split("select ';', E'\\';'; /* ; /* ; */ ; */ begin; do $x$ a;b $x$ -- ;\n; commit;"),
            [
                "select ';', E'\\';'",
                "/* ; /* ; */ ; */ begin",
                "do $x$ a;b $x$ -- ;",
                "commit"
            ]
        );
    }

    #[test]
    fn a_body_in_the_form_of_sql_is_part_of_its_statement() {
        let sql = "create function f() returns int begin atomic select case when true then 1 end; end; select 1";
        assert_eq!(split(sql).len(), 2);
    }

    #[test]
    fn a_semicolon_in_quotes_ends_nothing() {
        let sql = "a 'x;''y;'; b \"x;\"; c $$x;$$; d $_b$;$$;$_b$; e E'\\';'; f '\\'; g a$b; h";
        let firsts: Vec<_> = split(sql).into_iter().map(|part| &part[..1]).collect();
        assert_eq!(firsts, ["a", "b", "c", "d", "e", "f", "g", "h"]);
    }

    #[test]
    fn nothing_but_blanks_is_no_statement() {
        assert!(split(" ; -- x\n ;").is_empty());
    }
}
