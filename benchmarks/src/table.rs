//! A Markdown table that is filled row by row.

/// Prints a heading, a sentence on what was measured, and the table.
pub(crate) fn print(title: &str, about: &str, header: &[&str], rows: &[Vec<String>]) {
    println!("\n### {title}\n\n{about}\n");
    println!("| {} |", header.join(" | "));
    println!("|{}", " --- |".repeat(header.len()));
    for row in rows {
        println!("| {} |", row.join(" | "));
    }
}
