//! Numbers and texts at places in bytes that a document claims: there or not there, never out of bounds.

/// The bytes from `at`, as many as a number takes.
fn array<const N: usize>(bytes: &[u8], at: usize) -> Option<[u8; N]> {
    bytes.get(at..at.checked_add(N)?)?.try_into().ok()
}

/// Two bytes, little endian.
pub(super) fn u16_at(bytes: &[u8], at: usize) -> Option<u16> {
    array(bytes, at).map(u16::from_le_bytes)
}

/// Four bytes, little endian.
pub(super) fn u32_at(bytes: &[u8], at: usize) -> Option<u32> {
    array(bytes, at).map(u32::from_le_bytes)
}

/// Eight bytes, little endian.
pub(super) fn u64_at(bytes: &[u8], at: usize) -> Option<u64> {
    array(bytes, at).map(u64::from_le_bytes)
}

/// Eight bytes that are a floating point number, little endian.
pub(super) fn f64_at(bytes: &[u8], at: usize) -> Option<f64> {
    array(bytes, at).map(f64::from_le_bytes)
}

/// Four bytes, little endian, as a length or a place.
pub(super) fn size_at(bytes: &[u8], at: usize) -> Option<usize> {
    usize::try_from(u32_at(bytes, at)?).ok()
}

/// `length` bytes from `at`, or as many of them as there are: a broken document is read as far as it goes.
pub(super) fn part(bytes: &[u8], at: usize, length: usize) -> &[u8] {
    let rest = bytes.get(at..).unwrap_or_default();
    rest.get(..length).unwrap_or(rest)
}

/// UTF-16, little endian, as UTF-8.
pub(super) fn wide(bytes: &[u8]) -> String {
    let (units, _) = bytes.as_chunks::<2>();
    let units = units.iter().map(|unit| u16::from_le_bytes(*unit));
    char::decode_utf16(units).map(|letter| letter.unwrap_or(char::REPLACEMENT_CHARACTER)).collect()
}

/// Without what stands behind a NUL, as texts of C are told.
pub(super) fn until_nul(bytes: &[u8]) -> &[u8] {
    bytes.split(|byte| *byte == 0).next().unwrap_or_default()
}

/// A text as one piece of a line: controls, which the forms use for their own ends, become blanks, and blanks round it
/// go.
pub(super) fn in_line(text: &str) -> String {
    let text = text.trim_matches(|letter: char| letter.is_control() || letter.is_whitespace());
    text.chars().map(|letter| if letter.is_control() { ' ' } else { letter }).collect()
}
