//! A terminal's text as a picture.

use std::fmt::Write;

/// Pixels of a character and of a line, at a font size of 13.
const CHARACTER: usize = 8;
const LINE: usize = 19;
const MARGIN: usize = 20;

/// The picture, as SVG.
pub(crate) fn of(printed: &str) -> String {
    let lines: Vec<_> = ["$ cargo test", ""]
        .into_iter()
        .chain(printed.lines())
        .collect();
    let columns = lines.iter().map(|line| line.chars().count()).max();
    let width = columns.unwrap_or(0) * CHARACTER + 2 * MARGIN;
    let height = lines.len() * LINE + 2 * MARGIN;
    let mut picture = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {width} {height}\" width=\"{width}\" height=\"{height}\">\n\
         <style>\n\
         text {{ font: 13px ui-monospace, Menlo, Consolas, 'DejaVu Sans Mono', monospace; white-space: pre; fill: #c9d1d9 }}\n\
         .title {{ font-weight: bold; fill: #f0f6fc }} .bad {{ fill: #ff7b72 }} .good {{ fill: #7ee787 }} .value {{ fill: #8b949e }}\n\
         </style>\n\
         <rect width=\"{width}\" height=\"{height}\" rx=\"10\" fill=\"#0d1117\"/>\n"
    );
    for (number, line) in lines.iter().enumerate() {
        let y = MARGIN + number * LINE + 13;
        let (class, text) = (class(line), escaped(line));
        writeln!(
            picture,
            "<text x=\"{MARGIN}\" y=\"{y}\" class=\"{class}\" xml:space=\"preserve\">{text}</text>"
        )
        .expect("a string takes everything");
    }
    picture + "</svg>\n"
}

fn class(line: &str) -> &'static str {
    let content = line.trim_start();
    if line.starts_with("──") || line.starts_with('$') {
        "title"
    } else if content.starts_with("error ") || line.contains("→ 4") || line.contains("→ 5") {
        "bad"
    } else if line.contains("→ 2") || content.starts_with("sandbox") {
        "good"
    } else if content.starts_with('$') || content.starts_with("detail:") {
        "value"
    } else {
        "plain"
    }
}

fn escaped(line: &str) -> String {
    line.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
}
