//! A document as one HTML page that needs nothing else: each field in a box that a click selects whole.

use super::paper::{Block, Both, Filled, Origin, Paper};
use std::fmt::Write as _;

const STYLE: &str = "body{font:16px/1.5 system-ui,sans-serif;max-width:60rem;margin:2rem auto;padding:0 1rem;color:#1a1a1a}\
h1{margin-bottom:0}h2{margin-top:2.5rem;border-bottom:2px solid #ccc}.en{color:#555;font-weight:normal}\
.note{color:#555}.label{margin:1.2rem 0 .2rem}.from{color:#555;font-size:.85rem}\
.value{border:1px solid #888;border-radius:4px;padding:.6rem .8rem;white-space:pre-wrap;user-select:all;background:#fafafa}\
.text{white-space:pre-wrap}.missing{border:2px dashed #b00020;background:#fff4f4;user-select:none}.changed{border-left:6px solid #0a5}\
table{border-collapse:collapse;width:100%}td,th{border:1px solid #bbb;padding:.3rem .5rem;text-align:left;vertical-align:top}\
@media print{.value{border-color:#000}}";

/// Nothing is loaded and nothing runs, should a value ever stand unescaped; the page's own style is all that is left.
const POLICY: &str = "script-src 'none'; object-src 'none'; img-src 'none'; font-src 'none'; media-src 'none'; \
                      frame-src 'none'; connect-src 'none'; form-action 'none'; base-uri 'none'";

/// The page. No script: a click selects a field by style alone.
pub fn render(paper: &Paper) -> String {
    let mut out = format!(
        "<!doctype html>\n<html lang=\"da\"><head><meta charset=\"utf-8\">\
         <meta http-equiv=\"Content-Security-Policy\" content=\"{POLICY}\">\
         <title>{}</title><style>{STYLE}</style></head><body>\n<h1>{}</h1>\n<p class=\"en\" lang=\"en\">{}</p>\n<p>{} · {}</p>\n",
        escaped(&paper.title.da),
        escaped(&paper.title.da),
        escaped(&paper.title.en),
        escaped(&paper.foot),
        paper.made_words()
    );
    for block in &paper.blocks {
        let piece = match block {
            Block::Heading(level, text) => {
                let level = level.saturating_add(1).min(4);
                let (da, en) = (escaped(&text.da), escaped(&text.en));
                format!("<h{level}>{da} <span class=\"en\" lang=\"en\">{en}</span></h{level}>")
            }
            Block::Text(text) => format!("<p class=\"text\">{}</p>", escaped(text)),
            Block::Note(text) => format!(
                "<p class=\"note\">{}<br><span lang=\"en\">{}</span></p>",
                escaped(&text.da),
                escaped(&text.en)
            ),
            Block::Field(field) => filled(field),
            Block::Pairs(pairs) => {
                let row = |(label, value): &(Both, String)| {
                    format!("<tr><th>{}</th><td>{}</td></tr>", escaped(&label.line()), escaped(value))
                };
                format!("<table>{}</table>", pairs.iter().map(row).collect::<Vec<_>>().concat())
            }
            Block::Table { head, rows, .. } => {
                let row = |cells: &[String], tag: &str| {
                    let cell = |cell: &String| format!("<{tag}>{}</{tag}>", escaped(cell));
                    format!("<tr>{}</tr>", cells.iter().map(cell).collect::<Vec<_>>().concat())
                };
                let rows: Vec<String> = rows.iter().map(|cells| row(cells, "td")).collect();
                format!("<table>{}{}</table>", row(head, "th"), rows.concat())
            }
            Block::PageBreak => "<hr>".to_owned(),
        };
        // Writing to a String cannot fail.
        writeln!(out, "{piece}").unwrap_or_default();
    }
    out.push_str("</body></html>\n");
    out
}

fn filled(field: &Filled) -> String {
    let (da, en) = field.origin.names();
    let missing = if field.origin == Origin::Missing { " missing" } else { "" };
    let (changed, mark) =
        if field.changed { (" changed", " · <strong>ændret / changed</strong>") } else { ("", "") };
    format!(
        "<p class=\"label\"><strong>{}</strong> <span class=\"en\" lang=\"en\">{}</span> <span class=\"from\">{da} / {en}{mark}</span></p>\
         <div class=\"value{missing}{changed}\">{}</div>",
        escaped(&field.label.da),
        escaped(&field.label.en),
        escaped(&field.value)
    )
}

/// Text as it may stand in an element or an attribute.
fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            _ => out.push(c),
        }
    }
    out
}
