use super::*;
use crate::extract::made::tnef::whole;
use crate::extract::ole::tests::{told, torment};

#[test]
fn bodies_names_and_files_are_told() {
    let (text, unread) = told(&whole(), read);
    for piece in [
        "<lønliste.csv>Navn;CPR-nr.\nAnna;150379-1028\n",
        "Anna\nløn 150379-1028\n\nthe body\n\nCPR-nr: 010190-1234\n",
        "<p>html",
        "<body.rtf>{\\rtf1 Hej 1}",
        "<Brev>\x78",
    ] {
        assert!(text.contains(piece), "{piece} in {text}");
    }
    assert_eq!(unread, []);
}

#[test]
fn a_message_that_breaks_off_is_told_as_far_as_it_goes_and_swept() {
    let whole = whole();
    let (text, unread) = told(&whole[..whole.len() / 2], read);
    assert!(text.contains("løn 150379-1028"));
    assert_eq!(unread, [Unread::Damaged]);
    torment(&whole, read);
}
