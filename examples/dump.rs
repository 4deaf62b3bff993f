//! x
#![allow(missing_docs, clippy::all, clippy::pedantic, clippy::unwrap_used, clippy::indexing_slicing)]
#[path = "../benches/made/mod.rs"]
mod made;
use made::*;
fn main() {
    let a: Vec<String> = std::env::args().collect();
    let m = match a[1].as_str() {
        "text" => mail(PLAIN, Wrap::Eight, prose(200_000, 6).as_bytes()),
        "html" => mail(HTML, Wrap::Eight, html(200_000, 2).as_bytes()),
        _ => mail(CSV, Wrap::Eight, csv(200_000, false, 4).as_bytes()),
    };
    std::fs::write(&a[2], m).unwrap();
}
