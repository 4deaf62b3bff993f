//! The mails of a run: each is made from its number alone, so that the books can make it again and compare.

/// Splitmix64: a seed says the whole run, but for what the machine's scheduler does.
pub(super) struct Dice(u64);

impl Dice {
    pub(super) fn new(seed: u64) -> Self {
        Self(seed)
    }

    pub(super) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    /// From `low` to below `high`.
    pub(super) fn within(&mut self, low: u64, high: u64) -> u64 {
        low + self.next() % (high - low)
    }

    pub(super) fn one_in(&mut self, n: u64) -> bool {
        self.next().is_multiple_of(n)
    }

    pub(super) fn of<T: Copy>(&mut self, choice: &[T]) -> T {
        let at = usize::try_from(self.next() % choice.len() as u64).unwrap();
        choice[at]
    }
}

pub(super) const SENDER: &str = "sagsbehandler@noerreby.example";

/// Another made-up number for each mail, so that the sealed evidence says which have left: of 1979, passes modulus 11.
pub(super) fn cpr(number: u32) -> String {
    const WEIGHTS: [u32; 10] = [4, 3, 2, 7, 6, 5, 4, 3, 2, 1];
    let (day, month, nth) = (1 + number % 28, 1 + number / 28 % 12, number / 336);
    let date = format!("{day:02}{month:02}79");
    let passes = |serial: &u32| {
        let digits = format!("{date}{serial:04}");
        let sum: u32 =
            digits.bytes().zip(WEIGHTS).map(|(digit, weight)| u32::from(digit - b'0') * weight).sum();
        sum.is_multiple_of(11)
    };
    let serial = (1_000..4_000).filter(passes).nth(usize::try_from(nth).unwrap()).unwrap();
    format!("{date}-{serial:04}")
}

/// A mail of the run.
pub(super) struct Mail {
    pub(super) number: u32,
    pub(super) is_leak: bool,
    pub(super) recipients: Vec<String>,
    pub(super) bytes: Vec<u8>,
}

/// Whether a recipient is on the protected road.
pub(super) fn is_safe(recipient: &str) -> bool {
    recipient.ends_with("@sikker.example")
}

/// A domain that no other mail has: the register keeps domains, and is asked by it.
pub(super) fn domain(number: u32) -> String {
    format!("m{number}.example")
}

/// The number of the mail with these bytes.
pub(super) fn number_of(bytes: &[u8]) -> Option<u32> {
    let head = String::from_utf8_lossy(&bytes[..bytes.len().min(4_000)]).into_owned();
    head.lines().find_map(|line| line.strip_prefix("X-Nr: "))?.trim().parse().ok()
}

impl Mail {
    pub(super) fn make(seed: u64, number: u32) -> Self {
        let mut dice = Dice::new(seed ^ (u64::from(number) << 20));
        let (citizen, safe) = (format!("borger@{}", domain(number)), format!("sag{number}@sikker.example"));
        let (is_leak, recipients) = match dice.within(0, 20) {
            0..6 => (false, vec![citizen]),
            6..8 => (false, vec![citizen, format!("anden@{}", domain(number)), safe]),
            8..13 => (true, vec![citizen]),
            13..18 => (true, vec![safe, citizen]),
            _ => (true, vec![safe]),
        };
        let filler = match dice.within(0, 20) {
            0..15 => dice.within(0, 1_000),
            15..19 => dice.within(5_000, 60_000),
            // More than a draft keeps in memory.
            _ => dice.within(70_000, 200_000),
        };
        let mut text = format!(
            "From: <{SENDER}>\r\nTo: <{}>\r\nDate: Mon, 2 Nov 2026 08:00:00 +0100\r\n\
             Message-ID: <m{number}@noerreby.example>\r\nX-Nr: {number}\r\nSubject: Din sag\r\n\r\n",
            recipients[0]
        );
        if is_leak {
            text.push_str(&format!("CPR-nr.: {}\r\n", cpr(number)));
        }
        let end = text.len() + usize::try_from(filler).unwrap();
        while text.len() < end {
            text.push_str(dice.of(&[
                ".punktum først\r\n",
                "Vi har modtaget din henvendelse om en plads i skolen, og svarer snart.\r\n",
                "..\r\n",
                "blanke til sidst  \r\n",
                "\r\n",
            ]));
        }
        text.push_str("slut\r\n");
        Self { number, is_leak, recipients, bytes: text.into_bytes() }
    }
}
