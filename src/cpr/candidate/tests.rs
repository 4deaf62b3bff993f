//! Every notation that was seen, and what is none.

use super::*;
use crate::cpr::runs;

fn found(text: &[u8]) -> Vec<(String, Form)> {
    let mut at_byte = 0;
    let mut found = Vec::new();
    while let Some(run) = runs::next(text, at_byte) {
        match at(text, &run) {
            Ok(candidate) => {
                at_byte = candidate.span.end;
                let digits = candidate.digits.iter().map(|d| char::from(if *d < 10 { d + b'0' } else { *d }));
                found.push((digits.collect(), candidate.form));
            }
            Err(next) => at_byte = next,
        }
    }
    found
}

#[test]
fn every_joint_of_the_facts() {
    for (text, form) in [
        ("150379-1234", Form::Dashed),
        ("1503791234", Form::Plain),
        ("150379 1234", Form::Blank),
        ("150379 - 1234", Form::Dashed),
        ("150379/1234", Form::Marked),
        ("150379.1234", Form::Marked),
        ("150379\t1234", Form::Blank),
        ("150379\u{2013}1234", Form::Dashed),
        ("150379\u{2014}1234", Form::Dashed),
        ("150379\u{2212}1234", Form::Dashed),
        ("150379\u{2010}1234", Form::Dashed),
        ("150379\u{2011}1234", Form::Dashed),
        ("150379\u{a0}1234", Form::Blank),
        ("150379\u{202f}1234", Form::Blank),
        ("150379\u{2009}1234", Form::Blank),
        ("150379-\u{200b}1234", Form::Dashed),
        ("150379\u{feff}-1234", Form::Dashed),
        ("150379-\r\n1234", Form::Broken),
        ("150379\n1234", Form::Broken),
        ("150379-\r\n> > 1234", Form::Broken),
        ("150379&#45;1234", Form::Dashed),
        ("150379&#x2011;1234", Form::Dashed),
        ("150379&nbsp;&ndash;&nbsp;1234", Form::Dashed),
        ("150379&nbsp;1234", Form::Blank),
        ("150379%2D1234", Form::Dashed),
        ("150379%201234", Form::Blank),
        ("150379-<wbr>1234", Form::Dashed),
        ("150379</b>-<I class=\"x\">1234", Form::Dashed),
        ("150379<!-- - -->-1234", Form::Dashed),
        ("15.03.79-1234", Form::Spelled),
        ("15 03 79 1234", Form::Spelled),
        ("15-03-1979-1234", Form::Spelled),
        ("15031979-1234", Form::Spelled),
        ("150379_1234", Form::Marked),
        ("150379+1234", Form::Marked),
        ("15<span>03</span>79<b>-12</b>34", Form::Dashed),
        ("1<b>50379</b>1234", Form::Plain),
        ("&#49;5&#48;3&#55;9-&#x31;&#x32;34", Form::Dashed),
        ("%31%35%30379%2D1234", Form::Dashed),
        ("\\u0031\\u0035\\u0030379\\u20111234", Form::Dashed),
        ("150379=2D1234", Form::Dashed),
        ("1503=\r\n79-1234", Form::Dashed),
        ("=31=35=30=33=37=39-1234", Form::Dashed),
        ("%20150379%2D1234", Form::Dashed),
        ("%C3%B8150379-1234", Form::Dashed),
        ("\\u00e51503791234", Form::Plain),
        ("\\u00e5150379-1234", Form::Dashed),
        ("id=201503791234", Form::Plain),
        ("cpr=1503791234", Form::Plain),
        ("1\u{200b}5\u{200b}0379-1234", Form::Dashed),
        ("1\u{FF15}0379-1234", Form::Dashed),
        ("150379</td><td>1234", Form::Cells),
        ("150379-</td>\r\n  <td align=\"right\">1234", Form::Dashed),
        ("150379</td><td>-</td><td>1234", Form::Dashed),
        ("150379\"> <input name=\"b\" value=\"1234\">", Form::Cells),
        ("150379;1234", Form::Cells),
        ("\"150379\";\"1234\"", Form::Cells),
        ("1 5 0 3 7 9 - 1 2 3 4", Form::Spread),
        ("15 03 79 12 34", Form::Spread),
        (
            "<td>1</td><td>5</td><td>0</td><td>3</td><td>7</td><td>9</td><td>1</td><td>2</td><td>3</td><td>4</td>",
            Form::Spread,
        ),
    ] {
        assert_eq!(found(text.as_bytes()), [("1503791234".to_owned(), form)], "{text:?}");
    }
    assert_eq!(found(b"150379\x961234"), [("1503791234".to_owned(), Form::Dashed)]);
    assert_eq!(found(b"150379\xa01234"), [("1503791234".to_owned(), Form::Blank)]);
}

#[test]
fn what_is_written_otherwise_is_no_candidate() {
    for text in [
        "15037912345",
        "150379</td></tr><tr><td>1234",
        "150379</p><p>-1234",
        "150379&amp;1234",
        "150379&#48;1234",
        "1<b>1503791234</b>",
        "12</b>1503791234",
        "150379;;1234",
        "150379;\n1234",
        "150379\" 1234",
        "1 2 3 4 5 6 7 8 9 10 11",
        "150379<b-1234",
        "150379-12345",
        "1150379-1234",
        "150379--1234",
        "150379-\n\n1234",
        "150379 x 1234",
        "15.03-79-1234",
        "15032179-1234",
        "150379-                         1234",
        "",
        "150379-",
    ] {
        assert_eq!(found(text.as_bytes()), [], "{text:?}");
    }
}

#[test]
fn a_number_after_another_is_seen_alone() {
    assert_eq!(found(b"010620 150379-1234").len(), 1);
    assert_eq!(found(b"12 150379-1234, 1503791234;").len(), 2);
}

#[test]
fn nine_digits_and_letters() {
    assert_eq!(found(b";203791234;"), [("0203791234".to_owned(), Form::Nine)]);
    for text in ["<td>203791234</td>", "cpr=203791234&x=1", "20379<b>1</b>234 "] {
        assert_eq!(found(text.as_bytes()), [("0203791234".to_owned(), Form::Nine)], "{text}");
    }
    assert_eq!(found(b" 0203291WQ3 "), [("0203291WQ3".to_owned(), Form::Lettered)]);
    assert_eq!(found(b"0203291wq3."), [("0203291WQ3".to_owned(), Form::Lettered)]);
    assert_eq!(found(b"0203291WQ34 x0203291WQ3 0203291WQQ"), []);
}

#[test]
fn a_value_goes_before_an_escape() {
    // `=30` would be a zero in quoted-printable.
    assert_eq!(found(b"cpr=3003791234 x"), [("3003791234".to_owned(), Form::Plain)]);
    assert_eq!(found(b"cpr=300379-1234"), [("3003791234".to_owned(), Form::Dashed)]);
}

#[test]
fn digits_that_are_no_ascii_begin_too() {
    let text = "nr. \u{FF11}5\u{FF10}379-\u{1D7CF}234".as_bytes();
    let start = next_wide(text, 0).unwrap();
    let found = wide_at(text, start).unwrap();
    assert_eq!((found.digits, found.form), ([1, 5, 0, 3, 7, 9, 1, 2, 3, 4], Form::Dashed));
    assert_eq!(next_wide("\u{FEFF} \u{1F600}".as_bytes(), 0), None);
}

#[test]
fn what_touches_is_told() {
    let touches = |text: &str| {
        let candidate = runs::runs(text.as_bytes()).find_map(|run| at(text.as_bytes(), &run).ok()).unwrap();
        (candidate.before, candidate.after)
    };
    assert_eq!(touches("x:\\n1503791234"), (Touch::Free, Touch::Free));
    assert_eq!(touches("x%3D1503791234%26"), (Touch::Free, Touch::Mark(b'%')));
    assert_eq!(touches("x 1503791234."), (Touch::Free, Touch::Free));
    assert_eq!(touches("xa1503791234b"), (Touch::Letter, Touch::Letter));
    assert_eq!(touches("x_1503791234_"), (Touch::Free, Touch::Free));
    assert_eq!(touches("1.1503791234,5"), (Touch::MoreDigits, Touch::MoreDigits));
    assert_eq!(touches("x+1503791234<"), (Touch::Mark(b'+'), Touch::Mark(b'<')));
}

#[test]
fn the_longest_candidate_fits() {
    let tag = format!("<b {}>", "x".repeat(400));
    let text = format!("1{tag}503{tag}79-1234");
    assert_eq!(found(text.as_bytes()).len(), 1);
    let joint = format!("<b {}>", "x".repeat(506));
    let text = format!("15.03.1979{joint}-1234");
    assert_eq!(found(text.as_bytes()).len(), 1);
    let text = format!("15.03.1979{joint}{joint}-1234");
    assert_eq!(found(text.as_bytes()).len(), 0, "too far away");
}
