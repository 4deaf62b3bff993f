//! The slow, obvious twins of the decoders: over a whole text, one thing at a time. They say what a decoder must give,
//! and are used by the tests beside the decoders and by the fuzzer (`tests/fuzz`), which includes this file.

/// How many blanks before a line's end are taken for the transport's; more are text.
pub(super) const RUN: usize = 128;

/// Base64: strip, gather bits, cut bytes. Tells whether there was junk.
pub(super) fn base64(bytes: &[u8]) -> (Vec<u8>, bool) {
    let alphabet = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let (mut out, mut junk, mut group, mut padded) = (Vec::new(), false, Vec::new(), false);
    let close = |group: &mut Vec<bool>, out: &mut Vec<u8>, junk: &mut bool| {
        *junk |= group.len() == 6;
        for eight in group.chunks_exact(8) {
            out.push(eight.iter().fold(0, |byte, bit| byte << 1 | u8::from(*bit)));
        }
        group.clear();
    };
    for byte in bytes {
        if b"\r\n \t".contains(byte) {
            continue;
        }
        if *byte == b'=' {
            padded = true;
            close(&mut group, &mut out, &mut junk);
        } else if let Some(six) = alphabet.iter().position(|letter| letter == byte) {
            junk |= padded;
            padded = false;
            group.extend((0..6).rev().map(|bit| six >> bit & 1 == 1));
            if group.len() == 24 {
                close(&mut group, &mut out, &mut junk);
            }
        } else {
            junk = true;
        }
    }
    close(&mut group, &mut out, &mut junk);
    (out, junk)
}

/// Quoted-printable, line by line.
pub(super) fn quoted_printable(bytes: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    let mut rest = bytes;
    while !rest.is_empty() {
        let (line, later) = rest.split_at(line_end(rest));
        rest = later;
        let ended = line.ends_with(b"\n");
        let (body, end): (&[u8], &[u8]) = match line {
            [body @ .., b'\r', b'\n'] => (body, b"\r\n"),
            [body @ .., b'\n'] => (body, b"\n"),
            [body @ .., b'\r'] if body.ends_with(b" ") || body.ends_with(b"\t") || body.ends_with(b"=") => {
                (body, b"\r")
            }
            body => (body, b""),
        };
        let mut kept = body;
        while let [shorter @ .., b' ' | b'\t'] = kept {
            kept = shorter;
        }
        if body.len() - kept.len() > RUN {
            kept = body;
        }
        let soft = kept.ends_with(b"=");
        let mut text = if soft { &kept[..kept.len() - 1] } else { kept };
        while let Some((first, after)) = text.split_first() {
            let code = text.get(1..3).and_then(|two| std::str::from_utf8(two).ok());
            let code = code.filter(|two| two.bytes().all(|byte| byte.is_ascii_hexdigit()));
            match code.and_then(|two| u8::from_str_radix(two, 16).ok()) {
                Some(byte) if *first == b'=' => {
                    out.push(byte);
                    text = &text[3..];
                }
                _ => {
                    out.push(*first);
                    text = after;
                }
            }
        }
        if !soft && (ended || !end.is_empty()) {
            out.extend_from_slice(end);
        }
    }
    out
}

/// A line of quoted-printable ends at its feed, or at a bare return that `=` and blanks stand before.
fn line_end(bytes: &[u8]) -> usize {
    let ends = |at: usize| match &bytes[..=at] {
        [.., b'\n'] => true,
        [before @ .., b'\r'] if bytes.get(at + 1) != Some(&b'\n') => {
            let blanks = before.iter().rev().take_while(|byte| matches!(byte, b' ' | b'\t')).count();
            blanks <= RUN && before[..before.len() - blanks].ends_with(b"=")
        }
        _ => false,
    };
    (0..bytes.len()).find(|at| ends(*at)).map_or(bytes.len(), |at| at + 1)
}
