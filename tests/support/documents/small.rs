//! A small document of every form that is opened, with something in each place where its reader goes.

use super::office::{BOOK, opendocument, package};
use super::pdf::{FIRST, Writer, fold, show};
use super::{archives, compound, excel, message, office, slides, tnef, word};

/// A form, and a document of it.
#[derive(Clone, Copy)]
pub(crate) struct Small {
    /// What the form is called, which is the ending of its files too.
    pub(crate) form: &'static str,
    pub(crate) make: fn() -> Vec<u8>,
}

/// All forms.
pub(crate) const SMALL: [Small; 17] = [
    Small { form: "pdf", make: pdf },
    Small { form: "docx", make: docx },
    Small { form: "xlsx", make: xlsx },
    Small { form: "pptx", make: office::presentation },
    Small { form: "odt", make: odt },
    Small { form: "ods", make: ods },
    Small { form: "odp", make: odp },
    Small { form: "doc", make: || word::document(0) },
    Small { form: "xls", make: || compound(&[("Workbook", &excel::workbook())]) },
    Small { form: "ppt", make: || compound(&[("PowerPoint Document", &slides::presentation())]) },
    Small { form: "msg", make: message::message },
    Small { form: "rtf", make: || RTF.to_vec() },
    Small { form: "tnef", make: tnef::whole },
    Small { form: "zip", make: || archives::archive(&files()) },
    Small { form: "7z", make: || archives::seven(&files(), None, false) },
    Small { form: "tar", make: || archives::tar(&files()) },
    Small { form: "gz", make: || archives::gzip("a.tar", &archives::tar(&files())) },
];

fn files() -> [(&'static str, &'static [u8]); 3] {
    [
        ("mappe/brev.txt", b"Vedr. CPR-nr. 150379-1028, og tak for det fremsendte"),
        ("navne.csv", b"Navn;CPR-nr.\nAnna;150379-1028\nBo;010190-1234\n"),
        ("tom.txt", b""),
    ]
}

/// Most streams as they are, so that what changes a byte changes what they say.
fn pdf() -> Vec<u8> {
    let mut writer = Writer::new();
    writer.folded = false;
    let map = writer.stream(
        "",
        b"/CIDInit /ProcSet findresource begin begincmap 1 begincodespacerange <00> <FF> endcodespacerange \
          1 beginbfrange <30> <39> <0030> endbfrange 1 beginbfchar <2D> <002D> endbfchar endcmap",
    );
    let font = writer.add(format!("<</Type/Font/Subtype/Type1/BaseFont/Arial/ToUnicode {map} 0 R>>"));
    let form = writer.stream(
        "/Type/XObject/Subtype/Form/BBox[0 0 99 99]/Resources<</Font<</F1 3 0 R>>>>",
        show(1, 1, "form 010190-1234").as_bytes(),
    );
    let picture = writer.stream(
        "/Type/XObject/Subtype/Image/Width 2/Height 2/BitsPerComponent 8/ColorSpace/DeviceGray",
        b"abcd",
    );
    let note = writer.add("<</Type/Annot/Subtype/Text/Rect[0 0 9 9]/Contents(note 150379-1028)>>");
    let link = writer
        .add("<</Type/Annot/Subtype/Link/Rect[0 0 9 9]/A<</S/URI/URI(https://x.example/150379-1028)>>>>");
    let field = writer.add("<</FT/Tx/T(cpr)/V(150379-1028)/Subtype/Widget/Rect[0 0 9 9]>>");
    let file = writer
        .raw_stream("/Type/EmbeddedFile/Filter/FlateDecode", &fold(b"Navn;CPR-nr.\nAnna;150379-1028\n"));
    let info = writer.add("<</Title(titel 150379-1028)/Author<FEFF0041006E006E0061>>>");
    let meta =
        writer.stream("/Type/Metadata/Subtype/XML", b"<x:xmpmeta><dc:title>titel</dc:title></x:xmpmeta>");
    assert!(map >= FIRST);
    writer.catalog = format!(
        "/AcroForm<</Fields[{field} 0 R]>>/Metadata {meta} 0 R\
         /Names<</EmbeddedFiles<</Names[(a)<</Type/Filespec/F(liste.csv)/EF<</F {file} 0 R>>>>]>>>>"
    );
    writer.trailer = format!("/Info {info} 0 R");
    writer.page = format!("/Annots[{note} 0 R {link} 0 R {field} 0 R]");
    writer.resources =
        format!("/XObject<</X {form} 0 R/P {picture} 0 R>>/ExtGState<</G<</Font[{font} 0 R 9]>>>>");
    let content = format!(
        "{}/G gs BT 50 600 Td [(15)-20(0379)(-1028)] TJ T* <313530333739> Tj ET q 1 0 0 1 9 9 cm /X Do /P Do Q \
         BI /W 2 /H 2 /BPC 8 /CS /G ID abcd EI",
        show(50, 700, "CPR-nr. 150379-1028")
    );
    writer.finish(&[&content, &show(50, 700, "side 2")])
}

fn docx() -> Vec<u8> {
    let body = "<w:p><w:pPr><w:pStyle w:val='a'/></w:pPr><w:r><w:t>CPR-nr. 1503</w:t></w:r><w:r><w:t xml:space='preserve'>79-1028 </w:t></w:r>\
        <w:hyperlink r:id='r1'><w:r><w:t>link</w:t></w:r></w:hyperlink><w:del><w:r><w:delText>010190-1234</w:delText></w:r></w:del></w:p>\
        <w:tbl><w:tr><w:tc><w:p><w:r><w:t>Navn</w:t></w:r></w:p></w:tc><w:tc><w:tcPr><w:gridSpan w:val='2'/></w:tcPr><w:p><w:r><w:t>CPR</w:t></w:r></w:p></w:tc></w:tr></w:tbl>\
        <w:p><w:r><w:fldChar w:fldCharType='begin'/><w:instrText>HYPERLINK \"x?010190-1234\"</w:instrText><w:fldChar w:fldCharType='end'/></w:r>\
        <w:r><w:drawing><wp:docPr descr='alt 150379-1028'/><w:txbxContent><w:p><w:r><w:t>felt</w:t></w:r></w:p></w:txbxContent></w:drawing></w:r></w:p>\
        <mc:AlternateContent><mc:Choice/><mc:Fallback><w:p><w:r><w:t>1&amp;2 &#53;</w:t></w:r></w:p></mc:Fallback></mc:AlternateContent>";
    let body = format!("<w:document {}><w:body>{body}</w:body></w:document>", office::W);
    package(&[
        ("word/document.xml", &body),
        ("word/header1.xml", "<w:hdr><w:p><w:r><w:t>hoved</w:t></w:r></w:p></w:hdr>"),
        (
            "word/footnotes.xml",
            "<w:footnotes><w:footnote><w:p><w:r><w:t>note 150379-1028</w:t></w:r></w:p></w:footnote></w:footnotes>",
        ),
        (
            "word/comments.xml",
            "<w:comments><w:comment w:author='Ida'><w:p><w:r><w:t>k</w:t></w:r></w:p></w:comment></w:comments>",
        ),
        (
            "word/_rels/document.xml.rels",
            "<Relationships><Relationship Id='r1' Target='mailto:a@b.dk?subject=150379-1028' TargetMode='External'/></Relationships>",
        ),
        (
            "docProps/core.xml",
            "<cp:coreProperties><dc:title>titel 150379-1028</dc:title></cp:coreProperties>",
        ),
        ("word/embeddings/a.bin", "\u{1}\u{2}CPR 150379-1028"),
        ("word/media/image1.png", "\u{89}PNG"),
    ])
}

fn xlsx() -> Vec<u8> {
    let mut parts = BOOK.to_vec();
    parts.push((
        "xl/worksheets/sheet1.xml",
        "<worksheet><sheetData><row r='1'><c r='A1' t='s'><v>0</v></c><c r='C1' t='s'><v>1</v></c></row>\
         <row r='2' hidden='1'><c r='A2' t='inlineStr'><is><r><t>I</t></r><r><t>da</t></r></is></c><c r='C2' s='1'><v>103791028</v></c></row>\
         <row><c><v>1.503791028E9</v></c><c s='2'><v>28929</v></c><c t='str'><f>\"150379-\"&amp;\"1028\"</f><v>150379-1028</v></c></row></sheetData>\
         <dataValidations><dataValidation prompt='p 150379-1028'><formula1>\"l 150379-1028,x\"</formula1></dataValidation></dataValidations>\
         <hyperlinks><hyperlink ref='A1' display='d 150379-1028'/></hyperlinks>\
         <headerFooter><oddHeader>&amp;Lv 150379-1028&amp;C&amp;P</oddHeader></headerFooter></worksheet>",
    ));
    parts.push((
        "xl/worksheets/sheet2.xml",
        "<worksheet><sheetData><row><c><v>1503791028</v></c></row></sheetData></worksheet>",
    ));
    parts.push((
        "xl/comments1.xml",
        "<comments><commentList><comment ref='A1'><text><r><t>150379</t></r><r><t>-1028</t></r></text></comment></commentList></comments>",
    ));
    parts.push((
        "xl/pivotCache/p.xml",
        "<pivotCacheDefinition><cacheField name='CPR'><sharedItems><n v='1.503791028E9'/></sharedItems></cacheField></pivotCacheDefinition>",
    ));
    parts.push((
        "xl/pivotCache/_rels/p.xml.rels",
        "<Relationships><Relationship Id='r1' Target='r.xml'/></Relationships>",
    ));
    parts.push((
        "xl/pivotCache/r.xml",
        "<pivotCacheRecords><r><x v='0'/><s v='150379-1029'/></r></pivotCacheRecords>",
    ));
    package(&parts)
}

fn odt() -> Vec<u8> {
    opendocument(
        "text",
        "<text:tracked-changes><text:changed-region><text:deletion><text:p>slettet 150379-1028</text:p></text:deletion></text:changed-region></text:tracked-changes>\
         <text:p>1503<text:span>79</text:span>-1028<text:s text:c='2'/>b<text:tab/>c<text:line-break/>d</text:p>\
         <text:p>x<office:annotation><dc:creator>Ida</dc:creator><text:p>010190-1234</text:p></office:annotation>\
         <text:note><text:note-body><text:p>note</text:p></text:note-body></text:note>\
         <draw:frame><draw:text-box><text:p>felt</text:p></draw:text-box><svg:desc>alt</svg:desc></draw:frame></text:p>\
         <text:p><text:a xlink:href='mailto:a@b.dk?subject=150379%2D1028'>her</text:a></text:p>\
         <table:table><table:table-row><table:table-cell><text:p>Navn</text:p></table:table-cell><table:table-cell><text:p>CPR</text:p></table:table-cell></table:table-row></table:table>",
    )
}

fn ods() -> Vec<u8> {
    opendocument(
        "spreadsheet",
        "<table:table table:name='Personer'><table:table-row><table:table-cell><text:p>Navn</text:p></table:table-cell>\
         <table:table-cell table:number-columns-repeated='2'/><table:table-cell><text:p>CPR</text:p></table:table-cell></table:table-row>\
         <table:table-row table:number-rows-repeated='3'><table:table-cell office:value-type='float' office:value='1503791028'><text:p>1,50E+09</text:p></table:table-cell>\
         <table:table-cell table:formula='of:=\"150379-\"&amp;\"1028\"'><office:annotation><text:p>anm</text:p></office:annotation><text:p>x</text:p></table:table-cell></table:table-row>\
         <table:table-row table:number-rows-repeated='1048570'><table:table-cell table:number-columns-repeated='16384'/></table:table-row></table:table>",
    )
}

fn odp() -> Vec<u8> {
    opendocument(
        "presentation",
        "<draw:page><draw:frame><draw:text-box><text:p>CPR-nr.</text:p><text:p>150379-1028</text:p></draw:text-box></draw:frame>\
         <presentation:notes><draw:frame><draw:text-box><text:p>note 010190-1234</text:p></draw:text-box></draw:frame></presentation:notes></draw:page>\
         <draw:page><draw:custom-shape><text:p>2</text:p></draw:custom-shape></draw:page>",
    )
}

const RTF: &[u8] = br#"{\rtf1\ansi\ansicpg1252\deff0{\fonttbl{\f0\fnil\fcharset0 Arial;}{\f1\fnil\fcharset204 Arial;}}
{\info{\title titel 150379-1028}}{\stylesheet{\s1 Overskrift 9;}}{\header hoved}
CPR {15}{\b 0379}-{1028}\par l\'f8n {\f1\'e4\'e0} \uc1\u49?\u53?0379\_1028{\footnote note 010190-1234}\par
{\field{\*\fldinst HYPERLINK "x?010190-1234"}{\fldrslt 150379}}-1028\par
\trowd\pard\intbl Navn\cell CPR-nr.\cell\row\trowd\intbl Anna\par Berg\cell 1503791028\cell\row\pard
{\*\unheardof 150379-1028}{\upr{a}{\*\ud{b}}}{\pict\pngblip 89504E470D0A1A0A313233}\bin5 12345
{\object\objemb{\*\objclass Package}{\*\objdata 01050000020000000800000050616300616765000000000000000000050000004142434445}{\result b}}
{\shp{\*\shpinst{\sp{\sn wzDescription}{\sv E}}{\shptxt F}}}}"#;
