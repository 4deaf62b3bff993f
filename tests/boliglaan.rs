//! `cargo run --example boliglaan -- FOLDER [MAILS]`: lays the made-up Boliglån archive down in a folder, as an mbox, a Maildir
//! and a tree of .eml files with some mails in two of them, a configuration with 74 municipalities, and the true counts.

#![allow(
    clippy::print_stdout,
    clippy::format_push_string,
    clippy::indexing_slicing,
    dead_code,
    reason = "a tool of the tests, which use more of it"
)]

#[path = "support/boliglaan/mod.rs"]
mod boliglaan;

use boliglaan::{Archive, Shape, Truth, cvr, domain, forms, name};
use std::io::Write;
use std::path::PathBuf;

fn main() -> std::io::Result<()> {
    let mut arguments = std::env::args().skip(1);
    let folder = PathBuf::from(arguments.next().ok_or_else(|| std::io::Error::other("give a folder"))?);
    let mails = arguments.next().and_then(|number| number.parse().ok()).unwrap_or(Shape::WHOLE.mails);
    let archive = Archive::new(Shape { mails, ..Shape::WHOLE });
    let mail = folder.join("mail");
    std::fs::create_dir_all(&mail)?;
    let third = |keep: [usize; 2]| archive.mails.iter().filter(move |mail| keep.contains(&(mail.number % 4)));
    forms::mbox(&mail.join("arkiv.mbox"), third([0, 1]))?;
    forms::maildir(&mail.join("Maildir"), third([1, 2]))?;
    forms::tree(&mail.join("eml"), third([2, 3]))?;
    let write = |name: &str, text: &str| std::fs::File::create(folder.join(name))?.write_all(text.as_bytes());
    write("truth.json", &truth(&archive))?;
    write(
        "brevdue.toml",
        &format!(
            "[store]\nurl = \"sqlite:data/brevdue.db\"\n[spool]\npath = \"data/spool\"\n{}",
            archive.toml("")
        ),
    )?;
    println!(
        "{} mails for {} municipalities in {}",
        archive.mails.len(),
        archive.shape.municipalities,
        folder.display()
    );
    Ok(())
}

/// The true counts as JSON, by the municipality's domain.
fn truth(archive: &Archive) -> String {
    let line = |(municipality, Truth { mails, persons, first, last }): (&usize, &Truth)| {
        format!(
            "  {:?}: {{\"name\": {:?}, \"cvr\": {:?}, \"mails\": {mails}, \"persons\": {persons}, \"first\": {first}, \"last\": {last}}}",
            domain(*municipality),
            name(*municipality),
            cvr(*municipality)
        )
    };
    format!("{{\n{}\n}}\n", archive.truth().iter().map(line).collect::<Vec<_>>().join(",\n"))
}
