//! Made-up numbers that could be somebody's: a past date, the digit of its century, modulus 11. No real one is known
//! here, and none is looked up.

use super::random::Random;

/// A number to hide.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Number {
    /// `DDMMYYSSSS` in ASCII; of an eCPR, with its letters.
    digits: [u8; 10],
    year: usize,
}

/// Of the digits, as modulus 11 weighs them.
const WEIGHTS: [usize; 10] = [4, 3, 2, 7, 6, 5, 4, 3, 2, 1];

impl Number {
    /// An ordinary one. `leading_zero`: of the first nine days of a month.
    pub(crate) fn new(random: &mut Random, leading_zero: bool) -> Self {
        loop {
            let year = random.within(1937..2021);
            let day = random.within(1..if leading_zero { 10 } else { 29 });
            // The digit that tells the century, facts/cpr.md.
            let century = random.pick(if year < 2000 { b"01239".as_slice() } else { b"456789" });
            let century = if (2000..2037).contains(&year) || century != b'9' { century } else { b'2' };
            let serial = random.below(1000);
            let text = format!(
                "{day:02}{:02}{:02}{}{serial:03}",
                random.within(1..13),
                year % 100,
                char::from(century)
            );
            let digits: [u8; 10] = text.into_bytes().try_into().unwrap();
            let sum: usize =
                digits.iter().zip(WEIGHTS).map(|(digit, weight)| usize::from(digit - b'0') * weight).sum();
            if sum.is_multiple_of(11) {
                return Self { digits, year };
            }
        }
    }

    /// An eCPR: letters in the place of the eighth and ninth digit.
    pub(crate) fn lettered(random: &mut Random) -> Self {
        let mut number = Self::new(random, false);
        let letters = b"ABCDEFGHKLMNPQRSTUVWXYZ";
        number.digits[7] = random.pick(letters);
        number.digits[8] = random.pick(letters);
        number
    }

    /// As the report names it.
    pub(crate) fn whole(&self) -> String {
        String::from_utf8_lossy(&self.digits).into_owned()
    }

    /// Day, month, year of two digits and of four, and serial, each as it is written in a [picture](Self::draw).
    pub(crate) fn draw(&self, picture: &str) -> String {
        let whole = self.whole();
        picture
            .chars()
            .map(|c| match c {
                'D' => whole[..2].to_owned(),
                'M' => whole[2..4].to_owned(),
                'Y' => whole[4..6].to_owned(),
                'C' => self.year.to_string(),
                'S' => whole[6..].to_owned(),
                'A' => whole[6..8].to_owned(),
                'B' => whole[8..].to_owned(),
                other => other.to_string(),
            })
            .collect()
    }
}
