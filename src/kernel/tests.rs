//! Each form of each kernel against its scalar one, which is the meaning: what is used, how much is made, and each byte
//! made. The bytes and the room lie at any alignment and end where their allocation ends, so that a tool that watches
//! memory sees a load or a store beyond either.

use proptest::prelude::*;

use super::{Decode, Kernels, base64, quoted};

/// How a function of the table is picked.
type Pick = fn(&Kernels) -> Decode;
const BASE64: Pick = |kernels| kernels.base64;
const QUOTED: Pick = |kernels| kernels.quoted;

/// The bytes at `shift` beyond a round address, with nothing after them.
fn placed(bytes: &[u8], shift: usize) -> Vec<u8> {
    let mut all = Vec::with_capacity(shift + bytes.len());
    all.resize(shift, b'=');
    all.extend_from_slice(bytes);
    all
}

fn check(pick: Pick, bytes: &[u8], room: usize, shift: usize) -> (usize, usize) {
    let scalar = pick(Kernels::all().last().unwrap());
    let mut expect = vec![0; room];
    let (used, made) = scalar(bytes, &mut expect);
    assert!(used <= bytes.len() && made <= room, "{used} {made}");
    let place = placed(bytes, shift);
    for kernels in Kernels::all() {
        let mut got = placed(&vec![0; room], shift * 7 % 32);
        let got = &mut got[shift * 7 % 32..];
        assert_eq!(
            pick(kernels)(&place[shift..], got),
            (used, made),
            "{} {:?}",
            kernels.name,
            bytes.escape_ascii()
        );
        assert_eq!(got[..made], expect[..made], "{} {:?}", kernels.name, bytes.escape_ascii());
    }
    (used, made)
}

/// Where a piece of some content begins and ends, the room for it, and how it is aligned.
type Cut = (prop::sample::Index, prop::sample::Index, usize, usize);

fn cuts() -> impl Strategy<Value = Vec<Cut>> {
    let index = any::<prop::sample::Index>;
    let room = prop_oneof![0usize..10, 10usize..150, Just(1000usize)];
    prop::collection::vec((index(), index(), room, 0usize..32), 25)
}

/// Checks 25 pieces of `content` and all of it.
fn check_cuts(pick: Pick, content: &[u8], cuts: &[Cut]) {
    check(pick, content, content.len() + 64, 0);
    for (from, length, room, shift) in cuts {
        let piece = &content[from.index(content.len() + 1)..];
        // As often as not to the end: what a kernel does with much at once is its point.
        let length = if shift % 2 == 0 { piece.len() } else { length.index(piece.len() + 1) };
        check(pick, &piece[..length], *room, *shift);
    }
}

#[test]
fn the_scalar_form_is_last() {
    assert_eq!(Kernels::all().last().unwrap().name, "scalar");
    assert_eq!(Kernels::best().name, Kernels::all().next().unwrap().name);
}

/// At each place of texts as long as the pieces that are looked at together, and about, among letters that look like it.
#[test]
fn a_word_stands_where_every_place_says_so() {
    for kernels in Kernels::all() {
        for length in (0..48).chain(125..160).chain(290..300) {
            let mut text = b"b.g.n_begi_".repeat(30);
            text.truncate(length);
            assert_eq!((kernels.word)(&text, *b"begin"), None);
            for at in 0..length.saturating_sub(4) {
                let mut text = text.clone();
                text[at..at + 5].copy_from_slice(b"begin");
                assert_eq!((kernels.word)(&text, *b"begin"), Some(at), "{} of {length}", kernels.name);
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(4_000))]

    // 4,000 contents of each kind by 26 pieces: 104,000 comparisons for each wide form in each test.

    #[test]
    fn base64_lines(lines in prop::collection::vec(
        prop_oneof![
            4 => "[A-Za-z0-9+/]{76}\r\n",
            2 => "[A-Za-z0-9+/]{64}\n",
            1 => "[A-Za-z0-9+/]{0,99}(\r\n|\n|\r|\r\n\r\n)",
            1 => "[A-Za-z0-9+/]{40,50}[=_! \u{e6}-][A-Za-z0-9+/]{20}\r\n",
        ], 0..7), cuts in cuts()) {
        check_cuts(BASE64, lines.concat().as_bytes(), &cuts);
    }

    #[test]
    fn quoted_lines(lines in prop::collection::vec(
        prop_oneof![
            4 => "([a-z]{1,12} |=C3=A[56]|[a-z]{1,4}=3D|=20){3,14}(=?\r\n|=?\n)",
            2 => "[a-z ,]{30,80}[a-z](\r\n|\n)",
            1 => "([a-z]{1,12}|=[0-9A-Fa-f]{2}|=| |\t|\r|\u{e6}){0,20}( |\t)?=?[ \t]?(\r\n|\n|\r)",
        ], 0..7), cuts in cuts()) {
        check_cuts(QUOTED, lines.concat().as_bytes(), &cuts);
    }

    #[test]
    fn quoted_specials(bytes in prop::collection::vec(
        prop::sample::select(b"=== \t\r\n\n3DcfZxyz0123\xe6\x8a\xbd\x0b".to_vec()), 0..200),
        text in 0usize..140, cuts in cuts()) {
        let content = [vec![b'x'; text], bytes].concat();
        check_cuts(QUOTED, &content, &cuts);
    }

    #[test]
    fn any_bytes(bytes in prop::collection::vec(any::<u8>(), 0..200), cuts in cuts()) {
        check_cuts(BASE64, &bytes, &cuts);
        check_cuts(QUOTED, &bytes, &cuts);
    }
}

#[test]
fn base64_every_byte_at_every_place_of_a_line() {
    let letters = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let line: Vec<u8> = letters.iter().rev().chain(letters).skip(9).take(76).copied().collect();
    let text = [line.as_slice(), b"\r\n", &line, b"\r\n", &line, b"\r\n"].concat();
    for place in 0..76 {
        for byte in 0..=u8::MAX {
            let mut text = text.clone();
            text[78 + place] = byte;
            let (used, made) = check(BASE64, &text, 180, place % 32);
            if letters.contains(&byte) {
                assert_eq!((used, made), (text.len(), 171));
            } else if !matches!(byte, b'\r' | b'\n') || place % 4 != 0 {
                assert_eq!(made, 57 + place / 4 * 3, "{byte} at {place}");
            }
        }
    }
}

#[test]
fn base64_every_letter_has_its_value() {
    let letters = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut room = [0; 64];
    for kernels in Kernels::all() {
        assert_eq!((kernels.base64)(letters, &mut room), (64, 48), "{}", kernels.name);
        let bits: Vec<u8> =
            room[..48].iter().flat_map(|byte| (0..8).rev().map(move |bit| byte >> bit & 1)).collect();
        for (value, six) in bits.chunks(6).enumerate() {
            assert_eq!(
                six.iter().fold(0, |sum, bit| sum << 1 | usize::from(*bit)),
                value,
                "{}",
                kernels.name
            );
        }
    }
}

/// An escape of any two bytes, wherever it stands in a block.
#[test]
fn quoted_every_two_bytes_after_an_equals_sign() {
    for pair in 0..=u16::MAX {
        let [high, low] = pair.to_be_bytes();
        let place = usize::from(high) * 7 + usize::from(low);
        quoted_pair(high, low, place % 131);
    }
}

#[test]
fn quoted_every_two_digits_at_every_place() {
    let digits = b"0123456789abcdefABCDEF";
    for (high, low) in digits.iter().flat_map(|high| digits.iter().map(move |low| (*high, *low))) {
        for place in 60..124 {
            quoted_pair(high, low, place);
        }
    }
}

fn quoted_pair(high: u8, low: u8, place: usize) {
    let mut text = [b'x'; 200];
    text[place..place + 3].copy_from_slice(&[b'=', high, low]);
    let (used, made) = check(QUOTED, &text, 260, 0);
    let value = std::str::from_utf8(&[high, low])
        .ok()
        .filter(|two| !two.starts_with('+'))
        .and_then(|two| u8::from_str_radix(two, 16).ok());
    let mut room = [0; 260];
    match value {
        Some(value) => {
            assert_eq!((used, made), (200, 198));
            quoted::decode(&text, &mut room);
            assert_eq!(room[place], value);
        }
        None if (high, low) == (b'\n', b'=') => assert_eq!((used, made), (place + 2, place)),
        None if high == b'\n' || (high, low) == (b'\r', b'\n') => assert_eq!(used, 200),
        None => assert_eq!((used, made), (place, place)),
    }
}

/// A soft break, a line's end and blanks before it, wherever they stand in a block.
#[test]
fn quoted_line_ends_at_every_place() {
    for end in [
        "=\r\n", "=\n", "\r\n", "\n", " \r\n", "\t\n", " \r", " ", "=20\r\n", "=\r", "=", " =\r\n", "\r\r\n",
        " \r\r\n",
    ] {
        for place in 0..200 {
            let before = "x".repeat(place);
            for after in ["", "y", &"y".repeat(150)] {
                let text = format!("{before}{end}{after}");
                for room in [place, place + 1, 400] {
                    check(QUOTED, text.as_bytes(), room, place % 32);
                }
            }
        }
    }
}

/// The scalar forms of a table are those of their rooms.
#[test]
fn the_scalar_forms() {
    let mut room = [0; 8];
    assert_eq!(base64::decode(b"MDEw\r\nMTkw=", &mut room), (10, 6));
    assert_eq!(&room[..6], b"010190");
    assert_eq!(base64::decode(b"MDEw\r\nMT kw", &mut room), (6, 3));
    assert_eq!(quoted::decode(b"a=C3=A6=\r\nb \r\n", &mut room), (11, 4));
    assert_eq!(&room[..4], b"a\xc3\xa6b");
}
