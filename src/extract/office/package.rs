//! The files of a package, each read once and told at least once.
//!
//! A file unfolds in memory before it is read, so what all of them unfold to is limited here, whether it is told or not.
//! Start reading at [`Package`].

use super::unseen::Hiding;
use super::xml::{self, Walked, Walker};
use super::{is_mute, is_thumbnail};
use crate::extract::archive::zip::{Archive, reason, reason_to_read};
use crate::extract::content::{Member, Page, Unread};
use crate::extract::raw;
use std::borrow::Cow;
use std::collections::HashMap;
use std::io::Read;

/// The most bytes that a file unfolds to in memory, and all files together. Sheets are tags for the most part: ten times
/// what they tell.
const MOST: u64 = 192 * 1024 * 1024;
const MOST_ALL: u64 = 512 * 1024 * 1024;

/// Bytes for each byte of the package, beyond the first ten megabytes: sheets of the same cells unfold to a hundred.
const RATIO: u64 = 400;
const RATIO_FROM: u64 = 10 * 1024 * 1024;

/// The most files: a presentation of a thousand slides has a fifth of them.
pub(super) const MOST_FILES: usize = 20_000;

/// How much of a file is enough to see its first element.
const HEAD: u64 = 4096;

/// An archive that is a document.
pub(super) struct Package<'p, 'a> {
    archive: &'p mut Archive<'a>,
    /// The files' names, and the first elements of those that are XML.
    files: Vec<File>,
    /// The files' numbers by their names in lower case.
    by_name: HashMap<String, usize>,
    /// Bytes that may still be unfolded.
    left: u64,
    /// Styles that hide the text that has them.
    pub(super) hiding: Hiding,
}

struct File {
    name: String,
    root: String,
    is_told: bool,
}

impl<'p, 'a> Package<'p, 'a> {
    /// Looks at the beginning of every file.
    pub(super) fn new(archive: &'p mut Archive<'a>, size: u64, page: &mut Page<'_>) -> Self {
        if archive.has_duplicate_names() {
            // Which one its reader takes is not known, and only one is given to us.
            page.unread(Unread::Damaged);
        }
        let left = MOST_ALL.min(RATIO_FROM.max(size.saturating_mul(RATIO)));
        let (mut files, mut by_name) = (Vec::new(), HashMap::new());
        if archive.len() > MOST_FILES {
            page.stop(Unread::TooMany);
            return Self { archive, files, by_name, left, hiding: Hiding::default() };
        }
        for nr in 0..archive.len() {
            let name =
                archive.name_for_index(nr).and_then(Result::ok).map(Cow::into_owned).unwrap_or_default();
            let (mut root, mut is_told) = (String::new(), false);
            if let Ok(file) = archive.by_index(nr) {
                is_told = file.is_dir();
                let mut head = Vec::new();
                let read = file.take(HEAD).read_to_end(&mut head);
                let head = xml::decode(xml::cut(&head));
                // What fails here fails again when it is read, and is told then.
                if (read.is_ok() || !head.is_empty()) && head.trim_start().starts_with('<') {
                    root = xml::root(&head).unwrap_or_default();
                }
            }
            by_name.entry(name.to_ascii_lowercase()).or_insert(nr);
            files.push(File { name, root, is_told });
        }
        Self { archive, files, by_name, left, hiding: Hiding::default() }
    }

    /// The file of this name, in whatever case.
    pub(super) fn find(&self, name: &str) -> Option<usize> {
        self.by_name.get(&name.trim_start_matches('/').to_ascii_lowercase()).copied()
    }

    /// The files of these first elements that were not told yet, in the archive's order.
    pub(super) fn with_root(&self, is: impl Fn(&str) -> bool) -> Vec<usize> {
        let files = self.files.iter().enumerate();
        files.filter(|(_, file)| !file.is_told && is(&file.root)).map(|(nr, _)| nr).collect()
    }

    /// A file's name.
    pub(super) fn name(&self, nr: usize) -> &str {
        self.files.get(nr).map_or("", |file| file.name.as_str())
    }

    /// A file's first element.
    pub(super) fn root(&self, nr: usize) -> &str {
        self.files.get(nr).map_or("", |file| file.root.as_str())
    }

    /// Whether a file needs no more telling.
    pub(super) fn was_told(&self, nr: usize) -> bool {
        self.files.get(nr).is_none_or(|file| file.is_told)
    }

    /// The file needs no more telling.
    pub(super) fn is_told(&mut self, nr: usize) {
        if let Some(file) = self.files.get_mut(nr) {
            file.is_told = true;
        }
    }

    /// Walks an XML file; what is broken in it is told as it stands besides. Returns whether the walk came through.
    pub(super) fn walk(&mut self, nr: usize, walker: &mut impl Walker, page: &mut Page<'_>) -> bool {
        let (bytes, is_whole) = self.bytes(nr, page);
        let walked = xml::walk(&xml::decode(&bytes), walker, page);
        self.is_told(nr);
        if walked == Walked::Broken && is_whole {
            page.unread(Unread::Damaged);
        }
        if walked != Walked::Whole || !is_whole {
            self.odd(nr);
        }
        walked != Walked::Broken && is_whole
    }

    /// Walks an XML file that is walked once more later.
    pub(super) fn look(&mut self, nr: usize, walker: &mut impl Walker, page: &mut Page<'_>) {
        let (bytes, _) = self.bytes(nr, page);
        xml::walk(&xml::decode(&bytes), walker, page);
    }

    /// The file was told, and is told as it is all the same.
    fn odd(&mut self, nr: usize) {
        if let Some(file) = self.files.get_mut(nr) {
            file.is_told = false;
            file.root.clear();
        }
    }

    /// What a file unfolds to, as far as that goes; and whether that is all of it.
    fn bytes(&mut self, nr: usize, page: &mut Page<'_>) -> (Vec<u8>, bool) {
        let mut bytes = Vec::new();
        let most = self.left.min(MOST);
        let unread = match self.archive.by_index(nr) {
            Ok(file) => match file.take(most).read_to_end(&mut bytes) {
                Ok(read) if read as u64 == most => Some(Unread::TooCompressed),
                Ok(_) => None,
                Err(error) => Some(reason_to_read(&error)),
            },
            Err(error) => Some(reason(&error)),
        };
        self.left = self.left.saturating_sub(bytes.len() as u64);
        match unread {
            Some(Unread::TooCompressed) if self.left == 0 => page.stop(Unread::TooCompressed),
            Some(why) => page.unread(why),
            None => {}
        }
        (bytes, unread.is_none())
    }

    /// The files' names.
    pub(super) fn names(&self) -> impl Iterator<Item = &str> {
        self.files.iter().map(|file| file.name.as_str())
    }

    /// Tells every file that was not told, as it is.
    pub(super) fn tell_rest(&mut self, page: &mut Page<'_>) {
        for nr in 0..self.files.len() {
            let Some(File { is_told: false, name, .. }) = self.files.get(nr) else { continue };
            if page.is_full() {
                return;
            }
            let name = name.clone();
            let (bytes, is_whole) = self.bytes(nr, page);
            if !is_whole && bytes.is_empty() || is_mute(&name, &bytes) || is_thumbnail(&name, &bytes) {
                continue;
            }
            let lower = name.to_ascii_lowercase();
            if lower.contains("/printersettings/") {
                // The settings of somebody's printer, in most workbooks: its strings are all that it says.
                raw::sweep(&bytes, page);
                continue;
            }
            page.enter(Member::file(&name));
            page.data(&bytes);
            page.leave();
        }
    }
}
