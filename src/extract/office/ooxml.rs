//! Office Open XML (ECMA-376): which part is what, and in which order they are told. Start reading at [`read`].

use super::lines::{Lines, has_digits};
use super::package::Package;
use super::pivot::{Fields, Records};
use super::sheet::{Sheet, Strings, Styles};
use super::text::Text;
use super::unseen::Hiding;
use super::xml::{Tag, Walker};
use crate::extract::content::{Member, Page, Spot, Unread};
use std::collections::HashMap;

/// First elements of parts whose text is told as lines, and what people call such a part.
const TEXTS: [(&str, &str); 37] = [
    ("hdr", "header"),
    ("ftr", "footer"),
    ("footnotes", "footnotes"),
    ("endnotes", "endnotes"),
    ("comments", "comments"),
    ("ThreadedComments", "comments"),
    ("personList", "comments"),
    ("people", "comments"),
    ("cmLst", "comments"),
    ("cmAuthorLst", "comments"),
    ("authorLst", "comments"),
    ("glossaryDocument", "glossary"),
    ("settings", "settings"),
    ("styles", "styles"),
    ("numbering", "numbering"),
    ("fonts", "fonts"),
    ("webSettings", "settings"),
    ("theme", "theme"),
    ("themeOverride", "theme"),
    ("notes", "notes"),
    ("notesMaster", "master"),
    ("handoutMaster", "master"),
    ("sldMaster", "master"),
    ("sldLayout", "layout"),
    ("presentation", "presentation"),
    ("presentationPr", "presentation"),
    ("viewPr", "presentation"),
    ("tblStyleLst", "styles"),
    ("chartSpace", "chart"),
    ("colorStyle", "chart"),
    ("chartStyle", "chart"),
    ("dataModel", "diagram"),
    ("drawing", "diagram"),
    ("wsDr", "drawing"),
    ("userShapes", "drawing"),
    ("xml", "drawing"),
    ("externalLink", "links"),
];

/// Tells the parts of a package that are known by their first element.
pub(super) fn read(package: &mut Package<'_, '_>, page: &mut Page<'_>) {
    if package.find("xl/workbook.bin").is_some() {
        // The binary notation of workbooks; its parts are told as they are.
        page.unread(Unread::UnknownForm);
    }
    for nr in package.with_root(|root| root == "styles") {
        let mut hiding = Hiding::default();
        package.look(nr, &mut hiding, page);
        package.hiding = hiding;
    }
    for nr in package.with_root(|root| root == "document") {
        part(package, nr, Lines::counted(), None, page);
    }
    slides(package, page);
    sheets(package, page);
    pivots(package, page);
    for (root, spot) in TEXTS {
        for nr in package.with_root(|other| other == root) {
            if page.is_full() {
                return;
            }
            part(package, nr, Lines::default(), Some(Spot::Named(spot)), page);
        }
    }
    for nr in package.with_root(|root| matches!(root, "coreProperties" | "Properties")) {
        page.enter(Member::TEXT);
        page.spot(Spot::Named("properties"));
        let mut text = Text::new(Lines::default(), true);
        package.walk(nr, &mut text, page);
        text.finish(page);
        page.leave();
    }
    links(package, page);
    // Nothing but what each file is, and in which order cells are computed.
    for nr in package.with_root(|root| matches!(root, "Types" | "calcChain")) {
        package.is_told(nr);
    }
}

/// A part of lines.
fn part(package: &mut Package<'_, '_>, nr: usize, lines: Lines, spot: Option<Spot<'_>>, page: &mut Page<'_>) {
    page.enter(Member::TEXT);
    if let Some(spot) = spot {
        page.spot(spot);
    }
    let mut text = Text::new(lines, false);
    text.hiding = package.hiding.clone();
    package.walk(nr, &mut text, page);
    text.finish(page);
    page.leave();
}

/// Slides, in the order in which they are shown, each with its notes.
fn slides(package: &mut Package<'_, '_>, page: &mut Page<'_>) {
    let mut order = Vec::new();
    for nr in package.with_root(|root| root == "presentation") {
        let mut list = List::new("sldId");
        package.look(nr, &mut list, page);
        let targets = relations(package, nr, page);
        order.extend(list.found.iter().filter_map(|one| package.find(targets.get(one.get("id")?)?)));
    }
    let all = package.with_root(|root| root == "sld");
    order.retain(|nr| all.contains(nr));
    order.extend(all.iter().filter(|nr| !order.contains(nr)).copied().collect::<Vec<_>>());
    for (nr, number) in order.into_iter().zip(1..) {
        if page.is_full() {
            return;
        }
        let targets = relations(package, nr, page);
        part(package, nr, Lines::default(), Some(Spot::Slide(number)), page);
        for target in targets.values() {
            let notes = package.find(target).filter(|nr| package.root(*nr) == "notes");
            if let Some(notes) = notes.filter(|nr| !package.was_told(*nr)) {
                part(package, notes, Lines::default(), Some(Spot::Slide(number)), page);
            }
        }
    }
}

/// Sheets, with their names.
fn sheets(package: &mut Package<'_, '_>, page: &mut Page<'_>) {
    let is_sheet = |root: &str| matches!(root, "worksheet" | "chartsheet" | "dialogsheet" | "macrosheet");
    let (mut strings, mut styles) = (Strings::default(), Styles::default());
    for nr in package.with_root(|root| root == "sst") {
        package.walk(nr, &mut strings, page);
    }
    for nr in package.with_root(|root| root == "styleSheet") {
        package.walk(nr, &mut styles, page);
    }
    let (mut order, mut since_1904) = (Vec::new(), false);
    for nr in package.with_root(|root| root == "workbook") {
        let mut list = List::new("sheet");
        package.look(nr, &mut list, page);
        since_1904 |= list.since_1904;
        let targets = relations(package, nr, page);
        for sheet in list.found {
            let nr = sheet.get("id").and_then(|id| package.find(targets.get(id)?));
            if let (Some(nr), Some(name)) = (nr, sheet.get("name")) {
                order.push((nr, name.clone()));
            }
        }
        part(package, nr, Lines::default(), Some(Spot::Named("names")), page);
        page.enter(Member::TEXT);
        for (_, name) in &order {
            page.text(name);
            page.text("\n");
        }
        page.leave();
    }
    let all = package.with_root(is_sheet);
    let mut used = Vec::new();
    order.retain(|(nr, _)| all.contains(nr));
    for nr in &all {
        if !order.iter().any(|(known, _)| known == nr) {
            order.push((*nr, package.name(*nr).to_owned()));
        }
    }
    for (nr, name) in &order {
        if page.is_full() {
            return;
        }
        page.enter(Member::TEXT);
        page.spot(Spot::Sheet(name));
        let mut sheet = Sheet::new(&strings, &styles, since_1904, &mut used);
        package.walk(*nr, &mut sheet, page);
        sheet.finish(page);
        page.leave();
    }
    // Texts that no cell shows any more stay in the file; those that one shows have been told.
    let mut unused = strings.unused(&used).chain(styles.texts.iter().map(String::as_str)).peekable();
    if unused.peek().is_some() {
        page.enter(Member::TEXT);
        page.spot(Spot::Named("unused texts"));
        for text in unused {
            page.text(text);
            page.text("\n");
        }
        page.leave();
    }
}

/// What pivot tables remember.
fn pivots(package: &mut Package<'_, '_>, page: &mut Page<'_>) {
    for nr in package.with_root(|root| root == "pivotCacheDefinition") {
        let targets = relations(package, nr, page);
        page.enter(Member::TEXT);
        page.spot(Spot::Named("pivot cache"));
        let mut fields = Fields::default();
        package.walk(nr, &mut fields, page);
        page.leave();
        for records in targets.values().filter_map(|target| package.find(target)).collect::<Vec<_>>() {
            if package.root(records) == "pivotCacheRecords" && !package.was_told(records) {
                page.enter(Member::TEXT);
                page.spot(Spot::Named("pivot cache"));
                let mut walker = Records::new(&fields.names, page);
                package.walk(records, &mut walker, page);
                walker.finish(page);
                page.leave();
            }
        }
    }
}

/// The targets that lie outside, and those that hold a number.
fn links(package: &mut Package<'_, '_>, page: &mut Page<'_>) {
    // Names of files that are told without them.
    let mut told: Vec<String> =
        package.names().filter(|name| has_digits(name, 6)).map(str::to_owned).collect();
    for nr in package.with_root(|root| root == "Relationships") {
        let mut list = List::new("Relationship");
        package.walk(nr, &mut list, page);
        for one in list.found {
            let is_outside = one.get("TargetMode").is_some_and(|mode| mode.eq_ignore_ascii_case("external"));
            let target = one.get("Target").map_or("", String::as_str);
            if is_outside || has_digits(target, 6) {
                told.push(unescape_link(target));
            }
        }
    }
    if told.is_empty() {
        return;
    }
    page.enter(Member::TEXT);
    page.spot(Spot::Named("links"));
    for target in told {
        page.text(&target);
        page.text("\n");
    }
    page.leave();
}

/// Without the `%` notation of RFC 3986 §2.1.
pub(super) fn unescape_link(link: &str) -> String {
    let mut bytes = Vec::new();
    let mut rest = link.as_bytes();
    while let [first, after @ ..] = rest {
        let digit = |byte: &u8| char::from(*byte).to_digit(16).and_then(|digit| u8::try_from(digit).ok());
        let escaped = match rest {
            [b'%', high, low, ..] => digit(high).zip(digit(low)),
            _ => None,
        };
        if let Some((high, low)) = escaped {
            bytes.push(high * 16 + low);
            rest = rest.get(3..).unwrap_or_default();
        } else {
            bytes.push(*first);
            rest = after;
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

/// The targets of a part's relationships by their identifiers, as names in the package.
fn relations(package: &mut Package<'_, '_>, nr: usize, page: &mut Page<'_>) -> HashMap<String, String> {
    let name = package.name(nr);
    let (folder, file) = name.rsplit_once('/').unwrap_or(("", name));
    let folder = folder.to_owned();
    let slash = if folder.is_empty() { "" } else { "/" };
    let Some(nr) = package.find(&format!("{folder}{slash}_rels/{file}.rels")) else { return HashMap::new() };
    let mut list = List::new("Relationship");
    package.look(nr, &mut list, page);
    let pairs = list.found.into_iter().filter_map(|mut one| {
        let (id, target) = (one.remove("Id")?, one.remove("Target")?);
        Some((id, resolve(&folder, &target)))
    });
    pairs.collect()
}

/// A target from a folder, as a name in the package.
fn resolve(folder: &str, target: &str) -> String {
    if let Some(target) = target.strip_prefix('/') {
        return target.to_owned();
    }
    let mut steps: Vec<&str> = folder.split('/').filter(|step| !step.is_empty()).collect();
    for step in target.split('/') {
        match step {
            ".." => drop(steps.pop()),
            "." | "" => {}
            _ => steps.push(step),
        }
    }
    steps.join("/")
}

/// Elements of one name with their attributes.
struct List {
    name: &'static str,
    found: Vec<HashMap<String, String>>,
    since_1904: bool,
}

impl List {
    fn new(name: &'static str) -> Self {
        Self { name, found: Vec::new(), since_1904: false }
    }
}

impl Walker for List {
    fn open(&mut self, tag: &Tag<'_>, _: &mut Page<'_>) {
        if tag.name() == self.name {
            let mut found = HashMap::new();
            for (key, value) in tag.all() {
                // Where there are `id` and `r:id`, the number is not the one that is asked for.
                let is_number = value.bytes().all(|byte| byte.is_ascii_digit());
                if !(is_number && found.contains_key(key)) {
                    found.insert(key.to_owned(), value.into_owned());
                }
            }
            self.found.push(found);
        }
        self.since_1904 |= tag.get("date1904").is_some_and(|is| is == "1" || is == "true");
    }

    fn close(&mut self, _: &mut Page<'_>) {}

    fn text(&mut self, _: &str, _: &mut Page<'_>) {}
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn targets_are_names_in_the_package() {
        assert_eq!(resolve("xl", "worksheets/sheet1.xml"), "xl/worksheets/sheet1.xml");
        assert_eq!(resolve("ppt/slides", "../notesSlides/n1.xml"), "ppt/notesSlides/n1.xml");
        assert_eq!(resolve("xl", "/xl/a.xml"), "xl/a.xml");
        assert_eq!(resolve("", "../../../a"), "a");
    }

    #[test]
    fn links_are_told_as_they_are_meant() {
        assert_eq!(
            unescape_link("mailto:a@b.dk?subject=CPR%20150379%2D1028"),
            "mailto:a@b.dk?subject=CPR 150379-1028"
        );
        assert_eq!(unescape_link("100%"), "100%");
    }
}
