//! Problems of a configuration, and how they are drawn.
//!
//! A [`Problem`] says what is wrong, where and what to do; [`Problems`] are all of one file, drawn with the
//! line they stand in. Passwords, secret keys and numbers of the file are starred before anything is kept, because a
//! drawing ends in the journal. Never decides what is a problem: that is `file` and `check`. Start reading
//! at [`Problems`]. Tests: `tests.rs` of this room.

use super::starred::starred_in_place;
use std::error::Error;
use std::fmt::{self, Write as _};
use std::ops::Range;
use std::path::{Path, PathBuf};

use annotate_snippets::{AnnotationKind, Group, Level, Origin, Renderer, Snippet};

/// Whether a problem keeps the configuration from being run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    /// It cannot be run.
    Error,
    /// It can, and somebody should know what it means.
    Warning,
}

/// One thing that is wrong or doubtful.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// Whether it keeps the configuration from being run.
    pub severity: Severity,
    /// Where in the file, in bytes; `None` for what has no place, as a missing section.
    pub span: Option<Range<usize>>,
    /// What is wrong, in one line.
    pub message: String,
    /// What stands at the marked place; may be empty.
    pub label: String,
    /// What to do about it.
    pub help: Option<String>,
    /// A second place that belongs to it, with its label.
    pub other: Option<(Range<usize>, String)>,
    /// It says that something is missing, which a file with broken syntax cannot prove.
    pub(super) absence: bool,
}

impl Problem {
    /// What keeps the configuration from being run.
    pub(super) fn error(span: Range<usize>, message: impl Into<String>) -> Self {
        Self::new(Severity::Error, Some(span), message.into())
    }

    /// What somebody should know.
    pub(super) fn warning(span: Range<usize>, message: impl Into<String>) -> Self {
        Self::new(Severity::Warning, Some(span), message.into())
    }

    /// What should be there and is not; `span` is the section that lacks it.
    pub(super) fn missing(
        severity: Severity,
        span: Option<Range<usize>>,
        message: impl Into<String>,
    ) -> Self {
        Self { absence: true, ..Self::new(severity, span, message.into()) }
    }

    fn new(severity: Severity, span: Option<Range<usize>>, message: String) -> Self {
        Self { severity, span, message, label: String::new(), help: None, other: None, absence: false }
    }

    /// Says what stands at the marked place.
    pub(super) fn label(self, label: impl Into<String>) -> Self {
        Self { label: label.into(), ..self }
    }

    /// Says what to do.
    pub(super) fn help(self, help: impl Into<String>) -> Self {
        Self { help: Some(help.into()), ..self }
    }

    /// Marks a second place.
    pub(super) fn other(self, span: Range<usize>, label: impl Into<String>) -> Self {
        Self { other: Some((span, label.into())), ..self }
    }
}

/// All problems of one file, in its order. `Display` draws them without colours.
#[derive(Clone)]
pub struct Problems {
    path: PathBuf,
    source: String,
    all: Vec<Problem>,
}

impl Problems {
    /// Sorts the problems by place, drops those that only follow from broken syntax, and stars secrets.
    pub(super) fn new(path: &Path, source: &str, broken: &[Range<usize>], mut all: Vec<Problem>) -> Self {
        if !broken.is_empty() {
            // What the parser recovered of a broken line is a guess, and a section may have been lost.
            let lines: Vec<usize> = broken.iter().map(|span| place(source, span.start).0).collect();
            all.retain(|problem| {
                let guess = problem.span.as_ref().is_some_and(|span| {
                    !broken.contains(span) && lines.contains(&place(source, span.start).0)
                });
                !problem.absence && !guess
            });
        }
        all.sort_by_key(|problem| (problem.span.is_none(), problem.span.as_ref().map(|span| span.start)));
        for problem in &mut all {
            problem.message = starred(&problem.message);
            problem.label = starred(&problem.label);
            problem.other = problem.other.take().map(|(span, label)| (span, starred(&label)));
            problem.help = problem.help.take().map(|help| starred(&help));
        }
        Self { path: path.to_owned(), source: starred(source), all }
    }

    /// A problem with the file as a whole.
    pub(super) fn of_file(path: &Path, message: impl Into<String>, help: impl Into<String>) -> Self {
        let problem = Problem::new(Severity::Error, None, message.into()).help(help);
        Self { path: path.to_owned(), source: String::new(), all: vec![problem] }
    }

    /// Each problem, in the order of the file.
    pub fn iter(&self) -> impl Iterator<Item = &Problem> {
        self.all.iter()
    }

    /// Whether there is nothing to say.
    pub fn is_empty(&self) -> bool {
        self.all.is_empty()
    }

    /// How many are of this severity.
    pub fn count(&self, severity: Severity) -> usize {
        self.all.iter().filter(|problem| problem.severity == severity).count()
    }

    /// Draws every problem with its line, and a last line that counts them. Colours only when asked.
    pub fn draw(&self, colours: bool) -> String {
        let renderer = if colours { Renderer::styled() } else { Renderer::plain() }.term_width(110);
        let mut drawn = String::new();
        for problem in &self.all {
            drawn.push_str(&renderer.render(&[self.group(problem)]));
            drawn.push_str("\n\n");
        }
        drawn.push_str(&self.tally());
        drawn
    }

    /// One line a problem, for logs: `brevdue.toml:3:10: error: what (help: what to do)`.
    pub fn summaries(&self) -> Vec<String> {
        self.all.iter().map(|problem| self.summary(problem)).collect()
    }

    fn summary(&self, problem: &Problem) -> String {
        let mut line = self.path.display().to_string();
        if let Some(span) = &problem.span {
            let (row, column) = place(&self.source, span.start);
            // Writing to a String cannot fail.
            write!(line, ":{row}:{column}").unwrap_or_default();
        }
        let word = match problem.severity {
            Severity::Error => "error",
            Severity::Warning => "warning",
        };
        let help = problem.help.as_deref().map(|help| help.lines().collect::<Vec<_>>().join(" "));
        let help = help.map(|help| format!(" (help: {help})")).unwrap_or_default();
        format!("{line}: {word}: {}{help}", problem.message)
    }

    fn tally(&self) -> String {
        let counted = |number: usize, word: &str| match number {
            0 => None,
            1 => Some(format!("1 {word}")),
            _ => Some(format!("{number} {word}s")),
        };
        let parts = [
            counted(self.count(Severity::Error), "error"),
            counted(self.count(Severity::Warning), "warning"),
        ];
        let parts: Vec<String> = parts.into_iter().flatten().collect();
        let said = if parts.is_empty() { "no problems".to_owned() } else { parts.join(", ") };
        format!("{}: {said}", self.path.display())
    }

    fn group<'a>(&'a self, problem: &'a Problem) -> Group<'a> {
        let level = match problem.severity {
            Severity::Error => Level::ERROR,
            Severity::Warning => Level::WARNING,
        };
        let path = self.path.display().to_string();
        let title = level.primary_title(problem.message.as_str());
        let group = match &problem.span {
            None => title.element(Origin::path(path)),
            Some(span) => {
                let label = (!problem.label.is_empty()).then_some(problem.label.as_str());
                let primary = AnnotationKind::Primary.span(self.one_line(span)).label(label);
                let other = problem.other.as_ref().map(|(span, label)| {
                    AnnotationKind::Context.span(self.one_line(span)).label(label.as_str())
                });
                title.element(
                    Snippet::source(self.source.as_str()).path(path).annotation(primary).annotations(other),
                )
            }
        };
        match &problem.help {
            Some(help) => group.element(Level::HELP.message(help.as_str())),
            None => group,
        }
    }

    /// The part of a span that stands in its first line: a long array needs no drawing of every line.
    fn one_line(&self, span: &Range<usize>) -> Range<usize> {
        let start = self.source.floor_char_boundary(span.start);
        let end = self.source.floor_char_boundary(span.end).max(start);
        let first = self.source.get(start..end).and_then(|text| text.lines().next()).unwrap_or_default();
        start..start + first.len()
    }
}

impl fmt::Display for Problems {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&self.draw(false))
    }
}

impl fmt::Debug for Problems {
    // The drawing, so that a failed `unwrap` in a test shows it.
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "\n{self}")
    }
}

impl Error for Problems {}

/// Line and column of a byte, both from 1; the column counts characters.
fn place(source: &str, at: usize) -> (usize, usize) {
    let before = source.get(..source.floor_char_boundary(at)).unwrap_or_default();
    let line = before.matches('\n').count() + 1;
    let column = before.rsplit('\n').next().map_or(0, |tail| tail.chars().count()) + 1;
    (line, column)
}

/// The text with passwords, secret keys and what could be a CPR number starred, byte for byte, so that every place stays where it
/// is.
fn starred(text: &str) -> String {
    const SECRET_KEY: &str = "AGE-SECRET-KEY-";
    let mut secrets: Vec<Range<usize>> = Vec::new();
    let mut start = 0;
    for line in text.split_inclusive('\n') {
        // `smtps://user:password@host`, and the same without a scheme in a key named smtp.
        let scheme = line.find("://").map(|at| at + 3);
        let from =
            scheme.or_else(|| line.trim_start().starts_with("smtp").then_some(0)).unwrap_or(line.len());
        let rest = line.get(from..).unwrap_or_default();
        if let Some((login, _)) = rest.rsplit_once('@')
            && let Some(colon) = login.find(':')
        {
            secrets.push(start + from + colon + 1..start + from + login.len());
        }
        // `postgres://user@host/name?password=secret`.
        for (at, key) in rest.match_indices("password=") {
            let from_value = at + key.len();
            let value = rest.get(from_value..).unwrap_or_default();
            let length = value.find(['&', '"', '\'', '\n', '\r']).unwrap_or(value.len());
            secrets.push(start + from + from_value..start + from + from_value + length);
        }
        start += line.len();
    }
    for (at, _) in text.match_indices(SECRET_KEY) {
        let from = at + SECRET_KEY.len();
        let tail = text.get(from..).unwrap_or_default();
        let length = tail.find(|c: char| !c.is_ascii_alphanumeric()).unwrap_or(tail.len());
        secrets.push(from..from + length);
    }
    let star = |(at, c): (usize, char)| {
        if secrets.iter().any(|secret| secret.contains(&at)) {
            "*".repeat(c.len_utf8())
        } else {
            c.to_string()
        }
    };
    starred_in_place(&text.char_indices().map(star).collect::<String>())
}
