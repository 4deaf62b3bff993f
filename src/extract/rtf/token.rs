//! RTF as tokens: groups, control words with their numbers, bytes as `\'hh`, and text.

/// What comes next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Token<'a> {
    Open,
    Close,
    /// A control word and its number.
    Word(&'a [u8], Option<i32>),
    /// A backslash and one character that is no letter.
    Symbol(u8),
    /// A byte of text, as it is or as `\'hh`.
    Byte(u8),
    /// Bytes as they are, as many as were announced.
    Binary(&'a [u8]),
}

/// The tokens of a document.
pub(super) struct Tokens<'a> {
    /// What has not been read.
    pub(super) rest: &'a [u8],
}

impl<'a> Tokens<'a> {
    fn take(&mut self, count: usize) -> &'a [u8] {
        let (now, rest) = self.rest.split_at(count.min(self.rest.len()));
        self.rest = rest;
        now
    }

    fn take_while(&mut self, is: impl Fn(u8) -> bool) -> &'a [u8] {
        let end = self.rest.iter().position(|byte| !is(*byte)).unwrap_or(self.rest.len());
        self.take(end)
    }

    fn word(&mut self) -> Token<'a> {
        let name = self.take_while(|byte| byte.is_ascii_alphabetic());
        let is_negative = self.rest.first() == Some(&b'-');
        if is_negative {
            self.take(1);
        }
        let digits = self.take_while(|byte| byte.is_ascii_digit());
        let number = digits.iter().fold(0_i32, |sum, digit| {
            sum.saturating_mul(10).saturating_add(i32::from(digit.saturating_sub(b'0')))
        });
        let number = (!digits.is_empty()).then_some(if is_negative { -number } else { number });
        // One blank behind a word is its end, and no text.
        if self.rest.first() == Some(&b' ') {
            self.take(1);
        }
        match (name, number) {
            (b"bin", Some(count)) => Token::Binary(self.take(usize::try_from(count).unwrap_or_default())),
            _ => Token::Word(name, number),
        }
    }
}

impl<'a> Iterator for Tokens<'a> {
    type Item = Token<'a>;

    fn next(&mut self) -> Option<Token<'a>> {
        let (first, rest) = self.rest.split_first()?;
        self.rest = rest;
        Some(match first {
            b'{' => Token::Open,
            b'}' => Token::Close,
            b'\\' => match self.rest.first()? {
                byte if byte.is_ascii_alphabetic() => self.word(),
                b'\'' => {
                    self.take(1);
                    let digits = self.rest.get(..2).and_then(|digits| std::str::from_utf8(digits).ok());
                    let byte = digits.and_then(|digits| u8::from_str_radix(digits, 16).ok());
                    // What is no number is no byte, and the text goes on behind the mark.
                    match byte {
                        Some(byte) => {
                            self.take(2);
                            Token::Byte(byte)
                        }
                        None => Token::Symbol(b'\''),
                    }
                }
                symbol => {
                    self.take(1);
                    Token::Symbol(*symbol)
                }
            },
            byte => Token::Byte(*byte),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_end_at_their_blank_and_bytes_are_bytes() {
        let tokens: Vec<_> = Tokens { rest: b"{\\rtf1\\u-10 a\\'e6\\_\\bin3 {}}\\b0 }\\'zz\\" }.collect();
        assert_eq!(
            tokens,
            [
                Token::Open,
                Token::Word(b"rtf", Some(1)),
                Token::Word(b"u", Some(-10)),
                Token::Byte(b'a'),
                Token::Byte(0xE6),
                Token::Symbol(b'_'),
                Token::Binary(b"{}}"),
                Token::Word(b"b", Some(0)),
                Token::Close,
                Token::Symbol(b'\''),
                Token::Byte(b'z'),
                Token::Byte(b'z'),
            ]
        );
    }
}
