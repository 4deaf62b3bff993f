//! RTF (1.9.1): the text of a document that is itself text, with marks.
//!
//! What a reader of it shows is told in its order, so that a number that changes its look in the middle is whole; what
//! stands beside it (notes, headers, what fields do, the properties) is told behind the paragraph, and so is a paragraph
//! with its deleted and hidden text where it has some. Bytes are letters of the font's charset. A document that was HTML (`\fromhtml1`, as Outlook
//! writes it) is told as the HTML that it was. Pictures and objects are told as files. Start reading at [`read`];
//! `token.rs` cuts the text, `target.rs` says which groups are what.

mod aside;
mod line;
mod target;
mod token;

use super::codepage;
use super::content::{Member, Page, Spot};
use super::ole;
use super::shown::Shown;
use aside::File;
use encoding_rs::{Encoding, WINDOWS_1252};
use line::Sight;
use std::collections::HashMap;
use target::Target;
use token::{Token, Tokens};

/// Whether a document is RTF.
pub(super) fn is(document: &[u8]) -> bool {
    document.trim_ascii_start().starts_with(b"{\\rtf")
}

/// Tells what is in a document.
pub(super) fn read(document: &[u8], page: &mut Page<'_>) {
    let mut reader = Reader::new(page);
    let mut tokens = Tokens { rest: document };
    for token in tokens.by_ref() {
        if reader.page.is_full() {
            return;
        }
        reader.token(token);
        if reader.has_ended() {
            break;
        }
    }
    reader.finish();
    // Behind its last group a document may go on, and nobody sees it.
    ole::scraps(tokens.rest, page);
}

/// What holds within a group.
#[derive(Clone, Copy)]
struct Group {
    target: Target,
    charset: &'static Encoding,
    /// How many letters stand in for one that is told by its number.
    stand_ins: usize,
    is_in_table: bool,
    /// Only what RTF needs to look like the HTML that it was.
    is_copy: bool,
    sight: Sight,
}

struct Reader<'p, 'a> {
    page: &'p mut Page<'a>,
    groups: Vec<Group>,
    /// Groups that are open beyond those.
    beyond: usize,
    now: Group,
    /// The group has just begun, and its word will say what it is.
    is_first: bool,
    is_starred: bool,
    /// Bytes of letters that wait for the charset to make sense of them.
    bytes: Vec<u8>,
    /// Letters that stand in for the last one and are passed over.
    skip: usize,
    /// The first half of a letter beyond the first plane.
    high: Option<u16>,
    /// Lines that have ended, and the one that has not.
    text: String,
    line: Shown,
    beside: String,
    beside_line: Shown,
    /// What the line is told as besides.
    others: String,
    unknown: String,
    /// What drawings call the value that follows, and that value.
    drawing: (String, String),
    /// Hexadecimal digits, as bytes, and half of one.
    hex: (Vec<u8>, Option<u8>),
    /// Pictures and objects. Told last, for what is told of a file ends the text round it, and the column that a number
    /// stands in would lose its heading.
    files: Vec<File>,
    /// What stands in copies only.
    copies: String,
    is_html: bool,
    charset: &'static Encoding,
    fonts: HashMap<i32, &'static Encoding>,
    font: i32,
    usual_font: i32,
}

impl<'p, 'a> Reader<'p, 'a> {
    /// More groups in groups are counted and not kept.
    const DEEPEST: usize = 2000;

    fn new(page: &'p mut Page<'a>) -> Self {
        let now = Group {
            target: Target::Main,
            charset: WINDOWS_1252,
            stand_ins: 1,
            is_in_table: false,
            is_copy: false,
            sight: Sight::default(),
        };
        Self {
            page,
            groups: Vec::new(),
            beyond: 0,
            now,
            is_first: false,
            is_starred: false,
            bytes: Vec::new(),
            skip: 0,
            high: None,
            text: String::new(),
            line: Shown::default(),
            beside: String::new(),
            beside_line: Shown::default(),
            others: String::new(),
            unknown: String::new(),
            drawing: (String::new(), String::new()),
            hex: (Vec::new(), None),
            files: Vec::new(),
            copies: String::new(),
            is_html: false,
            charset: WINDOWS_1252,
            fonts: HashMap::new(),
            font: 0,
            usual_font: 0,
        }
    }

    /// The last group has ended.
    fn has_ended(&self) -> bool {
        self.groups.is_empty()
    }

    fn token(&mut self, token: Token<'_>) {
        if let Token::Byte(byte) = token {
            return self.byte(byte);
        }
        self.settle();
        match token {
            Token::Open => self.open(),
            Token::Close => self.close(),
            Token::Binary(bytes) if matches!(self.now.target, Target::Picture | Target::Object) => {
                self.hex.0.extend_from_slice(bytes);
            }
            Token::Binary(bytes) => ole::scraps(bytes, self.page),
            Token::Word(word, number) => self.word(word, number),
            Token::Symbol(symbol) => self.symbol(symbol),
            Token::Byte(_) => {}
        }
    }

    fn open(&mut self) {
        self.skip = 0;
        if self.groups.len() < Self::DEEPEST {
            self.groups.push(self.now);
        } else {
            self.beyond += 1;
        }
        self.is_first = true;
        self.is_starred = false;
    }

    fn close(&mut self) {
        self.skip = 0;
        self.is_first = false;
        if self.beyond > 0 {
            self.beyond -= 1;
            return;
        }
        let Some(outer) = self.groups.pop() else { return };
        let inner = std::mem::replace(&mut self.now, outer);
        let has_left = inner.target != outer.target;
        match inner.target {
            Target::Beside if has_left => self.end_beside(),
            Target::Lines => self.end_beside(),
            Target::Unknown if has_left => self.judge_unknown(),
            Target::Picture if has_left => self.picture(),
            Target::Object if has_left => self.object(),
            Target::DrawingValue if has_left => self.drawn(),
            Target::Main
            | Target::Beside
            | Target::Unknown
            | Target::Fonts
            | Target::Picture
            | Target::Object
            | Target::DrawingName
            | Target::DrawingValue
            | Target::Html
            | Target::Nothing => {}
        }
    }

    fn byte(&mut self, byte: u8) {
        match byte {
            b'\r' | b'\n' | 0 => return,
            _ if self.skip > 0 => {
                self.skip -= 1;
                return;
            }
            _ => {}
        }
        self.is_first = false;
        match self.now.target {
            Target::Picture | Target::Object => {
                let (bytes, half) = &mut self.hex;
                let Some(digit) = char::from(byte).to_digit(16).and_then(|digit| u8::try_from(digit).ok())
                else {
                    return;
                };
                match half.take() {
                    Some(high) => bytes.push(high << 4 | digit),
                    None => *half = Some(digit),
                }
            }
            Target::Fonts | Target::Nothing => {}
            Target::Main
            | Target::Beside
            | Target::Lines
            | Target::Unknown
            | Target::DrawingName
            | Target::DrawingValue
            | Target::Html => self.bytes.push(byte),
        }
    }

    /// The bytes that wait are letters now.
    fn settle(&mut self) {
        if !self.bytes.is_empty() {
            let bytes = std::mem::take(&mut self.bytes);
            if bytes.is_ascii() {
                self.push(&String::from_utf8_lossy(&bytes));
            } else {
                self.push(&codepage::decode(self.now.charset, &bytes));
            }
            self.bytes = bytes;
            self.bytes.clear();
        }
    }

    fn push(&mut self, text: &str) {
        let sight = self.now.sight;
        // HTML says itself what it hides.
        let (shows, was) = if self.is_html { (true, true) } else { (sight.shows(), !sight.is_inserted) };
        match self.now.target {
            Target::Main | Target::Html if self.is_html && self.now.is_copy => self.copies.push_str(text),
            Target::Main | Target::Html => self.line.push(text, shows, was),
            Target::Beside | Target::Lines => self.beside_line.push(text, shows, was),
            Target::Unknown => self.unknown.push_str(text),
            Target::DrawingName => self.drawing.0.push_str(text),
            Target::DrawingValue => self.drawing.1.push_str(text),
            Target::Fonts | Target::Picture | Target::Object | Target::Nothing => {}
        }
    }

    fn symbol(&mut self, symbol: u8) {
        match symbol {
            // What begins with a star is told by the word behind it.
            b'*' => {
                self.is_starred = true;
                return;
            }
            b'\\' | b'{' | b'}' => self.byte(symbol),
            b'~' => self.push(" "),
            b'_' => self.push("-"),
            b'\t' => self.push("\t"),
            b'\r' | b'\n' => self.line(),
            _ => {}
        }
        self.is_first = false;
    }

    fn word(&mut self, word: &[u8], number: Option<i32>) {
        if std::mem::take(&mut self.is_first)
            && let Some(target) = Target::of(word, self.is_starred)
        {
            self.begin(target);
        }
        self.is_starred = false;
        let value = number.unwrap_or(1);
        match word {
            b"par" | b"line" | b"softline" | b"sect" | b"page" | b"column" | b"softpage" => self.line(),
            b"row" | b"nestrow" => self.end_line(),
            b"cell" | b"nestcell" | b"tab" => self.push("\t"),
            b"u" => self.unit(value),
            b"uc" => self.now.stand_ins = usize::try_from(number.unwrap_or(1)).unwrap_or_default(),
            b"f" | b"af" if self.now.target == Target::Fonts => self.font = value,
            b"f" => self.now.charset = self.charset_of(number.unwrap_or_default()),
            b"fcharset" => {
                if let Some(charset) = codepage::of_font(value) {
                    self.fonts.insert(self.font, charset);
                }
            }
            b"cpg" => {
                if let Ok(page) = u32::try_from(value) {
                    self.fonts.insert(self.font, codepage::of_number(page));
                }
            }
            b"ansicpg" => self.set_charset(u32::try_from(value).unwrap_or_default()),
            b"mac" => self.set_charset(10_000),
            b"deff" => self.usual_font = number.unwrap_or_default(),
            b"plain" => {
                self.now.charset = self.charset_of(self.usual_font);
                self.now.sight = Sight::default();
            }
            b"v" => self.now.sight.is_hidden = value != 0,
            b"deleted" => self.now.sight.is_deleted = value != 0,
            b"revised" => self.now.sight.is_inserted = value != 0,
            b"pard" => self.now.is_in_table = false,
            b"intbl" => self.now.is_in_table = true,
            b"fromhtml" => self.is_html = value != 0,
            b"htmlrtf" => self.now.is_copy = value != 0,
            b"emdash" | b"endash" => self.push("–"),
            b"bullet" => self.push("•"),
            b"lquote" | b"rquote" => self.push("'"),
            b"ldblquote" | b"rdblquote" => self.push("\""),
            b"emspace" | b"enspace" | b"qmspace" => self.push(" "),
            _ => {}
        }
    }

    fn begin(&mut self, target: Target) {
        // What readers pass over they pass over with all that is in it; names and pictures in it are still what they are.
        let is_within = match self.now.target {
            Target::Unknown | Target::Fonts => matches!(target, Target::Picture | Target::Object),
            Target::Nothing => false,
            Target::Main
            | Target::Beside
            | Target::Lines
            | Target::Picture
            | Target::Object
            | Target::DrawingName
            | Target::DrawingValue
            | Target::Html => true,
        };
        if !is_within {
            return;
        }
        if matches!(target, Target::Beside | Target::Lines) && self.now.target != target {
            self.end_beside();
        }
        self.now.target = target;
        match target {
            Target::DrawingName => self.drawing.0.clear(),
            Target::DrawingValue => self.drawing.1.clear(),
            Target::Picture | Target::Object => self.hex = (Vec::new(), None),
            Target::Main
            | Target::Beside
            | Target::Lines
            | Target::Unknown
            | Target::Fonts
            | Target::Html
            | Target::Nothing => {}
        }
    }

    fn set_charset(&mut self, number: u32) {
        self.charset = codepage::of_number(number);
        self.now.charset = self.charset;
    }

    fn charset_of(&self, font: i32) -> &'static Encoding {
        self.fonts.get(&font).copied().unwrap_or(self.charset)
    }

    /// A letter by its number in UTF-16, which may be written as a negative one.
    fn unit(&mut self, number: i32) {
        self.skip = self.now.stand_ins;
        let unit = u16::try_from(number & 0xFFFF).unwrap_or_default();
        let high = self.high.take();
        if (0xD800..0xDC00).contains(&unit) {
            self.high = Some(unit);
            return;
        }
        // Fonts of symbols have their letters in a place of their own.
        let unit = if (0xF020..0xF07F).contains(&unit) { unit - 0xF000 } else { unit };
        let letters = char::decode_utf16(high.into_iter().chain([unit]));
        let text: String = letters.map(|letter| letter.unwrap_or(char::REPLACEMENT_CHARACTER)).collect();
        self.push(&text);
    }

    fn finish(&mut self) {
        self.settle();
        // A document that breaks off has groups that never end.
        while !self.groups.is_empty() {
            self.beyond = 0;
            self.close();
        }
        self.settle_line();
        self.end_beside();
        if self.is_html {
            self.page.enter(Member { name: "", media: "text/html" });
            self.page.text(&self.text);
            self.page.leave();
        } else {
            self.page.text(&self.text);
        }
        if !self.others.is_empty() {
            self.page.text("\n");
            self.page.text(&self.others);
        }
        if !self.beside.is_empty() || digits(&self.copies) {
            self.page.spot(Spot::Named("properties"));
            self.page.text("\n");
            self.page.text(&self.beside);
            self.page.text(&self.copies);
        }
        self.tell_files();
    }
}

/// Whether there are as many digits as a number may have.
fn digits(text: &str) -> bool {
    text.bytes().filter(u8::is_ascii_digit).count() >= 6
}

#[cfg(test)]
mod tests;
