//! Where the text of a group goes, by the word that begins it.

/// What becomes of text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Target {
    /// It is the document's.
    Main,
    /// It stands beside the document's text: a note, a header, a field's instruction. Told behind the paragraph, for it
    /// may be anchored within a number.
    Beside,
    /// Likewise, and each group is a line: names and values.
    Lines,
    /// Readers do not know it and pass it over. The number in it leaves the house all the same, so it is told when it
    /// holds one and is not the hexadecimal digits of something.
    Unknown,
    /// The table of fonts.
    Fonts,
    /// A picture, in hexadecimal digits.
    Picture,
    /// An object, likewise.
    Object,
    /// The name of a drawing's property, and its value.
    DrawingName,
    DrawingValue,
    /// A piece of the HTML that the document was.
    Html,
    /// Numbers and names of the form itself.
    Nothing,
}

impl Target {
    /// Of a word that begins a group; `None` when it does not say.
    pub(super) fn of(word: &[u8], is_starred: bool) -> Option<Self> {
        Some(match word {
            b"footnote" | b"annotation" | b"fldinst" | b"header" | b"headerl" | b"headerr" | b"headerf"
            | b"footer" | b"footerl" | b"footerr" | b"footerf" | b"xe" | b"tc" | b"txe" | b"rxe" | b"ud"
            | b"shptxt" | b"atnauthor" | b"atnid" | b"bkmkstart" => Self::Beside,
            b"info" | b"title" | b"subject" | b"author" | b"manager" | b"company" | b"operator"
            | b"category" | b"keywords" | b"comment" | b"doccomm" | b"hlinkbase" | b"userprops"
            | b"docvar" | b"formfield" | b"revtbl" | b"template" => Self::Lines,
            b"fonttbl" => Self::Fonts,
            b"pict" => Self::Picture,
            b"objdata" => Self::Object,
            b"sn" => Self::DrawingName,
            b"sv" => Self::DrawingValue,
            b"htmltag" => Self::Html,
            b"colortbl"
            | b"stylesheet"
            | b"listtable"
            | b"listoverridetable"
            | b"rsidtbl"
            | b"generator"
            | b"latentstyles"
            | b"themedata"
            | b"colorschememapping"
            | b"datastore"
            | b"xmlnstbl"
            | b"fontemb"
            | b"panose"
            | b"falt"
            | b"filetbl"
            | b"mmathPr"
            | b"wgrffmtfilter"
            | b"blipuid"
            | b"blipprop"
            | b"picprop"
            | b"pgptbl"
            | b"bkmkend"
            | b"pnseclvl"
            | b"nonshppict"
            | b"mhtmltag"
            | b"objclass"
            | b"listpicture"
            | b"fchars"
            | b"lchars"
            | b"passwordhash" => Self::Nothing,
            // Groups that are text though readers of old do not know them.
            b"shppict" | b"shp" | b"shpinst" | b"do" | b"dptxbxtext" | b"listtext" | b"pntext"
            | b"nesttableprops" | b"object" | b"result" | b"fldrslt" | b"field" | b"background" => {
                return None;
            }
            _ if is_starred => Self::Unknown,
            _ => return None,
        })
    }
}
