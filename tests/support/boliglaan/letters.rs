//! What the mails say.

use super::{Dice, Mail, VENDOR, domain, name};

const FIRST: [&str; 20] = [
    "Inger",
    "Bo",
    "Yrsa",
    "Frode",
    "Karla",
    "Åse",
    "Øjvind",
    "Ældis",
    "Jens Peter",
    "Anne-Marie",
    "Ib",
    "Solvej",
    "Thorkild",
    "Ulla",
    "Vagn",
    "Birthe",
    "Gudrun",
    "Hans",
    "Maj",
    "August",
];
const LAST: [&str; 16] = [
    "Madsen",
    "Åkjær",
    "Holm",
    "Lind",
    "Friis",
    "Ørsted",
    "Bæk",
    "Nørregaard Jensen",
    "Skov",
    "Vestergaard",
    "Dahl",
    "Krogh",
    "Å",
    "Thygesen-Møller",
    "Kjær",
    "From",
];
const STREETS: [&str; 6] = ["Nørregade", "Åvej", "Møllebakken", "Kirkestien", "Strandvejen", "Rådhuspladsen"];

impl Mail {
    /// The mail as it came to its reader, lines ended by CRLF.
    pub(crate) fn bytes(&self) -> Vec<u8> {
        let mut dice = Dice::new(self.dice);
        let to = domain(self.municipality);
        let mut head = format!("Return-Path: <bounce@{VENDOR}>\r\n");
        // The relay added its line; one in fifty has no other date.
        head += &format!(
            "Received: from relay.{VENDOR} (relay.{VENDOR} [192.0.2.{}])\r\n\tby mx.{to} (Postfix) with ESMTP id {:011X};\r\n\t{}\r\n",
            dice.below(250),
            dice.next() >> 20,
            date(self.sent),
        );
        if !dice.once_in(50) {
            head += &format!("Date: {}\r\n", date(self.sent));
        }
        head += &format!("From: eAnsoegning <noreply@{VENDOR}>\r\nTo: <boliglaan@{to}>\r\n");
        let (subject, body) = match (&self.cpr, self.template) {
            (None, _) => newsletter(&mut dice, self.municipality),
            (Some(cpr), 0) => application(&mut dice, self.municipality, cpr, self.sent),
            (Some(cpr), _) => decision(&mut dice, self.municipality, cpr, self.sent),
        };
        head += &format!("Subject: {subject}\r\n");
        if !dice.once_in(40) {
            head += &format!("Message-ID: <{}.{:08x}@{VENDOR}>\r\n", self.number, self.dice >> 32);
        }
        head.push_str("MIME-Version: 1.0\r\n");
        let (charset, encoding, content) = match dice.below(4) {
            0 => ("iso-8859-1", "quoted-printable", quoted(&latin(&body))),
            1 => ("utf-8", "quoted-printable", quoted(body.as_bytes())),
            _ => ("utf-8", "8bit", body.into_bytes()),
        };
        head += &format!(
            "Content-Type: text/plain; charset={charset}\r\nContent-Transfer-Encoding: {encoding}\r\n\r\n"
        );
        [head.as_bytes(), &content].concat()
    }
}

/// The letter of the story: what a citizen filled in, mailed to the municipality.
fn application(dice: &mut Dice, municipality: usize, cpr: &str, sent: i64) -> (String, String) {
    let (given, (birth, serial)) = (person(dice), cpr.split_at(6));
    let (day, month, year) = civil(sent - i64::try_from(dice.below(9)).unwrap_or(0) * 86_400);
    let months = [
        "januar",
        "februar",
        "marts",
        "april",
        "maj",
        "juni",
        "juli",
        "august",
        "september",
        "oktober",
        "november",
        "december",
    ];
    let month = months.get(month.saturating_sub(1)).unwrap_or(&"maj");
    let mut text = format!(
        "Til {}\r\n\r\nDer er modtaget en ny ansøgning om lån til betaling af ejendomsskat.\r\n\r\n\
         Ansøger: {given}\r\nCPR-nr.: {birth}-{serial}\r\nAdresse: {}\r\nEjendomsnr.: {:06}\r\n\r\n\
         Ansøgningen er indsendt af {given} den {day}. {month} {year} via selvbetjeningen og ligger klar til \
         behandling i fagsystemet under sagsnr. {}.\r\n\r\nDer søges om et lån på {} kr. til betaling af {}. rate for \
         {year}. Grundværdien er oplyst til {} kr., og ansøgeren har frivilligt oplyst, at der er restgæld på {} kr. i \
         ejendommen.\r\n\r\n",
        name(municipality),
        address(dice),
        dice.below(1_000_000),
        dice.below(900_000) + 100_000,
        amount(dice, 60_000),
        1 + dice.below(2),
        amount(dice, 2_000_000),
        amount(dice, 900_000),
    );
    if dice.once_in(5) {
        text += &format!(
            "Der er en medansøger til lånet: {}. Medansøgeren har givet samtykke til, at oplysninger om indkomst og \
             formue indhentes, og hæfter solidarisk for lånet sammen med ansøgeren.\r\n\r\n",
            person(dice)
        );
    }
    if dice.once_in(7) {
        text += &format!("Bemærkning fra ansøgeren: ring venligst efter kl. {}.\r\n\r\n", 8 + dice.below(9));
    }
    text.push_str(
        "Ansøgningen skal behandles inden for fire uger. Når ansøgningen er godkendt, udskrives pantebrevet, og det \
         sendes til tinglysning. Ansøgeren får besked, når lånet er bevilget.\r\n\r\n\
         Denne mail er sendt automatisk og kan ikke besvares. Kontakt leverandørens servicecenter ved spørgsmål om \
         selvbetjeningsløsningen.\r\n",
    );
    ("Ny =?utf-8?Q?ans=C3=B8gning?= om =?utf-8?Q?l=C3=A5n?= til betaling af ejendomsskat".to_owned(), text)
}

/// Another letter of the same system.
fn decision(dice: &mut Dice, municipality: usize, cpr: &str, sent: i64) -> (String, String) {
    let (given, (birth, serial)) = (person(dice), cpr.split_at(6));
    let (day, month, year) = civil(sent);
    let text = format!(
        "Til {}\r\n\r\nPantebrevet for lånet er nu tinglyst, og sagen kan afsluttes.\r\n\r\nLåntager: {given}\r\n\
         CPR-nr.: {birth}-{serial}\r\n\r\nHovedstolen er {} kr. og forrentes fra den {day:02}-{month:02}-{year}. Husk at \
         journalisere kvitteringen og at sende årsopgørelsen til låntageren i januar.\r\n\r\nDenne mail er sendt \
         automatisk og kan ikke besvares. Kontakt leverandørens servicecenter ved spørgsmål om \
         selvbetjeningsløsningen.\r\n",
        name(municipality),
        amount(dice, 400_000),
    );
    ("Pantebrev tinglyst".to_owned(), text)
}

fn newsletter(dice: &mut Dice, municipality: usize) -> (String, String) {
    let text = format!(
        "Kære {}\r\n\r\nSelvbetjeningen er lukket for vedligeholdelse uge {}. Ordrenr. {}. Vi beklager ulejligheden.\r\n",
        name(municipality),
        1 + dice.below(52),
        1_000 + dice.below(9_000),
    );
    ("Driftsmeddelelse".to_owned(), text)
}

/// One in eight writes it all in lower case.
fn person(dice: &mut Dice) -> String {
    let pick = |list: &[&'static str], at: usize| list.get(at).copied().unwrap_or_default();
    let (first, last) = (dice.below(FIRST.len()), dice.below(LAST.len()));
    let name = format!("{} {}", pick(&FIRST, first), pick(&LAST, last));
    if dice.once_in(8) { name.to_lowercase() } else { name }
}

fn address(dice: &mut Dice) -> String {
    let street = STREETS.get(dice.below(STREETS.len())).copied().unwrap_or_default();
    let floor = if dice.once_in(3) { format!(", {}. tv.", 1 + dice.below(4)) } else { String::new() };
    format!("{street} {}{floor}", 1 + dice.below(180))
}

/// As Danes write it: `12.345,67`.
fn amount(dice: &mut Dice, most: usize) -> String {
    let whole = (1_000 + dice.below(most)).to_string();
    let mut grouped = String::new();
    for (at, digit) in whole.chars().enumerate() {
        if at > 0 && (whole.len() - at).is_multiple_of(3) {
            grouped.push('.');
        }
        grouped.push(digit);
    }
    format!("{grouped},{:02}", dice.below(100))
}

/// RFC 5322 §3.3, by a Danish clock: summer time is taken to be April to September.
fn date(sent: i64) -> String {
    let days = ["Thu", "Fri", "Sat", "Sun", "Mon", "Tue", "Wed"];
    let months = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
    let hours = if (4..=9).contains(&civil(sent).1) { 2 } else { 1 };
    let there = sent + hours * 3_600;
    let (day, month, year) = civil(there);
    let weekday = usize::try_from(there.div_euclid(86_400).rem_euclid(7)).unwrap_or(0);
    let second = there.rem_euclid(86_400);
    format!(
        "{}, {day} {} {year} {:02}:{:02}:{:02} +0{hours}00",
        days.get(weekday).unwrap_or(&"Mon"),
        months.get(month.saturating_sub(1)).unwrap_or(&"May"),
        second / 3_600,
        second / 60 % 60,
        second % 60
    )
}

/// Day, month and year of these seconds, in UTC; counted from a March, so that a leap day ends its year.
fn civil(seconds: i64) -> (usize, usize, i64) {
    let days = seconds.div_euclid(86_400) + 719_468;
    let era = days.div_euclid(146_097);
    let of_era = days.rem_euclid(146_097);
    let year = (of_era - of_era / 1_460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year + year / 4 - year / 100);
    let shifted = (5 * of_year + 2) / 153;
    let day = of_year - (153 * shifted + 2) / 5 + 1;
    let month = if shifted < 10 { shifted + 3 } else { shifted - 9 };
    let year = year + era * 400 + i64::from(month <= 2);
    (usize::try_from(day).unwrap_or(1), usize::try_from(month).unwrap_or(1), year)
}

fn latin(text: &str) -> Vec<u8> {
    text.chars().map(|letter| u8::try_from(u32::from(letter)).unwrap_or(b'?')).collect()
}

/// RFC 2045 §6.7.
fn quoted(content: &[u8]) -> Vec<u8> {
    let (mut out, mut column) = (Vec::new(), 0);
    for byte in content {
        let piece = match byte {
            b'\r' | b'\n' => {
                out.push(*byte);
                column = 0;
                continue;
            }
            b'=' | 0x80.. => format!("={byte:02X}"),
            byte => char::from(*byte).to_string(),
        };
        if column + piece.len() > 72 {
            out.extend_from_slice(b"=\r\n");
            column = 0;
        }
        out.extend_from_slice(piece.as_bytes());
        column += piece.len();
    }
    out
}
