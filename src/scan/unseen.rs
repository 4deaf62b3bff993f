//! What stands in HTML and no reader sees: style sheets, scripts and comments.
//!
//! Only the sketch leaves it out ([`super::Sketch`]): the search for numbers reads every byte. Judges no markup, and never
//! fails: in what is no HTML there is seldom any of it. Start reading at [`drop_unseen`].

use memchr::{memchr_iter, memmem};

/// What ends a style sheet, a script or a comment is no longer.
const LONGEST_END: usize = b"</script".len();

/// Drops what nobody sees from what stands behind `from`, in one pass. To where the rest is seen for sure, and whether what
/// stands behind that is within a block without an end; of one, so much is left that more text may bring its end.
pub(super) fn drop_unseen(text: &mut Vec<u8>, from: usize) -> (usize, bool) {
    let whole = text.len();
    let (mut at, mut kept) = (from, from);
    let mut keep = |text: &mut Vec<u8>, begin: usize, end: usize| {
        // Most texts have nothing to drop, and none of their bytes is moved.
        if kept < begin {
            text.copy_within(begin..end, kept);
        }
        kept += end - begin;
        kept
    };
    let (seen, is_within) = loop {
        let Some((begin, block)) = next(text, at) else {
            break (keep(text, at, whole), false);
        };
        let seen = keep(text, at, begin);
        let Some(block) = block else {
            keep(text, begin, whole);
            break (seen, false);
        };
        let inner = begin + block.opening;
        let Some(end) = block.end(text.get(inner..).unwrap_or_default()) else {
            keep(text, begin, inner);
            keep(text, inner.max(whole.saturating_sub(LONGEST_END)), whole);
            break (seen, true);
        };
        at = inner + end;
    };
    text.truncate(kept);
    (seen, is_within)
}

/// What nobody sees begins so.
struct Block {
    /// How long its beginning is.
    opening: usize,
    /// Its end, in lower case; a tag is left where it stands, since tags are no words.
    closing: &'static [u8],
}

impl Block {
    fn end(&self, text: &[u8]) -> Option<usize> {
        if self.closing == b"-->" {
            return memmem::find(text, self.closing).map(|end| end + self.closing.len());
        }
        let is_end = |at: &usize| begins(text.get(*at..).unwrap_or_default(), self.closing);
        memchr_iter(b'<', text).find(is_end)
    }
}

/// Where the next block begins; without one where the text ends in what may become a beginning.
fn next(text: &[u8], from: usize) -> Option<(usize, Option<Block>)> {
    let rest = text.get(from..).unwrap_or_default();
    memchr_iter(b'<', rest).find_map(|at| {
        let rest = rest.get(at..).unwrap_or_default();
        match rest.get(1) {
            Some(b'!' | b's' | b'S') | None => {}
            Some(_) => return None,
        }
        for (opening, closing) in
            [(b"<!--".as_slice(), b"-->".as_slice()), (b"<style", b"</style"), (b"<script", b"</script")]
        {
            // The byte behind a tag's name tells that it is the whole of it.
            let is_tag = closing != b"-->";
            let length = opening.len() + usize::from(is_tag);
            if rest.len() < length {
                if begins(opening, rest) || begins(rest, opening) {
                    return Some((from + at, None));
                }
            } else if begins(rest, opening)
                && !(is_tag && rest.get(opening.len()).is_some_and(u8::is_ascii_alphanumeric))
            {
                return Some((from + at, Some(Block { opening: length, closing })));
            }
        }
        None
    })
}

fn begins(text: &[u8], with: &[u8]) -> bool {
    text.get(..with.len()).is_some_and(|begin| begin.eq_ignore_ascii_case(with))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn left(text: &str) -> (String, bool) {
        let mut text = text.as_bytes().to_vec();
        let (seen, is_within) = drop_unseen(&mut text, 0);
        assert!(seen <= text.len());
        (String::from_utf8(text).unwrap(), is_within)
    }

    #[test]
    fn what_nobody_sees_goes_and_the_rest_stays() {
        for (text, rest) in [
            ("hej <b>du</b> 1 < 2", "hej <b>du</b> 1 < 2"),
            ("a<style>p{x}</style>b", "a</style>b"),
            ("a<STYLE type='x'>p{x}</Style >b<!-- c --><script\nx>d</script>e", "a</Style >b</script>e"),
            ("<!--[if !mso]><!-->vist<!--<![endif]-->", "vist"),
            (
                "a<styled>b</styled><strong>c</strong><!doctype x>",
                "a<styled>b</styled><strong>c</strong><!doctype x>",
            ),
            ("a<", "a<"),
        ] {
            assert_eq!(left(text), (rest.to_owned(), false), "{text}");
        }
        assert_eq!(left("a<style>0123456789</styl"), ("a<style>89</styl".to_owned(), true));
        assert_eq!(left("a<!-- -"), ("a<!-- -".to_owned(), true));
    }
}
