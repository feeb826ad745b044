//! The compiler's output without the parts that differ between machines, or that change with
//! unrelated lines.

/// Parts of the compiler's closing lines.
const SUMS: [&str; 5] = [
    "aborting due to",
    "For more information about this error",
    "Some errors have detailed explanations",
    "warning emitted",
    "warnings emitted",
];

/// The errors and warnings. Of a place outside of the case only the file is kept, without line
/// numbers.
pub(crate) fn form(text: &str) -> String {
    let blocks = text.split("\n\n").map(str::trim_end);
    let blocks = blocks
        .filter(|block| !block.trim().is_empty() && !SUMS.iter().any(|sum| block.contains(sum)));
    let blocks: Vec<_> = blocks.map(block).collect();
    blocks.join("\n\n") + "\n"
}

fn block(text: &str) -> String {
    let mut is_elsewhere = false;
    let lines = text.lines().map(|line| {
        let Some((_, place)) = line.split_once("--> ") else {
            is_elsewhere &= !line.starts_with(char::is_alphabetic);
            let gutter = line.trim_start_matches(|c: char| c == ' ' || c.is_ascii_digit());
            return match gutter.strip_prefix('|') {
                Some(code) if is_elsewhere => format!("    |{code}"),
                _ if is_elsewhere && gutter == "..." => "...".to_owned(),
                _ => line.to_owned(),
            };
        };
        is_elsewhere = !place.starts_with("tests/ui/");
        if !is_elsewhere {
            return line.to_owned();
        }
        let file = place.split(':').next().unwrap_or_default();
        let file = match file.rsplit_once("/runtime/src/") {
            Some((_, file)) => format!("runtime/src/{file}"),
            None => file.to_owned(),
        };
        format!("   --> {file}")
    });
    lines.collect::<Vec<_>>().join("\n")
}
