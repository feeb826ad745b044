//! The collation of a session's databases, where it names one.

use sqlx::PgConnection;

use super::Template;
use crate::postgres::cause::Cause;

/// From PostgreSQL 15 on, the default collation of a database can be one of ICU.
const DATABASES_HAVE_ICU: u32 = 150_000;

/// The names of the collations of one provider: all that ICU (`en-US-x-icu`) or the C library
/// (`en_US.utf8`) had when the cluster was initialized. One of ICU's, `unicode`, is there without
/// ICU.
const COLLATIONS: &str = "select collname::text from pg_collation where collprovider = $1::\"char\" and collname <> 'unicode'";

/// What is added to `create database` for the session's locale.
///
/// PostgreSQL accepts any text as an ICU locale, and takes an unknown language for the root locale.
pub(super) async fn clause(
    template: &Template,
    maintenance: &mut PgConnection,
) -> Result<String, Cause> {
    let Some(tag) = &template.content.locale else {
        return Ok(String::new());
    };
    let bad = |problem: String| Cause::BadLocale {
        tag: tag.clone(),
        server: template.server.to_string(),
        problem,
    };
    check_form(tag).map_err(bad)?;
    let has_icu = maintenance.server_version_num() >= Some(DATABASES_HAVE_ICU);
    let provider = if has_icu { "i" } else { "c" };
    let names: Vec<String> = sqlx::query_scalar(COLLATIONS)
        .bind(provider)
        .fetch_all(maintenance)
        .await
        .map_err(|error| {
            template
                .server
                .statement_failed("list the collations", error)
        })?;
    if has_icu {
        icu(tag, &names)
    } else {
        libc(tag, &names)
    }
    .map_err(bad)
}

/// Whether it is a language tag, as in BCP 47.
fn check_form(tag: &str) -> Result<(), String> {
    let plain = |part: &str| {
        (1..=8).contains(&part.len()) && part.chars().all(|c| c.is_ascii_alphanumeric())
    };
    let language = language(tag);
    let letters = language.chars().all(|c| c.is_ascii_alphabetic());
    if tag.split('-').all(plain) && (2..=8).contains(&language.len()) && letters {
        return Ok(());
    }
    let tag = tag.split(['.', '@']).next().unwrap_or_default();
    let nearest = tag.replace('_', "-");
    let nearest = if nearest.contains('-') {
        &nearest
    } else {
        "en-US"
    };
    Err(format!("write a language tag, as in `{nearest}`"))
}

fn language(tag: &str) -> &str {
    tag.split('-').next().unwrap_or_default()
}

fn icu(tag: &str, names: &[String]) -> Result<String, String> {
    if names.is_empty() {
        return Err(
            "it was built without ICU; use another build, or leave the locale out".to_owned(),
        );
    }
    if !names
        .iter()
        .any(|name| language(name).eq_ignore_ascii_case(language(tag)))
    {
        return Err(format!("its ICU knows no language `{}`", language(tag)));
    }
    Ok(format!(
        " template template0 encoding 'UTF8' locale_provider icu icu_locale '{tag}'"
    ))
}

fn libc(tag: &str, names: &[String]) -> Result<String, String> {
    let wanted = format!("{}.utf8", tag.replace('-', "_"));
    let same = |name: &&String| name.replace("UTF-8", "utf8").eq_ignore_ascii_case(&wanted);
    let Some(name) = names.iter().find(same) else {
        return Err(format!(
            "before PostgreSQL 15 a database cannot have a collation of ICU, and its C library has no `{wanted}`"
        ));
    };
    Ok(format!(
        " template template0 encoding 'UTF8' lc_collate '{name}' lc_ctype '{name}'"
    ))
}

#[cfg(test)]
mod tests {
    use super::{check_form, icu, libc};

    fn names(names: &[&str]) -> Vec<String> {
        names.iter().map(|name| (*name).to_owned()).collect()
    }

    #[test]
    fn a_name_of_the_c_library_is_answered_with_a_tag() {
        for (name, tag) in [
            ("en_US.UTF-8", "`en-US`"),
            ("de_DE@euro", "`de-DE`"),
            ("C", "`en-US`"),
            ("", "`en-US`"),
            ("x'; drop", "`en-US`"),
        ] {
            let problem = check_form(name).expect_err(name);
            assert!(problem.contains(tag), "{name}: {problem}");
        }
        for tag in ["en-US", "de", "und", "sr-Latn-RS", "en-US-u-kn-true"] {
            assert_eq!(check_form(tag), Ok(()), "{tag}");
        }
    }

    #[test]
    fn a_language_that_icu_does_not_know_is_not_taken_for_the_root_s() {
        let names = names(&["en-x-icu", "en-US-x-icu", "und-x-icu"]);
        assert!(icu("en-US-u-kn-true", &names).is_ok());
        let problem = icu("xx-US", &names).expect_err("it is unknown");
        assert!(problem.contains("no language `xx`"), "{problem}");
        let problem = icu("en-US", &[]).expect_err("there is no ICU");
        assert!(problem.contains("built without ICU"), "{problem}");
    }

    #[test]
    fn before_icu_the_c_library_s_locale_of_that_name_is_taken() {
        for name in ["en_US.utf8", "en_US.UTF-8"] {
            let clause = libc("en-US", &names(&["C", name])).expect("it is there");
            assert!(clause.contains(&format!("lc_collate '{name}'")), "{clause}");
        }
        let problem = libc("en-US", &names(&["C"])).expect_err("it is not there");
        assert!(problem.contains("no `en_US.utf8`"), "{problem}");
    }
}
