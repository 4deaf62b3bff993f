//! Modulus 11: the check digit that was a promise until 1 October 2007 and is evidence since.

/// The weights of the ten positions; the weighted sum is a multiple of eleven.
const WEIGHTS: [u8; 10] = [4, 3, 2, 7, 6, 5, 4, 3, 2, 1];

/// How a number stands to modulus 11.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Check {
    /// The sum is a multiple of eleven: one random number in eleven.
    Passes,
    /// It is not, and numbers without modulus 11 have been issued for this birth date.
    Excepted,
    /// It is not, and no such number is known to have been issued.
    Fails,
}

/// Whether the weighted sum of ten digit values (0 to 9) is a multiple of eleven.
pub fn passes(digits: [u8; 10]) -> bool {
    let sum: u16 =
        digits.iter().zip(WEIGHTS).map(|(digit, weight)| u16::from(*digit) * u16::from(weight)).sum();
    sum.is_multiple_of(11)
}
