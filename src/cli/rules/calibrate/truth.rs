//! What is right: the numbers of each message, as a person or a program labelled them.
//!
//! Faults name the line and never what stands there. Start reading at [`Truth::read`]. Tests: below.

use anyhow::Context;
use serde::Deserialize;
use std::collections::{HashMap, HashSet};
use std::fs;
use std::path::Path;

/// Ten digits, or digits and letters of an eCPR, in ASCII.
pub(super) type Number = [u8; 10];

/// The right numbers of every message, by its name.
pub(super) struct Truth(HashMap<String, Right>);

/// What is right of one message.
#[derive(Default)]
pub(super) struct Right {
    pub(super) cprs: HashSet<Number>,
    /// Neither right nor wrong.
    pub(super) neutral: HashSet<Number>,
}

/// A line, as far as it is read.
#[derive(Deserialize)]
struct Line {
    file: String,
    cprs: Vec<String>,
    #[serde(default)]
    test_cprs: Vec<Neutral>,
    #[serde(default)]
    ambiguous: Vec<Neutral>,
}

#[derive(Deserialize)]
struct Neutral {
    cpr: String,
}

impl Truth {
    /// Reads the file.
    ///
    /// # Errors
    /// When it cannot be read, or with every bad line by its number.
    pub(super) fn read(path: &Path) -> anyhow::Result<Self> {
        let text = fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))?;
        Self::parse(&text).map_err(|faults| {
            const SHOWN: usize = 10;
            let shown: Vec<String> = faults.iter().take(SHOWN).map(|fault| format!("\n  {fault}")).collect();
            let more = faults.len().saturating_sub(SHOWN);
            let more = if more > 0 { format!("\n  and {more} more") } else { String::new() };
            anyhow::anyhow!("{} cannot be used:{}{more}", path.display(), shown.concat())
        })
    }

    fn parse(text: &str) -> Result<Self, Vec<String>> {
        let (mut all, mut faults) = (HashMap::new(), Vec::new());
        for (number, line) in (1..).zip(text.lines()) {
            if line.trim().is_empty() {
                continue;
            }
            // The reason of the parser may quote the line.
            let Ok(line) = serde_json::from_str::<Line>(line) else {
                faults.push(format!(
                    "line {number}: must be as {{\"file\": \"a.eml\", \"cprs\": [\"ddmmyyssss\"]}}"
                ));
                continue;
            };
            let neutral = line.test_cprs.iter().chain(&line.ambiguous).map(|one| one.cpr.as_str());
            let cprs = line.cprs.iter().map(|cpr| number_of(cpr)).collect::<Option<HashSet<Number>>>();
            let neutral = neutral.map(number_of).collect::<Option<HashSet<Number>>>();
            let (Some(cprs), Some(neutral)) = (cprs, neutral) else {
                faults.push(format!("line {number}: a number has ten digits, ddmmyyssss"));
                continue;
            };
            if all.insert(line.file, Right { cprs, neutral }).is_some() {
                faults.push(format!("line {number}: its `file` stands in a line above too"));
            }
        }
        if all.is_empty() && faults.is_empty() {
            faults.push("names no message".to_owned());
        }
        if faults.is_empty() { Ok(Self(all)) } else { Err(faults) }
    }

    /// What is right of the message of this name.
    pub(super) fn of(&self, name: &str) -> Option<&Right> {
        self.0.get(name)
    }

    /// How many messages it knows.
    pub(super) fn len(&self) -> usize {
        self.0.len()
    }
}

/// The number in any notation of ten.
fn number_of(text: &str) -> Option<Number> {
    let signs = text.bytes().filter(u8::is_ascii_alphanumeric).map(|byte| byte.to_ascii_uppercase());
    signs.collect::<Vec<u8>>().try_into().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_says_what_is_right() {
        let truth = Truth::parse(
            "{\"file\": \"a\", \"cprs\": [\"150379-1028\"], \"ambiguous\": [{\"cpr\": \"0306851004\"}], \"more\": 1}\n\n\
             {\"file\": \"b\", \"cprs\": []}\n",
        )
        .ok()
        .unwrap();
        assert_eq!(truth.len(), 2);
        let right = truth.of("a").unwrap();
        assert!(right.cprs.contains(b"1503791028") && right.neutral.contains(b"0306851004"));
    }

    #[test]
    fn bad_lines_are_named_and_never_shown() {
        let text = "{\"file\": \"a\", \"cprs\": \"1503791028\"}\n{\"file\": \"a\", \"cprs\": [\"150379102\"]}\n\
                    {\"file\": \"b\", \"cprs\": []}\n{\"file\": \"b\", \"cprs\": []}\n";
        let faults = Truth::parse(text).err().unwrap();
        assert_eq!(faults.len(), 3);
        assert!(!faults.concat().contains("150379"), "{faults:?}");
        assert_eq!(Truth::parse("\n").err().unwrap(), ["names no message"]);
    }
}
