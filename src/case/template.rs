//! Are two mails of one template? Known by the words that they share, so that a name in lower case, an amount in words or a
//! paragraph that some mails have makes no second template.
//!
//! A [`Mark`] is two sets of keyed tags: of the pairs of neighbouring words of the text, and of the subject's words. No word
//! can be read from it without the key. Two marks are of one template when most of the *smaller* text stands in the larger
//! (a paragraph more takes nothing away) and the subjects agree by more than half (two letters that share a long closing
//! differ there). Sets are compared whole and not by samples of them, because of 25,000 mails not one may fall outside by
//! chance. Pure. Start reading at [`Mark::is_as`].

use std::collections::BTreeMap;

/// What tells a template; see the module's head.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Mark {
    /// Sorted, each once.
    subject: Vec<u32>,
    text: Vec<u32>,
}

impl Mark {
    /// From this many pairs on a template is known by most of them; a shorter text must agree more.
    const ENOUGH: usize = 16;

    /// Of the tags of a subject's words and of a text's pairs of words.
    pub fn new(mut subject: Vec<u32>, mut text: Vec<u32>) -> Self {
        for tags in [&mut subject, &mut text] {
            tags.sort_unstable();
            tags.dedup();
        }
        Self { subject, text }
    }

    /// As rows keep them: the subject's tags and the text's, big endian.
    pub fn to_bytes(&self) -> (Vec<u8>, Vec<u8>) {
        let bytes = |tags: &[u32]| tags.iter().flat_map(|tag| tag.to_be_bytes()).collect();
        (bytes(&self.subject), bytes(&self.text))
    }

    /// Reads [`Self::to_bytes`].
    pub fn from_bytes(subject: &[u8], text: &[u8]) -> Self {
        let tags = |bytes: &[u8]| bytes.as_chunks().0.iter().map(|tag| u32::from_be_bytes(*tag)).collect();
        Self::new(tags(subject), tags(text))
    }

    /// How much alike the two are when they are of one template, up to 2000: the shares of the smaller and of the larger text,
    /// in per mille; `None` when they are not.
    pub fn is_as(&self, other: &Self) -> Option<usize> {
        let (smaller, larger) =
            (self.text.len().min(other.text.len()), self.text.len().max(other.text.len()));
        let subjects = self.subject.len().min(other.subject.len());
        if subjects > 0 && 2 * shared(&self.subject, &other.subject) <= subjects {
            return None;
        }
        if smaller == 0 {
            return (larger == 0).then_some(2000);
        }
        let shared = 1000 * shared(&self.text, &other.text);
        let alike = shared / smaller;
        let least = if smaller < Self::ENOUGH { 800 } else { 600 };
        // A short letter that a long one quotes is not that letter.
        (alike >= least && larger <= 3 * smaller).then_some(alike + shared / larger)
    }
}

/// How many tags stand in both of two sorted lists.
fn shared(one: &[u32], other: &[u32]) -> usize {
    let (mut one, mut other) = (one.iter().peekable(), other.iter().peekable());
    let mut shared = 0;
    while let (Some(left), Some(right)) = (one.peek(), other.peek()) {
        match left.cmp(right) {
            std::cmp::Ordering::Less => drop(one.next()),
            std::cmp::Ordering::Greater => drop(other.next()),
            std::cmp::Ordering::Equal => {
                shared += 1;
                one.next();
                other.next();
            }
        }
    }
    shared
}

/// The templates of some sources, by the sources' keyed digests.
#[derive(Debug, Default)]
pub struct Templates(BTreeMap<[u8; 16], Vec<([u8; 16], Mark)>>);

impl Templates {
    /// The template of this mark: the one that it is most alike.
    pub fn find(&self, source: &[u8; 16], mark: &Mark) -> Option<[u8; 16]> {
        let known = self.0.get(source)?.iter();
        let alike = known.filter_map(|(id, known)| known.is_as(mark).map(|alike| (alike, id)));
        alike.max_by_key(|(alike, _)| *alike).map(|(_, id)| *id)
    }

    /// Adds one.
    pub fn add(&mut self, source: [u8; 16], id: [u8; 16], mark: Mark) {
        self.0.entry(source).or_default().push((id, mark));
    }

    /// Takes these in the place of what is known of a source.
    pub fn put(&mut self, source: [u8; 16], templates: Vec<([u8; 16], Mark)>) {
        self.0.insert(source, templates);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mark(subject: &str, text: &str) -> Mark {
        // Any hash will do here.
        let tag = |word: &[u8]| {
            word.iter()
                .fold(2_166_136_261_u32, |hash, byte| (hash ^ u32::from(*byte)).wrapping_mul(16_777_619))
        };
        let words: Vec<&str> = text.split_whitespace().collect();
        let pairs = words.windows(2).map(|pair| tag(pair.join(" ").as_bytes()));
        Mark::new(subject.split_whitespace().map(|word| tag(word.as_bytes())).collect(), pairs.collect())
    }

    const LETTER: &str = "der er modtaget en ny om betaling af klar til behandling i fagsystemet under og er oplyst til at der er i \
        skal behandles inden for fire uger og sendes til tinglysning denne mail er sendt automatisk og kan ikke besvares";

    #[test]
    fn a_paragraph_more_and_a_name_in_lower_case_make_no_second_template() {
        let plain = mark("ny om til betaling", LETTER);
        let more = LETTER.replace("skal behandles", "der er en til medansøgeren har givet samtykke til at oplysninger om indkomst og formue indhentes skal behandles");
        let named = LETTER.replace("klar til", "inger nørregaard madsen klar til");
        for other in [&more, &named] {
            assert!(plain.is_as(&mark("ny om til betaling", other)).is_some(), "{other}");
        }
        assert_eq!(plain.is_as(&plain), Some(2000));
        let (subject, text) = plain.to_bytes();
        assert_eq!(Mark::from_bytes(&subject, &text), plain);
    }

    #[test]
    fn two_letters_of_a_system_are_two_templates() {
        let plain = mark("ny om til betaling", LETTER);
        let other = "for er nu tinglyst og sagen kan afsluttes er og forrentes fra den husk at journalisere kvitteringen og at sende til \
            denne mail er sendt automatisk og kan ikke besvares";
        assert_eq!(plain.is_as(&mark("ny om til betaling", other)), None, "by their texts");
        assert_eq!(plain.is_as(&mark("tinglyst", LETTER)), None, "by their subjects");
        assert_eq!(mark("", "din er modtaget").is_as(&mark("", "din er afvist")), None);
        assert_eq!(mark("", "din er modtaget").is_as(&mark("", LETTER)), None);
        assert_eq!(mark("", "").is_as(&mark("", LETTER)), None);
        assert_eq!(mark("", "").is_as(&mark("", "")), Some(2000));
    }

    #[test]
    fn the_most_alike_is_taken() {
        let mut templates = Templates::default();
        let more = format!("{LETTER} og to ord");
        templates.add([1; 16], [7; 16], mark("", &more));
        templates.add([1; 16], [8; 16], mark("", LETTER));
        assert_eq!(templates.find(&[1; 16], &mark("", &more)), Some([7; 16]));
        assert_eq!(templates.find(&[2; 16], &mark("", LETTER)), None, "of another source");
    }
}
