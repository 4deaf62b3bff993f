//! How a target cuts what it reads: the first byte says how, so that the fuzzer learns which cuts matter.

/// The bytes behind the first, in pieces: two, the first as long as that many 128ths of the whole; or many, of 1 to 128 bytes.
pub fn cut(input: &[u8]) -> Option<(&[u8], Vec<&[u8]>)> {
    let (how, bytes) = input.split_first()?;
    let how = usize::from(*how);
    let pieces = if how < 128 {
        let (before, after) = bytes.split_at(bytes.len() * how / 128);
        vec![before, after]
    } else {
        bytes.chunks(how - 127).collect()
    };
    Some((bytes, pieces))
}
