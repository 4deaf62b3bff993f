//! How the digits are written: every notation of the facts that a person or a program uses, and some that only somebody
//! who hides uses. Each says in which kind of text it means what it says.

use brevdue::cpr::Kind;

use super::number::Number;
use super::random::Random;

/// What a text must be for a notation to be read in it as meant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Dress {
    /// Any.
    Any,
    /// One in which lines may break.
    Lines,
    /// Prose of a reply, whose lines begin with `>`.
    Reply,
    /// One in which blanks other than `' '` may stand as they are.
    Tabs,
    /// HTML, in its text.
    Tags,
    /// One with references to characters: HTML, XML.
    References,
    /// HTML, in a table.
    Cells,
    /// HTML, in a form.
    Form,
    /// A link or a form that was sent.
    Percent,
    /// A string of JSON.
    Escapes,
}

/// How ten digits are written. Pictures are [`Number::draw`]'s.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Notation {
    /// As this picture draws them.
    Drawn(&'static str),
    /// A picture with a line break in it.
    Broken(&'static str),
    /// A line break, and marks of a reply on the new line.
    Replied(&'static str),
    /// This, which is not seen, somewhere between the signs of a picture.
    Sown(&'static str, &'static str),
    /// The same of a reference of HTML.
    SownReference(&'static str, &'static str),
    /// Digits from this one on instead of `0`.
    Script(char, &'static str),
    /// Digits one by one with the first between them, and the second between date and serial.
    Spread(&'static str, &'static str),
    /// Joined by a reference of HTML.
    JoinedByReference(&'static str),
    /// Some digits or all as references of HTML, in this way.
    References(Reference),
    /// Tags somewhere in the number that only set letters.
    Tagged(&'static str, &'static str),
    /// Two cells of a table.
    Cells(&'static str),
    /// Two fields of a form.
    Fields,
    /// Characters as the bytes of a link.
    Percent(&'static str, Share),
    /// Characters as escapes of JSON.
    Escaped(&'static str, Share),
    /// Without its leading zero.
    Nine,
    /// An eCPR.
    Lettered,
}

/// Which characters are written in a way of their own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Share {
    /// Only what is no digit.
    Joint,
    /// Some of all.
    Few,
    /// All.
    All,
}

/// How a reference is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Reference {
    /// `&#49;`
    Decimal,
    /// `&#00049;`
    Zeros,
    /// `&#x31;`
    Hex,
    /// `&#X31;`
    UpperHex,
    /// `&#49`, as browsers read it too.
    Open,
}

use Notation as N;

impl Notation {
    /// A number that can be written so.
    pub(crate) fn number(self, random: &mut Random) -> Number {
        match self {
            N::Lettered => Number::lettered(random),
            _ => Number::new(random, self == N::Nine),
        }
    }

    /// What the report is to call it.
    pub(crate) fn kind(self) -> Kind {
        match self {
            N::Lettered => Kind::Ecpr,
            N::Nine => Kind::NineDigit,
            _ => Kind::Cpr,
        }
    }

    pub(crate) fn dress(self) -> Dress {
        match self {
            N::Sown("", _) => Dress::Tabs,
            N::Drawn(_) | N::Sown(..) | N::Script(..) | N::Spread(..) | N::Nine | N::Lettered => Dress::Any,
            N::Broken(_) => Dress::Lines,
            N::Replied(_) => Dress::Reply,
            N::SownReference(..) | N::JoinedByReference(_) | N::References(_) => Dress::References,
            N::Tagged(..) => Dress::Tags,
            N::Cells(_) => Dress::Cells,
            N::Fields => Dress::Form,
            N::Percent(..) => Dress::Percent,
            N::Escaped(..) => Dress::Escapes,
        }
    }

    /// The number, written. Chance decides where what is not seen stands, never what the number is.
    pub(crate) fn write(self, number: &Number, random: &mut Random) -> String {
        match self {
            N::Drawn(picture) | N::Broken(picture) | N::Replied(picture) => number.draw(picture),
            N::Sown(unseen, picture) | N::SownReference(unseen, picture) => {
                sow(&number.draw(picture), random, |_| (unseen.to_owned(), ""))
            }
            N::Script(zero, picture) => number
                .draw(picture)
                .chars()
                .map(|c| c.to_digit(10).map_or(c, |digit| char::from_u32(u32::from(zero) + digit).unwrap()))
                .collect(),
            N::Spread(between, joint) => {
                let whole = number.whole();
                [&whole[..6], &whole[6..]]
                    .map(|half| half.chars().map(String::from).collect::<Vec<_>>().join(between))
                    .join(joint)
            }
            N::JoinedByReference(joint) => number.draw("DMY") + joint + &number.draw("S"),
            N::References(way) => {
                let picture = number.draw(random.pick(&["DMY-S", "DMYS"]));
                // Digits behind one that is left open would be read as its own.
                let is_open = way == Reference::Open;
                let written: String = picture
                    .chars()
                    .map(|c| if !is_open && random.one_in(3) { c.to_string() } else { way.write(c) })
                    .collect();
                if is_open { written + ";" } else { written }
            }
            N::Tagged(open, close) => {
                let picture = random.pick(&["DMY-S", "DMYS"]);
                sow(&number.draw(picture), random, |c| (format!("{open}{c}{close}"), "taken"))
            }
            N::Cells(between) => number.draw("DMY") + between + &number.draw("S"),
            N::Fields => {
                format!("{}\"> <input name=\"b\" value=\"{}", number.draw("DMY"), number.draw("S"))
            }
            N::Percent(picture, which) => escape(&number.draw(picture), which, random, |c, random| {
                let upper = random.one_in(2);
                let mut bytes = [0; 4];
                c.encode_utf8(&mut bytes)
                    .bytes()
                    .map(|b| if upper { format!("%{b:02X}") } else { format!("%{b:02x}") })
                    .collect()
            }),
            N::Escaped(picture, which) => escape(&number.draw(picture), which, random, |c, random| {
                let unit = u32::from(c);
                if random.one_in(2) { format!("\\u{unit:04X}") } else { format!("\\u{unit:04x}") }
            }),
            N::Nine => number.whole()[1..].to_owned(),
            N::Lettered => number.whole(),
        }
    }

    /// Whether a number so written stands by itself, and needs no word beside it.
    pub(crate) fn is_strong(self) -> bool {
        match self {
            N::Drawn(picture)
            | N::Sown(_, picture)
            | N::SownReference(_, picture)
            | N::Script(_, picture) => {
                matches!(picture, "DMY-S" | "DMY–S" | "DMY‑S" | "DMY - S" | "D.M.Y-S" | "DMC-S")
            }
            N::JoinedByReference(joint) => matches!(joint, "&#45;" | "&ndash;" | "&#8209;"),
            _ => false,
        }
    }

    /// Whether this holds of the signs it is written with.
    pub(crate) fn is_in(self, charset: impl Fn(&str) -> bool) -> bool {
        // Where they stand is chance, which they are is not.
        let mut random = Random::new(0);
        let number = self.number(&mut random);
        charset(&self.write(&number, &mut random))
    }

    pub(crate) fn holds_two_blanks(self) -> bool {
        self == N::Drawn("DMY  S")
    }

    /// Whether one of these stands in the number as it is written.
    pub(crate) fn holds(self, what: &[char]) -> bool {
        match self {
            N::Drawn(text) | N::Broken(text) | N::Replied(text) | N::Script(_, text) | N::Sown(_, text) => {
                text.contains(what)
            }
            N::Spread(text, _) => text.contains(what),
            _ => false,
        }
    }
}

impl Reference {
    /// Whether XML reads it as browsers read it.
    pub(crate) fn is_xml(self) -> bool {
        matches!(self, Self::Decimal | Self::Zeros | Self::Hex)
    }

    fn write(self, c: char) -> String {
        let code = u32::from(c);
        match self {
            Self::Decimal => format!("&#{code};"),
            Self::Zeros => format!("&#{code:05};"),
            Self::Hex => format!("&#x{code:x};"),
            Self::UpperHex => format!("&#X{code:X};"),
            Self::Open => format!("&#{code}"),
        }
    }
}

/// Puts something at one to four places inside of `text`; what it makes of a character goes before it, or instead.
fn sow(text: &str, random: &mut Random, what: impl Fn(char) -> (String, &'static str)) -> String {
    let length = text.chars().count();
    let spots: Vec<usize> = (0..random.within(1..5)).map(|_| random.within(1..length)).collect();
    text.chars()
        .enumerate()
        .map(|(nr, c)| match spots.contains(&nr).then(|| what(c)) {
            Some((sown, "taken")) => sown,
            Some((sown, _)) => format!("{sown}{c}"),
            None => c.to_string(),
        })
        .collect()
}

fn escape(
    text: &str,
    which: Share,
    random: &mut Random,
    how: impl Fn(char, &mut Random) -> String,
) -> String {
    let mut written = String::new();
    for c in text.chars() {
        let is_digit = c.is_ascii_digit();
        let as_is = match which {
            Share::Joint => is_digit,
            Share::Few => is_digit && random.one_in(2),
            Share::All => false,
        };
        written += &if as_is { c.to_string() } else { how(c, random) };
    }
    written
}
