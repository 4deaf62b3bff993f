//! What lies in the spool, damaged in any way: a held mail is whole or an error, a segment gives the frames that stand
//! whole at its start and loses no byte, and a draft is read back as it came. The first byte says which, and how.
#![no_main]
#[path = "../shared/cut.rs"]
mod cut;
#[path = "../shared/house.rs"]
mod house;

use brevdue::case::CaseId;
use brevdue::seal::keyfile::DpoPair;
use brevdue::seal::{self, NodeKey, allow::AllowFile};
use brevdue::spool::draft::Drafts;
use brevdue::spool::segment;
use brevdue::spool::evidence::Evidence;
use brevdue::spool::held::{Cover, HeldId, Holding};
use std::io::Read;
use std::path::{Path, PathBuf};
use std::sync::LazyLock;

/// The name of the one held mail.
const ID: &str = "bcdfghjkmnpqrstv";

static PAIR: LazyLock<DpoPair> = LazyLock::new(|| DpoPair::from_secret(house::SECRET).unwrap());
static FOLDER: LazyLock<PathBuf> = LazyLock::new(house::folder);
static HELD: LazyLock<(HeldId, PathBuf)> = LazyLock::new(|| {
    std::fs::create_dir_all(FOLDER.join("held")).unwrap();
    (HeldId::parse(ID).unwrap(), FOLDER.join(format!("held/{ID}.age")))
});

fn cover() -> Cover {
    Cover {
        sender: "sagsbehandler@kommune.example".into(),
        recipients: vec![("borger@privat.example".into(), vec!["NOTIFY=NEVER".into()])],
        ..Cover::default()
    }
}

/// Mails of less than a block of the seal and of more, sealed as the spool seals them.
static SEALED: LazyLock<Vec<(Vec<u8>, Vec<u8>)>> = LazyLock::new(|| {
    let holding = Holding::below(&FOLDER.join("made"));
    let mails = [b"Subject: x\r\n\r\nHej\r\n".to_vec(), b"Subject: x\r\n\r\n".repeat(9_000)];
    let keep = |mail: Vec<u8>| {
        let receipt = holding.keep(&cover(), &mut mail.as_slice(), &[&PAIR.public]).unwrap();
        (mail, std::fs::read(holding.path(receipt.id())).unwrap())
    };
    mails.into_iter().map(keep).collect()
});

/// The cover and the mail, if all of it can be read.
fn opened(file: &[u8]) -> Option<(Cover, Vec<u8>)> {
    let (id, path) = &*HELD;
    #[allow(clippy::disallowed_methods)]
    std::fs::write(path, file).unwrap();
    let mut opened = Holding::below(&FOLDER).open(id, house::SECRET).ok()?;
    let mut mail = Vec::new();
    opened.mail.read_to_end(&mut mail).ok()?;
    Some((opened.cover, mail))
}

/// A file of any bytes is no held mail.
fn no_seal(bytes: &[u8]) {
    assert!(opened(bytes).is_none(), "nobody has sealed this");
}

/// A sealed mail that was damaged: cut, or with bytes changed, put in or taken out.
fn damaged(which: usize, edits: &[u8]) {
    let (mail, sealed) = &SEALED[which % SEALED.len()];
    let mut file = sealed.clone();
    for edit in edits.chunks_exact(5) {
        // Half of them in the head and the first block's start.
        let at = usize::from(u16::from_be_bytes([edit[1], edit[2]])) * usize::from(edit[0] >> 4 & 3);
        let at = at.min(file.len());
        let (before, after) = (file.get(at).copied(), usize::from(edit[3]));
        match (edit[0] % 6, before) {
            (0, Some(_)) => file[at] ^= edit[4],
            (1, _) => file.insert(at, edit[4]),
            (2, Some(_)) => drop(file.drain(at..(at + after).min(file.len()))),
            (3, _) => file.truncate(file.len().saturating_sub(after)),
            (4, _) => file.extend_from_slice(edit),
            // A block in another's place.
            _ => {
                let from = at.saturating_sub(65_552).min(file.len());
                let to = (from + 65_552).min(file.len());
                let block = file[from..to].to_vec();
                file.splice(at..at, block);
            }
        }
    }
    let is_same = file == *sealed;
    match opened(&file) {
        Some((found, whole)) => {
            assert!(is_same && found == cover() && whole == *mail, "what is damaged is never read as whole")
        }
        None => assert!(!is_same, "what is whole is read"),
    }
}

/// Well sealed, but with any bytes in it: an envelope or none.
fn sealed_nonsense(bytes: &[u8]) {
    let sealed = seal::seal(bytes, &PAIR.public).unwrap();
    if let Some((cover, mail)) = opened(&sealed) {
        let end = bytes.iter().position(|byte| *byte == b'\n').expect("an envelope is a line");
        assert!(mail == bytes[end + 1..]);
        let again = serde_json::to_vec(&cover).unwrap();
        assert!(serde_json::from_slice::<Cover>(&again).unwrap() == cover);
    }
}

/// The frames that stand whole at the start, by hand.
fn frames(mut bytes: &[u8]) -> (Vec<Vec<u8>>, usize) {
    let (mut frames, mut used) = (Vec::new(), 0);
    while let Some((length, rest)) = bytes.split_first_chunk::<4>() {
        let length = u32::from_be_bytes(*length) as usize;
        if length == 0 || length > 16 << 20 || length > rest.len() {
            break;
        }
        let (frame, behind) = rest.split_at(length);
        frames.push(frame.to_vec());
        used += 4 + length;
        bytes = behind;
    }
    (frames, used)
}

/// A segment of any bytes is read, and appended to; what was no frame is kept aside.
fn segment(bytes: &[u8]) {
    let path = FOLDER.join("one.seg");
    let aside = FOLDER.join("one.seg.torn");
    drop(std::fs::remove_file(&aside));
    #[allow(clippy::disallowed_methods)]
    std::fs::write(&path, bytes).unwrap();
    let (mut whole, used) = frames(bytes);
    assert_eq!(segment::frames(&path).unwrap(), whole);
    segment::append(&path, b"last").unwrap();
    whole.push(b"last".to_vec());
    assert_eq!(segment::frames(&path).unwrap(), whole);
    assert_eq!(std::fs::read(&aside).unwrap_or_default(), bytes[used..], "no byte goes");
}

/// Evidence: frames of which some are sealed to the key, and some are anything.
fn evidence(bytes: &[u8]) {
    let case = CaseId::new(2026, 1);
    let evidence = Evidence::below(&FOLDER);
    let path = evidence.path(&case);
    std::fs::create_dir_all(path.parent().unwrap_or(Path::new("."))).unwrap();
    let mut file = Vec::new();
    let mut sealed = 0;
    for (at, piece) in bytes.split(|byte| *byte == b'|').enumerate().filter(|(_, piece)| !piece.is_empty()) {
        let is_ours = at % 2 == 0 && sealed < 3;
        let frame = if is_ours { seal::seal(piece, &PAIR.public).unwrap() } else { piece.to_vec() };
        sealed += usize::from(is_ours);
        file.extend_from_slice(&u32::try_from(frame.len()).unwrap().to_be_bytes());
        file.extend_from_slice(&frame);
    }
    let (all, _) = frames(&file);
    #[allow(clippy::disallowed_methods)]
    std::fs::write(&path, &file).unwrap();
    match evidence.open(&case, house::SECRET) {
        Ok(opened) => {
            assert_eq!(opened.still_sealed, all.len() - sealed, "each that cannot be opened is counted");
            assert!(opened.numbers.is_sorted());
        }
        Err(_) => assert!(all.len() > sealed),
    }
}

/// A mail that comes in, in any pieces and blocks.
fn draft(input: &[u8]) {
    let Some((bytes, pieces)) = cut::cut(input) else { return };
    // Some thousand times as much, so that it goes to the file.
    let times = if bytes.first().is_some_and(|byte| byte % 8 == 0) { 70_000 / bytes.len() } else { 1 };
    let mut draft = Drafts::below(&FOLDER).begin();
    for piece in std::iter::repeat_n(&pieces, times).flatten() {
        draft.push(piece);
        draft.settle().unwrap();
    }
    let mail = bytes.repeat(times);
    let written = draft.finish();
    assert_eq!(written.size(), mail.len() as u64);
    assert_eq!(written.ends_a_line(), mail.is_empty() || mail.ends_with(b"\r\n"));
    let mut back = Vec::new();
    written.reader().read_to_end(&mut back).unwrap();
    assert!(back == mail);
}

/// The list of numbers that are nobody's.
fn allow_list(bytes: &[u8]) {
    let key = NodeKey::from_bytes([1; 32]);
    let text = String::from_utf8_lossy(bytes);
    let mut ours = AllowFile::new(&key);
    ours.add(seal::allow::digest(&key, b"1503791028"));
    for text in [text.to_string(), ours.text() + &text] {
        if let Ok(list) = AllowFile::parse(&text, &key) {
            let again = AllowFile::parse(&list.text(), &key).unwrap();
            assert!(again.digests().eq(list.digests()));
        }
    }
}

libfuzzer_sys::fuzz_target!(|input: &[u8]| {
    let Some((what, rest)) = input.split_first() else { return };
    match what % 8 {
        0 => no_seal(rest),
        1 => damaged(usize::from(what / 8), rest),
        2 => sealed_nonsense(rest),
        3 | 4 => segment(rest),
        5 => evidence(rest),
        6 => draft(rest),
        _ => allow_list(rest),
    }
});
