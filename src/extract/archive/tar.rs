//! tar (POSIX.1-2001 pax, ustar, GNU): every file, the names of links, and what else its headers say.
//!
//! Some programs read on behind the end of an archive (`tar -i`), so another archive may stand there; what is none is
//! swept. Start reading at [`read`].

use super::zip::pour;
use crate::extract::content::{Member, Page, Unread};
use crate::extract::raw;
use std::borrow::Cow;
use std::io::Read;

/// Where the word of the form stands in the first header.
const MAGIC: std::ops::Range<usize> = 257..262;

/// A header's size, and what files are filled up to.
const BLOCK: u64 = 512;

/// Whether a file is an archive of this form.
pub(in crate::extract) fn is(document: &[u8]) -> bool {
    document.get(MAGIC) == Some(b"ustar")
}

/// Tells what is in an archive.
pub(in crate::extract) fn read(document: &[u8], page: &mut Page<'_>) {
    let mut archive = ::tar::Archive::new(document);
    archive.set_ignore_zeros(true);
    // Up to where it was read.
    let mut end = 0;
    let Ok(entries) = archive.entries() else { return page.unread(Unread::Damaged) };
    for entry in entries {
        if page.is_full() {
            return;
        }
        let Ok(entry) = entry else {
            page.unread(Unread::Damaged);
            let end = usize::try_from(end).unwrap_or(usize::MAX);
            return raw::sweep(document.get(end..).unwrap_or_default(), page);
        };
        end = entry.raw_file_position().saturating_add(entry.size().next_multiple_of(BLOCK));
        file(entry, page);
    }
}

fn file(mut entry: ::tar::Entry<'_, impl Read>, page: &mut Page<'_>) {
    let mut name = String::from_utf8_lossy(&entry.path_bytes()).into_owned();
    if name.is_empty() {
        // It is a file as well, and counts as one.
        "nameless".clone_into(&mut name);
    }
    // The name that a link points to is a name as well.
    let target = entry.link_name_bytes().map(Cow::into_owned).unwrap_or_default();
    let words = words(&mut entry);
    let is_folder = entry.header().entry_type().is_dir();
    page.enter(Member::file(&name));
    if !is_folder {
        pour(entry, page);
    }
    page.leave();
    if !target.is_empty() {
        page.enter(Member::file(&String::from_utf8_lossy(&target)));
        page.leave();
    }
    if !words.is_empty() {
        page.enter(Member::TEXT);
        page.data(&words);
        page.leave();
    }
}

/// What the records before a file say that is neither its name nor a number: a line each.
fn words(entry: &mut ::tar::Entry<'_, impl Read>) -> Vec<u8> {
    const TOLD: [&[u8]; 8] = [b"path", b"linkpath", b"size", b"mtime", b"atime", b"ctime", b"uid", b"gid"];
    let mut words = Vec::new();
    if let Ok(Some(records)) = entry.pax_extensions() {
        for record in records.filter_map(Result::ok).filter(|record| !TOLD.contains(&record.key_bytes())) {
            words.extend_from_slice(record.value_bytes());
            words.push(b'\n');
        }
    }
    words
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::extract::made::archives::tar;
    use crate::extract::ole::tests::{told, torment};

    #[test]
    fn an_archive_behind_an_archive_is_read_and_what_is_none_is_swept() {
        let [one, other] = ["1", "2"].map(|name| tar(&[(name, b"150379-1028".as_slice())]));
        let both = [one.as_slice(), &other, &[0; 1024]].concat();
        assert_eq!(told(&both, read), ("<1>150379-1028<2>150379-1028".to_owned(), vec![]));
        let behind = [&one, b"CPR-nr. 010190-1234".as_slice(), &[1; 512]].concat();
        let (text, unread) = told(&behind, read);
        assert!(text.contains("<1>150379-1028") && text.contains("CPR-nr. 010190-1234"), "{text}");
        assert_eq!(unread, [Unread::Damaged]);
        torment(&one, read);
    }

    #[test]
    fn what_a_link_points_to_is_a_name_of_its_own() {
        let mut builder = ::tar::Builder::new(Vec::new());
        builder.append_pax_extensions([("comment", b"010190-1234".as_slice())]).unwrap();
        let mut header = ::tar::Header::new_ustar();
        header.set_size(11);
        header.set_entry_type(::tar::EntryType::Link);
        header.set_link_name("til 1").unwrap();
        builder.append_data(&mut header, "fra", b"150379-1028".as_slice()).unwrap();
        let (text, unread) = told(&builder.into_inner().unwrap(), read);
        assert_eq!((text.as_str(), unread.len()), ("<fra>150379-1028<til 1>010190-1234\n", 0));
    }
}
