//! Presentations of Office Open XML.

use super::*;
use crate::extract::made::office::presentation;

#[test]
fn slides_have_their_numbers_and_notes() {
    let told = told(&presentation());
    assert_eq!(told.unread, []);
    let first = told.text.find("[slide 1]\n150379-1028 først\nfelt\n").unwrap();
    let notes = told.text.find("[slide 1]\nnote 150379-1028").unwrap();
    let second = told.text.find("[slide 2]\n150379-1028 sidst\nfelt\n").unwrap();
    assert!(first < notes && notes < second);
    for line in ["alt først", "CPR\t2", "kommentar 150379-1028", "master 150379-1028", "diagram 150379-1028"]
    {
        assert!(told.has_line(line), "{line} in {}", told.text);
    }
}
