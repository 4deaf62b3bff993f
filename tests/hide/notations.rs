//! The list of notations: those of the facts, and those of people who hide. Pictures are `Number::draw`'s.

use super::notation::{Notation, Reference, Share};
use Notation as N;

/// Dashes, blanks and marks between date and serial, and what people do to the date.
const DRAWN: [&str; 32] = [
    "DMYS",
    "DMY-S",
    "DMY - S",
    "DMY- S",
    "DMY -S",
    "DMY S",
    "DMY  S",
    "DMY/S",
    "DMY.S",
    "DMY_S",
    "DMY+S",
    "DMY–S",
    "DMY – S",
    "DMY—S",
    "DMY−S",
    "DMY‐S",
    "DMY‑S",
    "DMY‒S",
    "DMY―S",
    "DMY﹣S",
    "DMY－S",
    "D.M.Y-S",
    "D M Y S",
    "D M Y-S",
    "D-M-Y-S",
    "D/M/Y-S",
    "D.M.Y S",
    "D-M-C-S",
    "D.M.C-S",
    "DMC-S",
    "DMC S",
    "D M Y A B",
];

/// Blanks that look like others, and the rest.
const DRAWN_TOO: [&str; 10] = [
    "DMY\u{a0}S",
    "DMY\u{202f}S",
    "DMY\u{2009}S",
    "DMY\u{2007}S",
    "DMY\u{2002}S",
    "DMY\u{3000}S",
    "DMY\u{a0}-\u{a0}S",
    "D/M/C-S",
    "D M C S",
    "D.M.Y - S",
];

/// Soft hyphens, zero widths, marks of direction.
const UNSEEN: [&str; 9] = [
    "\u{ad}", "\u{200b}", "\u{200c}", "\u{200d}", "\u{2060}", "\u{feff}", "\u{200e}", "\u{202c}", "\u{2066}",
];

/// References of HTML to what is not seen.
const UNSEEN_REFERENCES: [&str; 6] = ["&shy;", "&#173;", "&zwnj;", "&#8203;", "&#x200B;", "&lrm;"];

/// References of HTML that join date and serial.
const JOINTS: [&str; 20] = [
    "&#45;", "&#x2d;", "&#X2D;", "&ndash;", "&mdash;", "&minus;", "&hyphen;", "&dash;", "&#8209;", "&nbsp;",
    "&#160;", "&#xA0;", "&thinsp;", "&ensp;", "&sol;", "&period;", "&lowbar;", "-&shy;", "&#9;", "&#32;-",
];

/// Tags that only set letters.
const TAGS: [(&str, &str); 7] = [
    ("<b>", "</b>"),
    ("<SPAN style=\"color:red; font-size:11pt\">", "</SPAN>"),
    ("<wbr>", ""),
    ("<!-- x -->", ""),
    ("<font face='Arial'>", "</font>"),
    ("<o:p>", "</o:p>"),
    ("<a href=\"#\">", "</a>"),
];

/// All that are asked for.
pub(crate) fn all() -> Vec<Notation> {
    let mut all = vec![N::Nine, N::Lettered, N::Fields];
    all.extend(DRAWN.map(N::Drawn));
    all.extend(DRAWN_TOO.map(N::Drawn));
    all.extend(["DMY\tS", "DMY\t-\tS"].map(|picture| N::Sown("", picture)));
    all.extend(["DMY\nS", "DMY-\nS", "DMY\n-S", "DMY - \nS", "DMY \nS", "D.M.Y-\nS"].map(N::Broken));
    all.extend(["DMY-\n> S", "DMY\n> S", "DMY-\n> > S", "DMY-\n>> S"].map(N::Replied));
    for unseen in UNSEEN {
        all.extend(["DMY-S", "DMYS", "DMY S"].map(|picture| N::Sown(unseen, picture)));
    }
    for unseen in UNSEEN_REFERENCES {
        all.extend(["DMY-S", "DMYS"].map(|picture| N::SownReference(unseen, picture)));
    }
    for zero in ['\u{FF10}', '\u{1D7CE}', '\u{1D7F6}'] {
        all.extend(["DMY-S", "DMYS", "DMY S"].map(|picture| N::Script(zero, picture)));
    }
    let spread = [(" ", " "), (" ", " - "), (" ", "-"), (".", "."), ("-", "-")];
    all.extend(spread.map(|(between, joint)| N::Spread(between, joint)));
    all.extend(JOINTS.map(N::JoinedByReference));
    let ways = [Reference::Decimal, Reference::Zeros, Reference::Hex, Reference::UpperHex, Reference::Open];
    all.extend(ways.map(N::References));
    all.extend(TAGS.map(|(open, close)| N::Tagged(open, close)));
    let cells = ["</td><td>", "</td>\n  <td align=\"right\">", "</td><td>-</td><td>", "-</TD><TD>"];
    all.extend(cells.map(N::Cells));
    for share in [Share::Joint, Share::Few, Share::All] {
        all.extend(["DMY-S", "DMY S", "DMY‑S"].map(|picture| N::Percent(picture, share)));
        all.extend(["DMY-S", "DMY‑S", "DMY\u{a0}S"].map(|picture| N::Escaped(picture, share)));
    }
    all.extend([N::Percent("DMYS", Share::All), N::Escaped("DMYS", Share::Few)]);
    all
}
